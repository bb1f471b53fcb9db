"""What the API sends unannounced: the classes of `partnero_async.drift`."""

from partnero_async.drift import *  # noqa: F403 - all of it, and nothing else

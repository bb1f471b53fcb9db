"""The errors of `partnero_async.errors`: the same classes."""

from partnero_async.errors import *  # noqa: F403 - all of it, and nothing else

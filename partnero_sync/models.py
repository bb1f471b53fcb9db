"""The models of `partnero_async.models`: the same classes."""

from partnero_async.models import *  # noqa: F403 - all of it, and nothing else

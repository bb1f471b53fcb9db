"""Who referred a visitor: the functions of `partnero_async.tracking`, the same ones."""

from partnero_async.tracking import *  # noqa: F403 - all of it, and nothing else

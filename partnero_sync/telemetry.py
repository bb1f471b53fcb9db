"""Spans of calls and attempts: the classes of `partnero_async.telemetry`, the same."""

from partnero_async.telemetry import *  # noqa: F403 - all of it, and nothing else

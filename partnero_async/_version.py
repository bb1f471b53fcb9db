"""The version, read by the build and by `Partnero`'s user agent."""

__version__ = "0.1.0"

"""Deliveries to a webhook: verified, typed, and handled exactly once."""

from .signature import sign, verify

__all__ = ["sign", "verify"]

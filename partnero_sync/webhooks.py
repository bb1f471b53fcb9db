"""Deliveries to a webhook: all of `partnero_async.webhooks`, the same objects.

Synchronous code calls `Receiver.receive_sync`, or uses the module of its framework in
`partnero_async.webhooks`: `flask` or `django`.
"""

from partnero_async.webhooks import *  # noqa: F403 - all of it, and nothing else

"""The Partnero API, emulated on this machine, for programs of all three types.

Partnero has no test host. This local server speaks the API as far as it is documented,
over SQLite, and never needs an account or the network:

    async with Sandbox() as sandbox:
        print(sandbox.url, sandbox.api_key)

It is written from the compilation of facts about the API and never from the client's
code, so that a mistake of the client does not meet the same mistake here. Webhooks are
delivered, to this machine alone unless told otherwise: see `Sandbox.deliveries`.
"""

from .assumptions import Assumptions, DeliveryBody
from .calls import ReferralReward
from .deliveries import Deliveries, Disturbance
from .destinations import Reach
from .limits import RateLimit, fixed_window, parse_rate_limit, token_bucket
from .outbox import Delivery, DeliveryAttempt
from .programs import ProgramSpec, ServedProgram
from .server import Sandbox
from .state import Effect, read_ledger

__all__ = [
    "Assumptions",
    "Deliveries",
    "Delivery",
    "DeliveryAttempt",
    "DeliveryBody",
    "Disturbance",
    "Effect",
    "ProgramSpec",
    "RateLimit",
    "Reach",
    "ReferralReward",
    "Sandbox",
    "ServedProgram",
    "fixed_window",
    "parse_rate_limit",
    "read_ledger",
    "token_bucket",
]

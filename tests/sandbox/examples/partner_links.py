# What the examples of links of partners need; see ../test_examples.py.

from typing import Any

from partnero_async.sandbox import Assumptions

UNREACHABLE = {
    "partner_links.get--direct-tracking": "direct tracking is set up elsewhere",
}
OTHER_STATUS = {"partner_links.create--additional-domain-status-200": 201}
SETTINGS = {
    "partner_links.list--with-pagination": {
        "assumptions": Assumptions(complete_lists=True)
    },
    "partner_links.create--additional-domain-status-200": {
        "assumptions": Assumptions(link_subdomains={14: "shop"})
    },
}

_PARTNER = {
    "id": "pt_7Q2mK9",
    "key": "marisol-hl",
    "email": "marisol.okafor@example.org",
}


def _links(*keys: str) -> list[Any]:
    body = {"partner": {"id": "pt_7Q2mK9"}}
    links = [{**body, "key": key} for key in keys]
    return [
        ("POST", "/partners", _PARTNER),
        *[("POST", "/partner_referral_links", link) for link in links],
    ]


SETUP = {
    "partner_links": _links("marisol-spring", "marisol-winter"),
    "partner_links.create": _links(),
    "partner_links.delete": _links("marisol-snow"),
}

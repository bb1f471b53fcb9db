"""Referral links of partners and customers, and the domains they can be made on."""

from typing import Any

import attrs

from ._model import Model, no_extra


@attrs.define(kw_only=True)
class ReferralLink(Model):
    """A referral link of a partner or a customer."""

    id: str | None = None
    """Equal to `key` in every published answer."""
    key: str | None = None
    """Unique in the program."""
    url: str | None = None
    default: bool | None = None
    """Whether it is the one that its owner had from the start."""
    is_additional: bool | None = None
    """Whether it is on an additional domain."""
    direct_tracking: bool | None = None
    direct_tracking_redirect: bool | None = None
    direct_tracking_redirect_url: str | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True)
class LinkDomain(Model):
    """A domain on which links can be made."""

    id: int | None = None
    """What `create` of a link takes; None for the default domain."""
    domain: str | None = None
    url: str | None = None
    """What a key is appended to."""
    is_additional: bool | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)

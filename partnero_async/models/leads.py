"""Leads: prospects whom a partner submits, before they are customers."""

from datetime import date
from decimal import Decimal
from typing import Any

import attrs

from ._model import Model, no_extra


@attrs.define(kw_only=True)
class LeadPerson(Model):
    """Whom a lead is about, who submitted it, or the customer that it became."""

    id: str | None = None
    """Of the partner who submitted it; nobody else has one."""
    key: str | None = None
    """Of the customer that it became; nobody else has one."""
    name: str | None = None
    email: str | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True)
class LeadAnswer(Model):
    """What was entered in one field of the program's form."""

    question: str | None = None
    answer: str | list[str] | None = None
    """A text; for a checkbox field a list may come (that is inferred)."""
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True)
class Lead(Model):
    """A prospect whom a partner submitted."""

    id: int | None = None
    status: str | None = None
    """``submitted``, ``converted`` or ``rejected``."""
    created_at: date | None = None
    """A day, without a time."""
    lead_info: LeadPerson | None = None
    converted_to: LeadPerson | None = None
    """The customer, once converted."""
    submitter: LeadPerson | None = None
    """The partner."""
    submission_form: list[LeadAnswer] | None = None
    can_be_converted: bool | None = None
    can_be_rejected: bool | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True)
class LeadsCommission(Model):
    """What a lead earns."""

    currency: str | None = None
    """Upper-case ISO 4217 code."""
    commission: Decimal | None = None
    """A percentage, or an amount in major units."""
    commission_type: str | None = None
    """``percent``, or another that no source names."""
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True)
class LeadFormField(Model):
    """A field of the program's own in its lead form."""

    id: int | None = None
    """As a text it is the key in ``cfields`` of a new lead."""
    type: str | None = None
    """``text``, ``input``, ``textarea``, ``checkbox``, ``radio``, ``select`` or
    ``countries``."""
    title: str | None = None
    text: str | None = None
    description: str | None = None
    required: bool | None = None
    options: list[str] | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)


@attrs.define(kw_only=True)
class LeadDetails(Model):
    """How the program takes leads."""

    leads_enabled: str | bool | None = None
    """A text such as ``true`` in what was published."""
    program_leads_commission_type: str | None = None
    """``follow_program_settings``, or another that no source names."""
    leads_commission: LeadsCommission | None = None
    leads_custom_form_fields: list[LeadFormField] | None = None
    extra: dict[str, Any] = attrs.field(factory=no_extra)

"""How a program does: counted from what happened, now and 30 days earlier.

No source says which period the growth is about; 30 days are an assumption.
"""

from collections import Counter
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import attrs

from .amounts import sums
from .calls import Call

_DAYS = 30
_SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$"}
_DIGITS = 200

_AFFILIATE = (
    "SELECT (SELECT count(*) FROM partners WHERE gone = 0 AND created_at <= :until)"
    " AS partners,"
    " (SELECT count(*) FROM customers WHERE gone = 0 AND created_at <= :until)"
    " AS signups, count(*) AS purchases, count(DISTINCT customer) AS paid_accounts"
    " FROM sales WHERE gone = 0 AND deleted_at IS NULL AND created_at <= :until"
)
_REVENUE = (
    "SELECT units, amount FROM sales"
    " WHERE gone = 0 AND deleted_at IS NULL AND created_at <= :until"
)
_REWARDS = (
    "SELECT m.units, m.amount FROM commissions m LEFT JOIN sales s ON s.seq = m.sale"
    " WHERE m.sale IS NULL OR"
    " (s.gone = 0 AND s.deleted_at IS NULL AND s.created_at <= :until)"
)
_FRIENDS = (
    "SELECT (SELECT count(*) FROM referrals WHERE gone = 0 AND created_at <= :until)"
    " AS customers,"
    " (SELECT count(DISTINCT referring) FROM referrals WHERE gone = 0"
    " AND created_at <= :until) AS referring_customers,"
    " (SELECT count(referring) FROM referrals WHERE gone = 0 AND created_at <= :until)"
    " AS referred_customers,"
    " (SELECT count(*) FROM referral_sales WHERE deleted_at IS NULL"
    " AND created_at <= :until) AS sales"
)
_NEWSLETTER = (
    "SELECT count(*) AS total_subscribers,"
    " count(DISTINCT referring) AS total_referring,"
    " count(referring) AS total_referred FROM subscribers WHERE deleted_at IS NULL"
)


@attrs.frozen(kw_only=True)
class _Figures:
    """An affiliate program at one moment."""

    counts: Mapping[str, int]
    reward: Mapping[str, Decimal]
    revenue: Mapping[str, Decimal]

    def profit(self, units: str) -> Decimal:
        """Return what is left of the revenue in one currency."""
        with localcontext(prec=_DIGITS):
            return self.revenue.get(units, Decimal(0)) - self.reward.get(
                units, Decimal(0)
            )


def affiliate(call: Call) -> dict[str, Any]:
    """Shape the statistics of `program.get`: counts as texts, growth as numbers.

    What was only ever seen empty, or never from inside, is empty.
    """
    now, before, units = (
        _affiliate(call),
        _affiliate(call, _DAYS),
        call.program.currency,
    )
    profit = now.profit(units)
    return {
        **{
            name: value if name.endswith("_growth") else str(value)
            for name, value in _counts(now, before).items()
        },
        **_money(call, now, before),
        "affiliate_referred_visitors_clicks": "0",
        "affiliate_referred_visitors_clicks_growth": 0,
        "click_to_signup_conversion": "0",
        "click_to_signup_conversion_growth": 0,
        "signup_to_sale_conversion": str(_conversion(now)),
        "signup_to_sale_conversion_growth": _growth(
            _conversion(now), _conversion(before)
        ),
        "total_paid": [],
        "total_pending": [],
        "net_profit": profit,
        "net_profit_growth": _growth(profit, before.profit(units)),
        "net_profit_formatted": formatted(units, profit),
        "average_order_value": _averages(call, now),
        "rewards_breakdown": {"unclaimed": {}, "in_review": {}, "paid": {}},
        "partner_activity": {},
        "payout_status_breakdown": {},
    }


def affiliate_overview(call: Call) -> dict[str, Any]:
    """Shape the figures of the deprecated overview; its types are assumed."""
    now, before = _affiliate(call), _affiliate(call, _DAYS)
    return {
        **_counts(now, before),
        **_money(call, now, before),
        "total_paid": [],
        "total_paid_growth": 0,
    }


def refer_a_friend(call: Call) -> dict[str, Any]:
    """Shape the figures of a refer-a-friend program: flat, whole numbers."""
    now, before = _friends(call), _friends(call, _DAYS)
    revenue = call.state.rows(
        "SELECT units, amount FROM referral_sales WHERE deleted_at IS NULL"
    )
    shaped: dict[str, Any] = {}
    for name in now:
        shaped[name] = now[name]
        shaped[f"{name}_before"] = before[name]
        shaped[f"{name}_growth"] = _growth(now[name], before[name])
    totals = sums([(row["units"], row["amount"]) for row in revenue])
    return {**shaped, "total_revenue_from_sales": _formatted(totals)}


def newsletter(call: Call) -> dict[str, Any]:
    """Shape the figures of a newsletter program."""
    (row,) = call.state.rows(_NEWSLETTER)
    return dict(row)


def formatted(units: str, amount: Decimal) -> str:
    """Write money as people read it: €1,904.25, or PLN 1,904.25."""
    symbol = _SYMBOLS.get(units, f"{units} ")
    with localcontext(prec=_DIGITS):
        cents = amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    return f"{'-' if cents < 0 else ''}{symbol}{abs(cents):,}"


def plain_text(amount: Decimal) -> str:
    """Write a number without trailing zeros and without an exponent."""
    return f"{amount.normalize():f}"


def _affiliate(call: Call, days: int = 0) -> _Figures:
    until = _until(call, days)
    (counts,) = call.state.rows(_AFFILIATE, until)
    revenue = call.state.rows(_REVENUE, until)
    return _Figures(
        counts=dict(counts),
        reward=sums([(row[0], row[1]) for row in call.state.rows(_REWARDS, until)]),
        revenue=sums([(row[0], row[1]) for row in revenue]),
    )


def _counts(now: _Figures, before: _Figures) -> dict[str, int]:
    shaped: dict[str, int] = {}
    for name, count in now.counts.items():
        shaped[f"total_{name}"] = count
        shaped[f"total_{name}_growth"] = _growth(count, before.counts[name])
    return shaped


def _money(call: Call, now: _Figures, before: _Figures) -> dict[str, Any]:
    units, nothing = call.program.currency, Decimal(0)
    pairs = {
        "total_reward": (now.reward, before.reward),
        "total_revenue": (now.revenue, before.revenue),
    }
    shaped: dict[str, Any] = {}
    for name, (amounts, earlier) in pairs.items():
        shaped[name] = _formatted(amounts)
        shaped[f"{name}_growth"] = _growth(
            amounts.get(units, nothing), earlier.get(units, nothing)
        )
    return shaped


def _formatted(amounts: Mapping[str, Decimal]) -> dict[str, str] | list[str]:
    """Write money by lower-case currency; PHP writes an empty map as []."""
    texts = {units.lower(): formatted(units, amounts[units]) for units in amounts}
    return texts or []


def _averages(call: Call, now: _Figures) -> dict[str, str] | list[str]:
    sales = Counter(row["units"] for row in call.state.rows(_REVENUE, _until(call, 0)))
    with localcontext(prec=_DIGITS):
        return _formatted({units: now.revenue[units] / sales[units] for units in sales})


def _until(call: Call, days: int) -> dict[str, str]:
    """Name the end of the period: *days* ago, or after everything, dated later too."""
    return {"until": call.later(-days * 86_400) if days else "9999"}


def _conversion(figures: _Figures) -> int:
    return _share(figures.counts["paid_accounts"], figures.counts["signups"])


def _friends(call: Call, days: int = 0) -> dict[str, int]:
    (row,) = call.state.rows(_FRIENDS, _until(call, days))
    counts = {f"total_{name}": row[name] for name in row.keys()}  # noqa: SIM118 - a row
    participation = _share(row["referring_customers"], row["customers"])
    return counts | {"participation": participation}


def _share(part: int, whole: int) -> int:
    return round(part * 100 / whole) if whole else 0


def _growth(now: Decimal | int, before: Decimal | int) -> int:
    """Return the growth in whole per cent; nothing can grow from nothing."""
    if not before:
        return 0
    with localcontext(prec=_DIGITS):
        share = (Decimal(now) - before) * 100 / abs(Decimal(before))
        return int(share.quantize(Decimal(1), rounding=ROUND_HALF_UP))

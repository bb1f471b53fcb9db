"""Signatures of deliveries: made, and checked as strictly as the sender makes them."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict
from starlette.datastructures import Headers as StarletteHeaders
from werkzeug.datastructures import Headers as WerkzeugHeaders

from partnero_async import DeliveryTooLargeError, SignatureError, UsageError
from partnero_async.webhooks import sign, verify

from .deliveries import BAD, EACH, OTHER, SECRET, Delivery, Example, signed, written

BODY = written()
GOOD = signed(BODY)


@pytest.mark.parametrize("example", EACH)
def test_published_delivery(example: Example) -> None:
    """It is taken where the facts say so, and signed as they say."""
    assert sign(example.body, example.secret) == example.expected_signature
    if example.valid:
        verify(example.headers, example.body, example.secret)
    else:
        with pytest.raises(SignatureError):
            verify(example.headers, example.body, example.secret)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Signature": GOOD}, id="mapping"),
        pytest.param({"content-type": "x", "SIGNATURE": GOOD}, id="case-of-the-name"),
        pytest.param({b"signature": GOOD.encode()}, id="bytes"),
        pytest.param([("X", "y"), ("Signature", GOOD)], id="pairs"),
        pytest.param([(b"Signature", GOOD.encode())], id="pairs-of-bytes"),
        pytest.param(iter([("Signature", GOOD)]), id="iterator"),
        pytest.param(CIMultiDict({"Signature": GOOD}), id="aiohttp"),
        pytest.param(StarletteHeaders({"Signature": GOOD}), id="starlette"),
        pytest.param(WerkzeugHeaders({"Signature": GOOD}), id="werkzeug"),
    ],
)
def test_headers_of_any_framework(headers: Any) -> None:
    """A mapping or pairs, of text or bytes; the case of a name says nothing."""
    verify(headers, BODY, SECRET)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(CIMultiDict([("Signature", GOOD)] * 2), id="aiohttp"),
        pytest.param(
            StarletteHeaders(raw=[(b"signature", GOOD.encode())] * 2), id="starlette"
        ),
        pytest.param(WerkzeugHeaders([("Signature", GOOD)] * 2), id="werkzeug"),
        pytest.param({"Signature": GOOD, "signature": GOOD}, id="two-cases"),
        pytest.param({"Signature": [GOOD]}, id="list"),
        pytest.param({"Signature": None}, id="none"),
        pytest.param([("Signature", f" {GOOD}")], id="space-before"),
        pytest.param([("Signature", f"{GOOD} ")], id="space-after"),
        pytest.param([("Signature", f"{GOOD}\n")], id="line-end"),
        pytest.param([("Signature", GOOD[:-1] + "\ud800")], id="surrogate"),
        pytest.param([("Signature", GOOD[:-1] + "\uff10")], id="wide-digit"),
        pytest.param([(b"Signature", b"\xff" * 64)], id="bytes"),
    ],
)
def test_anything_but_one_signature_is_refused(headers: Any) -> None:
    """Also what no server of HTTP would let through."""
    with pytest.raises(SignatureError):
        verify(headers, BODY, SECRET)


@pytest.mark.parametrize("delivery", BAD)
def test_bad_delivery(delivery: Delivery) -> None:
    """The signature is refused where it is wrong, and nowhere else."""
    error = delivery.error
    if error in (SignatureError, DeliveryTooLargeError):
        with pytest.raises(error) as caught:
            verify(delivery.headers, delivery.body, SECRET)
        shown = f"{caught.value!r} {caught.value} {vars(caught.value)}"
        for hidden in (SECRET, signed(delivery.body), *dict(delivery.headers).values()):
            assert not hidden or hidden not in shown
    else:
        verify(delivery.headers, delivery.body, SECRET)


@pytest.mark.parametrize(
    "secrets", [[SECRET, OTHER], [OTHER, SECRET], (SECRET,), iter([OTHER, SECRET])]
)
def test_several_secrets(secrets: Iterable[str]) -> None:
    """Each of them is good, while one webhook replaces another."""
    verify({"Signature": GOOD}, BODY, secrets)


@pytest.mark.parametrize("secrets", ["", [], [""], [SECRET, ""], [None], None])
def test_a_secret_that_is_none_is_refused(secrets: Any) -> None:
    """A setting that is missing must not let everybody in."""
    empty = signed(BODY, "")
    with pytest.raises(UsageError, match="missing or empty"):
        verify({"Signature": empty}, BODY, secrets)


@pytest.mark.parametrize(
    "body", ["{}", {}, None, bytearray(b"{}"), memoryview(b"{}")], ids=repr
)
def test_a_body_that_is_not_raw_is_refused(body: Any) -> None:
    """It tells how each framework gives the raw one."""
    with pytest.raises(UsageError, match="get_data") as caught:
        verify({"Signature": GOOD}, body, SECRET)
    assert "FastAPI" in str(caught.value)
    with pytest.raises(UsageError):
        sign(body, SECRET)
    with pytest.raises(UsageError):
        sign(b"", "")


@pytest.mark.parametrize(("size", "taken"), [(1_048_576, True), (1_048_577, False)])
def test_size(monkeypatch: pytest.MonkeyPatch, size: int, *, taken: bool) -> None:
    """One byte more than 1 MiB is refused, and not hashed before."""
    body = bytes(size)
    headers = {"Signature": signed(body)}
    if taken:
        verify(headers, body, SECRET)
        return
    monkeypatch.setattr(hmac, "new", None)
    with pytest.raises(DeliveryTooLargeError, match="1048577 bytes"):
        verify(headers, body, SECRET)


def test_signatures_are_compared_in_constant_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With `hmac.compare_digest`, as bytes, and with each of the secrets."""
    seen: list[tuple[bytes, bytes]] = []

    def compared(one: bytes, other: bytes) -> bool:
        seen.append((one, other))
        return real(one, other)

    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", compared)
    verify({"Signature": GOOD}, BODY, [SECRET, OTHER])
    given = GOOD.encode()
    assert seen == [(given, given), (signed(BODY, OTHER).encode(), given)]


TEXTS = st.text() | st.binary()


@settings(deadline=None)
@given(headers=st.lists(st.tuples(TEXTS, TEXTS)), body=st.binary(max_size=99))
def test_anything_else_is_refused(headers: Any, body: bytes) -> None:
    """Whatever is sent is one error, and no other."""
    with pytest.raises(SignatureError):
        verify(headers, body, SECRET)
    with pytest.raises(SignatureError):
        verify([*headers, (b"Signature", b"0" * 64)], body, SECRET)


@settings(deadline=None)
@given(
    body=st.binary(max_size=999),
    secret=st.text(st.characters(), min_size=1, max_size=40),
)
def test_what_is_signed_is_verified(body: bytes, secret: str) -> None:
    """With any secret that can be written, and with no other."""
    signature = sign(body, secret)
    verify([("signature", signature)], body, secret)
    with pytest.raises(SignatureError):
        verify([("signature", signature)], body + b"\n", secret)
    with pytest.raises(SignatureError):
        verify([("signature", signature)], body, f"{secret}x")

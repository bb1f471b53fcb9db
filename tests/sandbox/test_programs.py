from pathlib import Path
from typing import Any

import pytest

from partnero_async.sandbox import ProgramSpec, Sandbox, fixed_window, read_ledger

PARTNER = {"email": "a@example.com", "id": "p1"}


async def test_each_program_is_on_its_own(serve: Any) -> None:
    """Every key opens its program, with its own objects and ledger."""
    sandbox, api = await serve(programs=["affiliate", "affiliate", "newsletter"])
    one, two, three = sandbox.programs
    assert (sandbox.api_key, sandbox.program_id) == (one.api_key, one.id)
    for program in (one, two):
        assert (await api("POST", "/partners", PARTNER, key=program.api_key))[0] == 201
    for program in sandbox.programs:
        _, body = await api("GET", "/test", key=program.api_key)
        assert body["data"] == {"program": {"pub_id": program.id}}
    assert (await api("DELETE", "/partners/p1", key=two.api_key))[0] == 200
    assert (await api("GET", "/partners/p1"))[0] == 200
    assert [len(each.ledger) for each in (one, two, three)] == [1, 2, 0]
    assert sandbox.ledger == one.ledger


@pytest.mark.parametrize(
    ("kind", "path", "status"),
    [
        pytest.param("affiliate", "/partners", 200, id="affiliate partners"),
        pytest.param("refer_a_friend", "/partners", 404, id="friends partners"),
        pytest.param("newsletter", "/customers", 404, id="newsletter customers"),
        pytest.param("affiliate", "/subscribers", 404, id="affiliate subscribers"),
        pytest.param("refer-a-friend", "/customers", 200, id="with hyphens"),
    ],
)
async def test_what_a_type_does_not_have(
    serve: Any, kind: str, path: str, status: int
) -> None:
    """It is not there (assumption: 404, like any other wrong path)."""
    _, api = await serve(programs=[kind])
    answer = await api("GET", path)
    assert answer[0] == status
    assert status == 200 or list(answer[1]) == ["message"]


async def test_everything_survives_a_restart(serve: Any, tmp_path: Path) -> None:
    """Keys, further keys and objects of every program; a file each."""
    settings = {"db": tmp_path / "shop.db", "programs": ["affiliate", "newsletter"]}
    first, api = await serve(**settings)
    told = [(each.type, each.id, each.api_key) for each in first.programs]
    key = first.make_key(first.programs[1], deny=["rewards"])
    await api("POST", "/subscribers", {"email": "b@example.com"}, key=told[1][2])
    await first.close()
    second, api = await serve(**settings)
    assert [(each.type, each.id, each.api_key) for each in second.programs] == told
    assert (await api("GET", "/subscribers/b@example.com", key=key))[0] == 200
    assert (await api("GET", "/rewards", key=key))[0] == 403
    assert read_ledger(tmp_path / "shop-2.db") == second.programs[1].ledger


async def test_a_file_keeps_its_type(serve: Any, tmp_path: Path) -> None:
    """It is not read as a program of another type, and is left as it was."""
    db = tmp_path / "shop.db"
    first, _ = await serve(db=db, programs=["newsletter"])
    program_id = first.program_id
    await first.close()
    with pytest.raises(ValueError, match="belongs to a program of type newsletter"):
        await serve(db=db)
    again, _ = await serve(db=db, programs=["newsletter"])
    assert again.program_id == program_id


async def test_denied_resources(serve: Any) -> None:
    """403 in the published words; the other resources work, and so does the test."""
    sandbox, api = await serve()
    key = sandbox.make_key(deny=["webhooks", "partners.create"])
    assert await api("GET", "/webhooks", key=key) == (
        403,
        {"status": 0, "message": "This key may not manage webhooks."},
    )
    assert (await api("POST", "/partners", PARTNER, key=key))[0] == 403
    assert sandbox.ledger == ()
    for path in ("/partners", "/test"):
        assert (await api("GET", path, key=key))[0] == 200
    assert (await api("GET", "/webhooks"))[0] == 200


async def test_permissions_of_the_first_key(serve: Any) -> None:
    """A list of what is allowed leaves out everything else."""
    spec = ProgramSpec("affiliate", permissions=["partners", "customers.list"])
    _, api = await serve(programs=[spec])
    paths = ["/partners", "/customers", "/transactions", "/test"]
    codes = [(await api("GET", path))[0] for path in paths]
    assert codes == [200, 200, 403, 200]
    assert (await api("DELETE", "/customers/c1"))[0] == 403


async def test_rate_limit_counts_for_each_key(serve: Any) -> None:
    """Further keys have counts of their own, under the same rule, from its start."""
    sandbox, api = await serve(
        programs=["affiliate", "newsletter"], rate_limit=fixed_window(1, 60)
    )
    keys = [each.api_key for each in sandbox.programs]
    codes = [(await api("GET", "/test", key=key))[0] for key in keys * 2]
    assert codes == [200, 200, 429, 429]
    assert (await api("GET", "/test", key=sandbox.make_key()))[0] == 200
    sandbox.rate_limit = fixed_window(2, 60)
    codes = [(await api("GET", "/test", key=keys[1]))[0] for _ in range(3)]
    assert codes == [200, 200, 429]
    sandbox.rate_limit = None
    assert (await api("GET", "/test", key=keys[1]))[0] == 200


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        pytest.param({"programs": []}, "needs a program", id="none"),
        pytest.param({"programs": ["webshop"]}, "no type of program", id="type"),
    ],
)
def test_wrong_programs(settings: Any, reason: str) -> None:
    """What cannot be played is refused before anything starts."""
    with pytest.raises(ValueError, match=reason):
        Sandbox(**settings)


def test_wrong_permission() -> None:
    """A misspelt resource would deny nothing."""
    with pytest.raises(ValueError, match="neither a resource nor an operation: webhok"):
        ProgramSpec("affiliate", permissions=["webhok"])


async def test_two_programs_with_one_key(serve: Any) -> None:
    """The key could not say which program is meant."""
    specs = [ProgramSpec(kind, api_key="k") for kind in ("affiliate", "newsletter")]
    with pytest.raises(ValueError, match="same key"):
        await serve(programs=specs)


def test_keys_are_not_shown() -> None:
    """Neither by what is asked for nor by what runs."""
    assert "secret" not in repr(ProgramSpec("affiliate", api_key="secret"))
    with Sandbox(api_key="secret").in_thread() as sandbox:
        assert "secret" not in repr(sandbox.programs)

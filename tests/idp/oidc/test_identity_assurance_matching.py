"""Whatever is asked of a confirmed identity: what is told was asked for, is known, and keeps to what was required.

Judged by a second reading of sections 5.3 to 5.7 of OpenID Connect for Identity Assurance 1.0 that shares no code with
the first: it looks at each thing that was told, and asks for its reasons.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from idp.models.confirmations import Assurance, Confirmation, Confirmed, ConfirmedBy
from idp.models.in_person import DocumentKind
from idp.oidc.claims import parse_claims_request
from idp.oidc.errors import ProtocolError
from idp.oidc.scopes import Scope
from idp.oidc.verified_claims import Known, answer, known_of
from idp.oidc.verified_requests import (
    OF_SCOPE,
    SCOPE_OF_CLAIM,
    asks_for,
    limited_to,
    read_requests,
    scopes_of,
)

NOW = 1_760_000_000.0
NAMES = ("given_name", "family_name", "person_code")
EVERYTHING: dict[str, Any] = {
    "verification": {
        "trust_framework": None,
        "assurance_level": None,
        "time": None,
        "evidence": [
            {
                "type": {"value": kind},
                "check_details": [{"check_method": None, "time": None}],
                "record": {"type": None},
                "document_details": {"type": None},
            }
            for kind in ("electronic_record", "document")
        ],
    },
    "claims": dict.fromkeys(NAMES),
}


@st.composite
def known(draw: st.DrawFn) -> Known:
    by = draw(st.sampled_from(ConfirmedBy))
    confirmation = Confirmation(
        user_id="u",
        person_index="i",
        names_sealed="s",
        confirmed_by=by.value,
        assurance=draw(st.sampled_from(Assurance)).value,
        country="LV",
        confirmed_at=NOW - draw(st.integers(0, 10)),
        consent_version="1",
        consent_language="lv",
        flow=draw(st.sampled_from(DocumentKind)) if by is ConfirmedBy.IN_PERSON else "",
    )
    given_name, family_name = draw(
        st.tuples(st.sampled_from(["ANNA", "ILZE", ""]), st.sampled_from(["KALNA", ""]))
    )
    confirmed = Confirmed(confirmation=confirmation, given_name=given_name, family_name=family_name)
    return known_of(confirmed, person_code=draw(st.sampled_from([None, "PNOLV-32000000015"])))


VALUES = st.sampled_from(
    [
        *(
            "eidas",
            "de_aml",
            "high",
            "substantial",
            "electronic_record",
            "document",
            "auth",
            "vcrypt",
            "vpip",
        ),
        *("ANNA", "KALNA", "urn:visvaris:record:smart-id", "passport", "2025-10-09T08:53:20Z"),
    ]
)
PLAIN = st.none() | st.just({"essential": True}) | st.just({})
LEAF = st.one_of(
    PLAIN,
    PLAIN,
    st.fixed_dictionaries(
        {},
        optional={
            "value": VALUES,
            "values": st.lists(VALUES, min_size=1, max_size=4),
            "max_age": st.integers(0, 10),
        },
    ),
)
CHECKS = st.none() | st.lists(
    st.fixed_dictionaries({}, optional={"check_method": LEAF, "time": LEAF, "check_id": LEAF}),
    min_size=1,
    max_size=3,
)
ENTRY = st.fixed_dictionaries(
    {"type": st.sampled_from(["electronic_record", "document", "vouch"]).map(lambda kind: {"value": kind})},
    optional={
        "check_details": CHECKS,
        "record": st.none() | st.fixed_dictionaries({}, optional={"type": LEAF, "source": LEAF}),
        "document_details": st.none() | st.fixed_dictionaries({"type": LEAF}),
    },
)
REQUEST = st.fixed_dictionaries(
    {
        "verification": st.fixed_dictionaries(
            {"trust_framework": LEAF},
            optional={
                "assurance_level": LEAF,
                "time": LEAF,
                "verification_process": LEAF,
                "evidence": st.none() | st.lists(ENTRY, min_size=1, max_size=3),
            },
        ),
        "claims": st.dictionaries(st.sampled_from([*NAMES, "birthdate", "name"]), LEAF, min_size=1),
    }
)


def paths(value: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every member there is; members of lists are all of one kind."""
    match value:
        case dict():
            for name, inner in value.items():
                yield (*at, name)
                yield from paths(inner, (*at, name))
        case list():
            for inner in value:
                yield from paths(inner, at)


def holds(told: str, wish: Any) -> bool:
    wish = wish or {}
    if told not in wish.get("values", [told]) or told != wish.get("value", told):
        return False
    return "max_age" not in wish or NOW - datetime.fromisoformat(told).timestamp() <= wish["max_age"]


def is_within(part: Any, whole: Any) -> bool:
    match part:
        case dict():
            return all(name in whole and is_within(value, whole[name]) for name, value in part.items())
        case list():
            return all(any(is_within(each, other) for other in whole) for each in part)
        case _:
            return bool(part == whole)


def limits(wish: Any) -> bool:
    return isinstance(wish, dict) and not {"value", "values", "max_age"}.isdisjoint(wish)


def is_reason(told: dict[str, Any], wish: dict[str, Any]) -> bool:
    """Whether this entry of `evidence` that was asked for lets that one be told."""
    if told["type"] != wish["type"]["value"]:
        return False
    checks = wish.get("check_details") or []
    shown = all(
        any(
            set(check) <= set(each) and all(holds(check[name], each[name]) for name in check)
            for each in checks
        )
        for check in told.get("check_details", [])
    )
    record = told.get("record", {})
    return shown and all(
        holds(value, (wish.get("record") or {}).get(name, {"value": ""})) for name, value in record.items()
    )


@given(known=known(), asked=REQUEST)
def test_what_is_told_was_asked_for_and_is_known(known: Known, asked: dict[str, Any]) -> None:
    told = answer(read_requests(asked), known, now=NOW)
    assume(told is not None)
    whole = answer(EVERYTHING, known, now=NOW)
    assert is_within(told, whole)
    assert set(paths(told)) <= set(paths(asked))
    assert told["verification"]["trust_framework"] == "eidas"
    assert told["claims"]
    json.dumps(told)


@given(known=known(), asked=REQUEST)
def test_what_is_told_meets_what_was_required(known: Known, asked: dict[str, Any]) -> None:
    told = answer(read_requests(asked), known, now=NOW)
    assume(told is not None)
    wishes, verification = asked["verification"], told["verification"]
    for name in ("trust_framework", "assurance_level", "time"):
        if limits(wishes.get(name)):
            assert holds(verification[name], wishes[name])
    assert not limits(wishes.get("verification_process")), "of which nothing is known"
    for entry in verification.get("evidence", []):
        assert any(is_reason(entry, wish) for wish in wishes["evidence"])
    if wishes.get("evidence"):
        kinds = {wish["type"]["value"] for wish in wishes["evidence"]}
        assert kinds & {"electronic_record", "document"}
    assert all(holds(value, asked["claims"][name]) for name, value in told["claims"].items())


@given(known=known(), asked=REQUEST)
def test_what_was_asked_without_conditions_is_told(known: Known, asked: dict[str, Any]) -> None:
    """So that nothing is kept back for no reason."""
    wishes = {
        name: None if name != "evidence" else EVERYTHING["verification"]["evidence"]
        for name in asked["verification"]
        if name != "verification_process"
    }
    claims = dict.fromkeys(asked["claims"])
    told = answer({"verification": wishes, "claims": claims}, known, now=NOW)
    expected = {name for name in claims if name in known.claims}
    assert set(told["claims"] if told else ()) == expected
    assert told is None or set(told["verification"]) == set(wishes)


@given(known=known(), asked=st.lists(REQUEST, min_size=1, max_size=4))
def test_of_several_each_is_answered_as_if_alone(known: Known, asked: list[dict[str, Any]]) -> None:
    alone = [told for request in asked if (told := answer(request, known, now=NOW)) is not None]
    assert answer(read_requests(asked), known, now=NOW) == (alone or None)


@given(asked=REQUEST, scopes=st.sets(st.sampled_from(Scope)))
def test_what_is_kept_is_within_the_scopes(asked: dict[str, Any], scopes: set[Scope]) -> None:
    kept = limited_to(read_requests(asked), scopes)
    assert isinstance(kept, dict)
    assert kept["verification"] == asked["verification"]
    assert set(kept["claims"]) == {name for name in asked["claims"] if SCOPE_OF_CLAIM.get(name) in scopes}
    assert scopes_of(kept) <= scopes
    assert asks_for(kept, "person_code") is ("person_code" in asked["claims"] and Scope.PERSON_CODE in scopes)


@given(asked=REQUEST, scopes=st.sets(st.sampled_from(Scope)))
def test_nothing_is_kept_without_the_scope(asked: dict[str, Any], scopes: set[Scope]) -> None:
    parameter = json.dumps({"userinfo": {"verified_claims": asked}, "id_token": {"name": None}})
    kept = parse_claims_request(parameter).verified_within(scopes)
    assert set(kept) == ({"userinfo"} if Scope.VERIFIED_IDENTITY in scopes else set())


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["value", "values", "max_age", "type", "evidence", "check_details", "record", "x"]
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=12,
)
LOOSE = st.one_of(
    JSON,
    st.fixed_dictionaries(
        {
            "verification": st.fixed_dictionaries(
                {"trust_framework": JSON},
                optional={"time": JSON, "x": JSON, "evidence": st.lists(ENTRY | JSON, max_size=2)},
            ),
            "claims": st.dictionaries(st.sampled_from([*NAMES, "x"]), JSON, max_size=2),
        }
    ),
)


@given(known=known(), asked=LOOSE)
@example(known=Known({}, {}), asked=OF_SCOPE)
def test_whatever_comes_is_answered_or_refused(known: Known, asked: Any) -> None:
    """attack 43"""
    try:
        requests = read_requests(asked)
    except ProtocolError:
        return
    told = answer(requests, known, now=NOW)
    stored = json.dumps(requests, allow_nan=False)
    stored.encode("ascii")
    assert "\\u0000" not in stored
    assert told is None or "eidas" in json.dumps(told)

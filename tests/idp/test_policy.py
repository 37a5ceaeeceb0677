"""Policy: default deny, every exclusion explained, the strictest demand wins, and three properties of all decisions."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.models.methods import Factor, MethodFacts, Proof
from idp.policy import (
    NATIONAL,
    OPERATOR,
    REMEMBERED,
    Exclusion,
    Level,
    Rule,
    Situation,
    Why,
    amr_of,
    decide,
    level_of,
)

KNOWN = MethodFacts(id="known", factor=Factor.KNOWLEDGE, amr=("pwd",))
HAD = MethodFacts(id="had", factor=Factor.POSSESSION, amr=("otp",), enrollable=True)
SPARE = MethodFacts(id="spare", factor=Factor.POSSESSION, amr=("otp",), backup=True)
KEY = MethodFacts(
    id="key", factor=Factor.POSSESSION, amr=("hwk", "user"), phishing_resistant=True, enrollable=True
)
TOUCH = MethodFacts(
    id="touch",
    factor=Factor.POSSESSION,
    amr=("pop", "user"),
    phishing_resistant=True,
    touch_is_enough=True,
    enrollable=True,
)
UPSTREAM = MethodFacts(id="upstream", factor=Factor.UPSTREAM, amr=("mfa",))
METHODS = (KNOWN, HAD, SPARE, KEY, TOUCH, UPSTREAM)
IDS = [facts.id for facts in METHODS]
RIGA = "0001000"
OGRE = "0040000"


def rule(scope: str, *methods: str, minimum: Level = Level.ONE_FACTOR, first_enrolment: bool = False) -> Rule:
    return Rule(scope, frozenset(methods), minimum, first_enrolment)


def situation(*rules: Rule, **changes: object) -> Situation:
    base = Situation(
        methods=METHODS, enrolled=frozenset({"known", "had"}), rules=rules, tenants=frozenset({RIGA})
    )
    return replace(base, **changes)  # type: ignore[arg-type]


EVERYWHERE = (rule(NATIONAL, *IDS), rule(RIGA, *IDS), rule(OGRE, *IDS))


def test_no_rule_no_method() -> None:
    decision = decide(situation())
    assert decision.offered == ()
    assert {exclusion.why for exclusion in decision.excluded} == {Why.NOT_ALLOWED_NATIONALLY}


def test_a_municipality_may_not_allow_more_than_the_nation() -> None:
    decision = decide(situation(rule(NATIONAL, "known"), rule(RIGA, "known", "had")))
    assert decision.offered == ("known",)
    assert Exclusion("had", Why.NOT_ALLOWED_NATIONALLY) in decision.excluded


def test_a_method_must_be_allowed_by_every_municipality_the_person_acts_for() -> None:
    decision = decide(
        situation(rule(NATIONAL, *IDS), rule(RIGA, *IDS), rule(OGRE, "had"), tenants=frozenset({RIGA, OGRE}))
    )
    assert decision.offered == ("had",)
    assert Exclusion("known", Why.NOT_ALLOWED_BY_MUNICIPALITY) in decision.excluded


def test_a_person_without_a_municipality_is_offered_nothing() -> None:
    assert decide(situation(*EVERYWHERE, tenants=frozenset())).offered == ()


def test_the_operator_has_rules_of_its_own() -> None:
    assert decide(situation(*EVERYWHERE, rule(OPERATOR, "had"), tenants=frozenset({OPERATOR}))).offered == (
        "had",
    )


def test_what_is_not_enrolled_is_not_offered() -> None:
    assert Exclusion("key", Why.NOT_ENROLLED) in decide(situation(*EVERYWHERE)).excluded


@pytest.mark.parametrize("strict", ["nation", "municipality", "application"])
def test_the_strictest_demand_wins(strict: str) -> None:
    levels = dict.fromkeys(("nation", "municipality", "application"), Level.ONE_FACTOR)
    levels[strict] = Level.PHISHING_RESISTANT
    decision = decide(
        situation(
            rule(NATIONAL, *IDS, minimum=levels["nation"]),
            rule(RIGA, *IDS, minimum=levels["municipality"]),
            demanded=levels["application"],
        )
    )
    assert decision.required is Level.PHISHING_RESISTANT


def test_a_second_factor_is_useful_after_the_first_and_the_first_is_not_asked_again() -> None:
    decision = decide(situation(*EVERYWHERE, proofs=(Proof("known", 1.0),), demanded=Level.MULTI_FACTOR))
    assert decision.useful == ("had",)
    assert not decision.enough


def test_nothing_is_useful_once_it_is_enough() -> None:
    decision = decide(situation(*EVERYWHERE, proofs=(Proof("known", 1.0), Proof("had", 2.0))))
    assert decision.enough
    assert decision.useful == ()


def test_who_has_set_up_a_second_factor_is_asked_for_it_even_where_one_is_enough() -> None:
    decision = decide(situation(*EVERYWHERE, proofs=(Proof("known", 1.0),)))
    assert not decision.enough
    assert decision.useful == ("had",)


def test_recovery_codes_alone_are_no_second_factor_to_insist_on() -> None:
    decision = decide(
        situation(*EVERYWHERE, enrolled=frozenset({"known", "spare"}), proofs=(Proof("known", 1.0),))
    )
    assert decision.enough


def test_a_second_factor_that_is_not_allowed_is_not_insisted_on() -> None:
    decision = decide(situation(rule(NATIONAL, "known"), rule(RIGA, *IDS), proofs=(Proof("known", 1.0),)))
    assert decision.enough


def test_old_proofs_do_not_count_and_may_be_given_again() -> None:
    """attack 23: `max_age` and `prompt=login` cannot be met by an old proof."""
    decision = decide(situation(*EVERYWHERE, proofs=(Proof("known", 9.0),), not_before=10.0))
    assert not decision.enough
    assert "known" in decision.useful


def test_a_proof_by_a_method_that_is_not_allowed_does_not_count() -> None:
    decision = decide(situation(rule(NATIONAL, *IDS), rule(RIGA, "had"), proofs=(Proof("known", 1.0),)))
    assert decision.reached is Level.NONE


def test_enrolment_in_the_middle_of_a_sign_in_needs_leave_and_a_first_factor() -> None:
    """attack 33: nobody adds a second factor with nothing proven, or where it is not allowed."""
    allowed = (rule(NATIONAL, *IDS), rule(RIGA, *IDS, first_enrolment=True))
    only_known = frozenset({"known"})
    proven = (Proof("known", 1.0),)
    demand = Level.MULTI_FACTOR
    assert (
        "had" in decide(situation(*allowed, enrolled=only_known, proofs=proven, demanded=demand)).enrollable
    )
    assert decide(situation(*allowed, enrolled=only_known, demanded=demand)).enrollable == ()
    assert (
        decide(situation(*EVERYWHERE, enrolled=only_known, proofs=proven, demanded=demand)).enrollable == ()
    )


def test_one_with_a_second_factor_may_not_enrol_another_with_the_first_alone() -> None:
    """attack 33: a stolen password must not add the thief's authenticator beside the owner's."""
    allowed = (rule(NATIONAL, *IDS), rule(RIGA, *IDS, first_enrolment=True))
    decision = decide(situation(*allowed, proofs=(Proof("known", 1.0),), demanded=Level.PHISHING_RESISTANT))
    assert decision.enrollable == ()


@pytest.mark.parametrize(
    ("proofs", "level"),
    [
        ([], Level.NONE),
        (["known"], Level.ONE_FACTOR),
        (["had", "spare"], Level.ONE_FACTOR),
        (["known", "spare"], Level.MULTI_FACTOR),
        (["upstream"], Level.ONE_FACTOR),
        (["upstream", "known"], Level.ONE_FACTOR),
        (["upstream", "had"], Level.MULTI_FACTOR),
        (["upstream", "touch"], Level.PHISHING_RESISTANT),
        (["key"], Level.PHISHING_RESISTANT),
        (["touch"], Level.ONE_FACTOR),
        (["touch", "had"], Level.ONE_FACTOR),
        (["touch", "known"], Level.PHISHING_RESISTANT),
        (["never heard of"], Level.NONE),
    ],
)
def test_levels(proofs: list[str], level: Level) -> None:
    assert level_of([Proof(method, 1.0) for method in proofs], METHODS) is level


def test_a_key_that_made_sure_of_its_user_needs_nothing_beside_it() -> None:
    touched, verified = Proof("touch", 1.0), Proof("touch", 1.0, user_verified=True)
    assert level_of([verified], METHODS) is Level.PHISHING_RESISTANT
    assert amr_of([touched], METHODS) == ("pop", "user")
    assert amr_of([verified], METHODS) == ("pop", "user", "mfa")
    assert amr_of([Proof("known", 1.0), touched], METHODS) == ("pwd", "pop", "user", "mfa")
    assert amr_of([Proof("key", 1.0)], METHODS) == ("hwk", "user", "mfa")


def test_only_a_phishing_resistant_proof_gains_by_a_verified_user() -> None:
    assert level_of([Proof("had", 1.0, user_verified=True)], METHODS) is Level.ONE_FACTOR


def test_a_touch_on_top_of_something_known_that_no_longer_counts_is_one_factor() -> None:
    """attack 23: `max_age` drops the password, and the key alone must not stand in for both."""
    proofs = (Proof("known", 1.0), Proof("touch", 20.0))
    enrolled = frozenset({"known", "touch"})
    decision = decide(situation(*EVERYWHERE, enrolled=enrolled, proofs=proofs, not_before=10.0))
    assert decision.reached is Level.ONE_FACTOR
    assert not decision.enough
    assert "known" in decision.useful


def test_a_blocked_factor_is_not_offered_and_still_asked_for() -> None:
    """attack 35: a key that is blocked must not open the account to the password alone, nor to another's key."""
    allowed = (rule(NATIONAL, *IDS), rule(RIGA, *IDS, first_enrolment=True))
    case = situation(
        *allowed,
        enrolled=frozenset({"known", "key"}),
        blocked=frozenset({"key"}),
        proofs=(Proof("known", 1.0),),
    )
    decision = decide(case)
    assert Exclusion("key", Why.BLOCKED) in decision.excluded
    assert not decision.enough
    assert decision.useful == ()
    assert decision.enrollable == ()


def test_amr_tells_the_factors_and_that_there_were_several() -> None:
    assert amr_of([Proof("known", 1.0), Proof("had", 2.0)], METHODS) == ("pwd", "otp", "mfa")
    assert amr_of([Proof("known", 1.0)], METHODS) == ("pwd",)


def test_acr_values_name_the_levels() -> None:
    assert [level.acr for level in Level if level] == ["urn:visvaris:acr:1fa", "urn:visvaris:acr:mfa", "phr"]
    assert all(Level.from_acr(level.acr) is level for level in Level if level)
    assert Level.from_acr("") is None


levels = st.sampled_from([level for level in Level if level])
rules = st.builds(
    Rule,
    scope=st.sampled_from([NATIONAL, OPERATOR, RIGA, OGRE]),
    methods=st.frozensets(st.sampled_from(IDS)),
    minimum=levels,
    first_enrolment=st.booleans(),
)
proofs = st.builds(
    Proof,
    method=st.sampled_from(IDS),
    at=st.floats(0, 100),
    user_verified=st.booleans(),
    multi_factor=st.booleans(),
)
situations = st.builds(
    Situation,
    methods=st.just(METHODS),
    enrolled=st.frozensets(st.sampled_from(IDS)),
    rules=st.lists(rules, max_size=8).map(tuple),
    tenants=st.frozensets(st.sampled_from([OPERATOR, RIGA, OGRE]), max_size=2),
    proofs=st.lists(proofs, max_size=4).map(tuple),
    demanded=levels,
    not_before=st.none() | st.floats(0, 100),
    blocked=st.frozensets(st.sampled_from(IDS)),
)


@given(situations)
def test_offered_and_excluded_partition_the_methods(case: Situation) -> None:
    decision = decide(case)
    together = [*decision.offered, *(exclusion.method for exclusion in decision.excluded)]
    assert sorted(together) == sorted(IDS)
    assert set(decision.useful) <= set(decision.offered)


@given(situations, st.data())
def test_removing_a_rule_never_offers_more_nor_raises_a_level(case: Situation, data: st.DataObject) -> None:
    before = decide(case)
    kept = data.draw(st.sets(st.integers(0, max(0, len(case.rules) - 1))))
    after = decide(replace(case, rules=tuple(r for i, r in enumerate(case.rules) if i in kept)))
    assert set(after.offered) <= set(before.offered)
    assert after.reached <= before.reached
    assert after.required <= before.required


@given(situations, st.lists(proofs, max_size=3))
def test_enough_is_monotone_in_proofs(case: Situation, more: list[Proof]) -> None:
    before = decide(case)
    after = decide(replace(case, proofs=(*case.proofs, *more)))
    assert after.reached >= before.reached
    assert after.enough >= before.enough


@given(situations, st.sets(st.sampled_from(IDS)))
def test_blocking_never_offers_more_nor_asks_for_less(case: Situation, more: set[str]) -> None:
    before = decide(case)
    after = decide(replace(case, blocked=case.blocked | more))
    assert set(after.offered) <= set(before.offered)
    assert after.required == before.required
    assert after.reached == before.reached
    assert after.enrollable == before.enrollable


@given(situations)
def test_phr_is_reached_only_by_a_proof_that_resists_phishing(case: Situation) -> None:
    decision = decide(case)
    resisting = [proof for proof in decision.counted if proof.method in {"key", "touch"}]
    assert (decision.reached < Level.PHISHING_RESISTANT) or resisting


@given(situations)
def test_a_word_of_two_factors_raises_nothing_but_what_was_vouched_for_elsewhere(case: Situation) -> None:
    """And never to what resists phishing."""
    silent = tuple(replace(proof, multi_factor=False) for proof in case.proofs)
    before, after = decide(replace(case, proofs=silent)), decide(case)
    assert after.reached >= before.reached
    told = [proof for proof in after.counted if proof.method == "upstream" and proof.multi_factor]
    assert after.reached == before.reached or told
    assert (after.reached is Level.PHISHING_RESISTANT) <= (
        before.reached is Level.PHISHING_RESISTANT or any(p.method == "touch" for p in after.counted)
    )


@given(situations)
def test_who_is_vouched_for_with_one_factor_is_where_a_password_would_bring_them(case: Situation) -> None:
    vouched = tuple(replace(proof, multi_factor=False) for proof in case.proofs if proof.method == "upstream")
    assert decide(replace(case, proofs=vouched)).reached <= Level.ONE_FACTOR


def test_two_factors_elsewhere_are_two_here_and_are_told() -> None:
    vouched = [Proof("upstream", 1.0, multi_factor=True)]
    real = replace(UPSTREAM, amr=())
    assert level_of(vouched, METHODS) is Level.MULTI_FACTOR
    assert amr_of(vouched, [real]) == ("mfa",)
    assert amr_of([Proof("upstream", 1.0), Proof("known", 1.0)], [KNOWN, real]) == ("pwd",)


def test_the_word_of_two_factors_is_nothing_beside_a_way_of_our_own() -> None:
    assert level_of([Proof("known", 1.0, multi_factor=True)], METHODS) is Level.ONE_FACTOR


def test_who_was_vouched_for_with_one_factor_is_not_sent_there_again() -> None:
    asked = situation(*EVERYWHERE, enrolled=frozenset({"upstream", "had"}), demanded=Level.MULTI_FACTOR)
    assert decide(asked).useful == ("had", "upstream")
    assert decide(replace(asked, proofs=(Proof("upstream", 1.0),))).useful == ("had",)


# Keys of a kind that may not be used -------------------------------------------------------------------------


def test_a_method_whose_every_key_is_not_accepted_is_not_offered_and_still_counts_as_set_up() -> None:
    """attack 35: otherwise a new rule would open the account to one factor less"""
    held = situation(*EVERYWHERE, enrolled=frozenset({"known", "key"}), unaccepted=frozenset({"key"}))
    decision = decide(held)
    assert Exclusion("key", Why.NOT_ACCEPTED) in decision.excluded
    assert decision.required is Level.MULTI_FACTOR
    blocked_too = decide(replace(held, blocked=frozenset({"key"})))
    assert Exclusion("key", Why.BLOCKED) in blocked_too.excluded


@pytest.mark.parametrize("known", ["old", ""], ids=["made with it", "of any of the method"])
def test_what_such_a_key_proved_does_not_count(known: str) -> None:
    proofs = (Proof("key", 1.0, user_verified=True, credential_id=known),)
    base = situation(*EVERYWHERE, enrolled=frozenset({"known", "key"}), proofs=proofs)
    assert decide(base).reached is Level.PHISHING_RESISTANT
    held = replace(base, unaccepted=frozenset({"key"}), refused_credentials=frozenset({"old"}))
    assert decide(held).counted == ()


def test_what_a_better_key_of_the_same_method_proved_counts() -> None:
    base = situation(*EVERYWHERE, enrolled=frozenset({"key"}), refused_credentials=frozenset({"old"}))
    for key, counts in (("old", False), ("new", True)):
        proof = Proof("key", 1.0, user_verified=True, credential_id=key)
        assert bool(decide(replace(base, proofs=(proof,))).counted) is counts
    assert "key" in decide(base).offered


# A remembered computer ---------------------------------------------------------------------------------

PASSWORD_NOW = Proof("known", 1_000.0)
COMPUTER = Proof(REMEMBERED.id, 100.0, credential_id="series")


def remembering(*proofs: Proof, **changes: object) -> Situation:
    allowed = {
        "remembering": frozenset({RIGA}),
        "remembered_method": "had",
        "demanded": Level.MULTI_FACTOR,
    }
    return replace(situation(*EVERYWHERE, proofs=proofs), **{**allowed, **changes})  # type: ignore[arg-type]


def test_a_remembered_computer_stands_for_a_second_factor_beside_something_known() -> None:
    decision = decide(remembering(PASSWORD_NOW, COMPUTER))
    assert (decision.reached, decision.enough) == (Level.MULTI_FACTOR, True)
    assert amr_of(decision.counted, METHODS) == ("pwd",), "no second factor was used"


def test_it_is_offered_to_nobody_and_set_up_by_nobody() -> None:
    decision = decide(situation(*EVERYWHERE, enrolled=frozenset({"known", REMEMBERED.id})))
    assert REMEMBERED.id not in (*decision.offered, *decision.useful, *decision.enrollable)


@pytest.mark.parametrize(
    ("proofs", "changes"),
    [
        ((COMPUTER,), {}),
        ((COMPUTER, Proof("had", 1_000.0)), {}),
        ((COMPUTER, Proof("touch", 1_000.0)), {}),
        ((PASSWORD_NOW, COMPUTER), {"remembering": frozenset()}),
        ((PASSWORD_NOW, COMPUTER), {"remembering": frozenset({OGRE})}),
        ((PASSWORD_NOW, COMPUTER), {"tenants": frozenset({RIGA, OGRE})}),
        ((PASSWORD_NOW, COMPUTER), {"tenants": frozenset()}),
        ((PASSWORD_NOW, COMPUTER), {"not_before": 0.0}),
        ((PASSWORD_NOW, COMPUTER), {"not_before": 100.0}),
        ((PASSWORD_NOW, COMPUTER), {"demanded": Level.PHISHING_RESISTANT}),
        ((PASSWORD_NOW, COMPUTER), {"rules": (rule(NATIONAL, *IDS), rule(RIGA, "known"))}),
        ((PASSWORD_NOW, COMPUTER), {"remembered_method": ""}),
    ],
    ids=[
        *("alone", "beside a code", "beside a touch", "nowhere", "elsewhere", "for two", "for nobody"),
        *("from any time", "from its own time", "for phr"),
        *("with what is not allowed any more", "with nothing"),
    ],
)
def test_it_is_not_enough(proofs: tuple[Proof, ...], changes: dict[str, object]) -> None:
    """attack 36: alone, beside a thing, elsewhere, where it matters when, and for what resists phishing"""
    assert not decide(remembering(*proofs, **changes)).enough


def test_it_never_makes_anything_resist_phishing() -> None:
    for others in ([], [PASSWORD_NOW], [Proof("had", 1.0)], [PASSWORD_NOW, Proof("upstream", 1.0)]):
        assert level_of([*others, COMPUTER], METHODS) < Level.PHISHING_RESISTANT


def test_it_is_left_out_where_the_thing_itself_was_proved() -> None:
    """So that what is told of the sign-in is as fresh as what was done in it."""
    for better in ("had", "key"):
        proofs = (PASSWORD_NOW, COMPUTER, Proof(better, 900.0))
        assert COMPUTER not in decide(remembering(*proofs)).counted


def test_a_rule_that_names_it_as_a_method_allows_nothing() -> None:
    rules = [rule(scope, *IDS, REMEMBERED.id) for scope in (NATIONAL, RIGA)]
    decision = decide(situation(*rules, proofs=(PASSWORD_NOW, COMPUTER)))
    assert decision.reached == Level.ONE_FACTOR

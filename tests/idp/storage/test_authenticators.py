"""What FIDO's list says, and what is demanded of keys, on both databases."""

import pytest

from idp.methods.registry import OlderListError, read_blob, take_over
from idp.models.authenticators import NO_MODEL, AttestationRule, AuthenticatorModel
from tests.support.alliance import Alliance, entry
from tests.support.at_once import at_once
from tests.support.authenticator import YUBIKEY
from tests.support.builders import KEKAVA, RIGA, START, World, add_credential, add_rule, add_user

MODEL, OTHER = str(YUBIKEY), "11111111-2222-4333-8444-555555555555"
ALLIANCE = Alliance()


def test_a_model_is_kept_whole(world: World) -> None:
    model = AuthenticatorModel(
        aaguid=MODEL,
        description="Ķekavas atslēga",
        status_reports=[{"status": "REVOKED", "effectiveDate": None}],
        attestation_types=["basic_full"],
        roots=["AAAA"],
    )
    with world.database.begin() as work:
        work.authenticators.put([model])
    with world.database.read() as work:
        assert work.authenticators.find(MODEL) == model
        assert work.authenticators.list_models() == [model]
        assert work.authenticators.statuses_of(MODEL) == {"REVOKED"}
        assert work.authenticators.name_of(MODEL) == "Ķekavas atslēga"
        for nobody in (OTHER, NO_MODEL, "\x00", ""):
            assert work.authenticators.find(nobody) is None
            assert work.authenticators.statuses_of(nobody) is None
            assert work.authenticators.name_of(nobody) is None


def test_no_model_is_never_found_even_if_somebody_puts_it_there(world: World) -> None:
    """attack 32: AAGUID zero"""
    with world.database.begin() as work:
        work.authenticators.put([AuthenticatorModel(aaguid=NO_MODEL, description="Nekas")])
    with world.database.read() as work:
        assert work.authenticators.find(NO_MODEL) is None
        assert work.authenticators.statuses_of(NO_MODEL) is None


def test_lists_go_forwards_only(world: World) -> None:
    def accepts(number: int) -> bool:
        with world.database.begin() as work:
            return work.authenticators.accept_blob(number=number, next_update=START, at=START)

    assert [accepts(number) for number in (5, 5, 4, 6, 0)] == [True, False, False, True, False]
    with world.database.read() as work:
        blob = work.authenticators.find_blob()
    assert blob is not None
    assert blob.number == 6
    assert [blob.is_stale(START + seconds) for seconds in (0, 86_399, 86_400)] == [False, False, True]


def test_a_list_that_could_not_be_taken_over_whole_is_not_taken_over(world: World) -> None:
    with pytest.raises(RuntimeError), world.database.begin() as work:
        work.authenticators.accept_blob(number=1, next_update=START, at=START)
        work.authenticators.put([AuthenticatorModel(aaguid=MODEL)])
        raise RuntimeError
    with world.database.read() as work:
        assert work.authenticators.find_blob() is None
        assert work.authenticators.list_models() == []


def test_keys_are_called_what_the_list_calls_them(world: World) -> None:
    with world.database.begin() as work:
        anna = add_user(work)
        add_credential(work, anna.id, "passkey", key_id="a", aaguid=MODEL)
        add_credential(work, anna.id, "passkey", key_id="b", aaguid=OTHER, kind="Vecais nosaukums")
        add_credential(work, anna.id, "password")
        work.authenticators.put([AuthenticatorModel(aaguid=MODEL, description="Sērija 5")])
        work.authenticators.name_keys()
    with world.database.read() as work:
        assert {each.key_id: each.kind for each in work.people.credentials_of(anna.id)} == {
            "a": "Sērija 5",
            "b": None,
            None: None,
        }
        assert (work.authenticators.count_keys(MODEL), work.authenticators.count_keys("nobody's")) == (1, 0)


def test_of_many_lists_at_once_the_newest_stays(world: World) -> None:
    root = ALLIANCE.root.certificate
    blobs = [
        read_blob(ALLIANCE.blob(number, [entry(description=f"Saraksts {number}")]), root=root, now=START)
        for number in range(1, 9)
    ]

    def takes(index: int) -> bool:
        try:
            with world.database.begin() as work:
                return take_over(work, blobs[index], now=START).is_new
        except OlderListError:
            return False

    assert any(at_once(8, takes))
    with world.database.read() as work:
        blob, model = work.authenticators.find_blob(), work.authenticators.find(MODEL)
    assert blob is not None
    assert model is not None
    assert (blob.number, model.description) == (8, "Saraksts 8")


def test_demands_come_with_the_rules_of_the_same_scopes(world: World) -> None:
    of_admins = AttestationRule(scope=RIGA, role="admin", attestation="list", aaguids=[MODEL])
    of_all = AttestationRule(scope=RIGA, attestation="mds", binding="device_bound")
    elsewhere = AttestationRule(scope=KEKAVA, attestation="mds")
    with world.database.begin() as work:
        rules = [add_rule(work, RIGA, ["password"]), add_rule(work, RIGA, ["totp"])]
        national = add_rule(work, "national", ["totp"])
        for demand in (of_admins, of_all, elsewhere):
            work.rules.put_attestation_rule(demand)
    with world.database.read() as work:
        found, demands, _ = work.rules.rules_and_demands_for(["national", RIGA])
        assert sorted(rule.id for rule in found) == sorted(rule.id for rule in (*rules, national))
        assert {(d.scope, d.role, d.attestation, *d.aaguids) for d in demands} == {
            (RIGA, "", "mds"),
            (RIGA, "admin", "list", MODEL),
        }
        assert {d.binding for d in demands} == {"any", "device_bound"}
        assert work.rules.rules_for(["national", RIGA]) == sorted(
            found, key=lambda rule: (rule.scope, rule.id)
        )
        found, demands, _ = work.rules.rules_and_demands_for([KEKAVA, "0000000"])
        assert (found, demands) == ([], [elsewhere]), "of a scope without rules, too"
    with world.database.begin() as work:
        work.rules.put_attestation_rule(AttestationRule(scope=RIGA, attestation="none"))
        assert work.rules.remove_attestation_rule(RIGA, "admin")
        assert not work.rules.remove_attestation_rule(RIGA, "admin")
    with world.database.read() as work:
        _, demands, _ = work.rules.rules_and_demands_for([RIGA])
    assert [(d.role, d.attestation, d.binding) for d in demands] == [("", "none", "any")]

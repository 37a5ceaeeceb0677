from sqlalchemy import text

from idp.storage.municipalities import load
from tests.support.builders import ADAZI, KEKAVA, RIGA, World


def load_into(world: World) -> int:
    with world.database.begin() as work:
        return load(work)


def test_the_forty_two_are_loaded_once_in_latvian_order(world: World):
    assert load_into(world) == 42
    assert load_into(world) == 0
    with world.database.read() as work:
        places = work.people.municipalities()
    names = [place.name for place in places]
    assert len(names) == 42
    assert names.index("Augšdaugavas novads") < names.index("Ādažu novads") < names.index("Balvu novads")
    assert names.index("Kuldīgas novads") < names.index("Ķekavas novads") < names.index("Limbažu novads")
    assert names.index("Cēsu novads") < names.index("Daugavpils valstspilsēta")
    assert (names[0], names[-1]) == ("Aizkraukles novads", "Ventspils valstspilsēta")
    assert {place.stage for place in places} == {"inventory"}
    assert len({place.iso_3166_2 for place in places}) == 42
    assert {place.atvk for place in places} >= {RIGA, ADAZI, "0038001"}


def test_what_is_allowed_at_first(world: World):
    load_into(world)
    with world.database.read() as work:
        (national,) = work.rules.rules_for(["national"])
        (operator,) = work.rules.rules_for(["operator"])
        (one,) = work.rules.rules_for([KEKAVA])
    assert [(rule.minimum_level, rule.first_enrolment) for rule in (national, operator, one)] == [
        (1, False),
        (2, True),
        (1, True),
    ]
    ours = ["passkey", "password", "phone_approval", "recovery_code", "security_key", "totp"]
    assert national.methods == one.methods == ["directory", "kerberos", *ours]
    assert operator.methods == ours


def test_loading_again_corrects_names_and_undoes_no_decision(world: World):
    load_into(world)
    with world.database.begin() as work:
        work.connection().execute(
            text(
                "UPDATE municipalities SET name = 'Riga', stage = 'multi_factor', hue = 1 WHERE atvk = '0001000'"
            )
        )
        work.rules.replace_scope(RIGA, [])
        work.rules.replace_scope("national", [])
    assert load_into(world) == 0
    with world.database.read() as work:
        riga = work.people.get_municipality(RIGA)
        assert (riga.name, riga.stage, riga.hue) == ("Rīgas valstspilsēta", "multi_factor", 1)
        assert work.rules.rules_for([RIGA, "national"]) == []


def test_a_municipality_that_was_missing_comes_with_its_rule(world: World):
    load_into(world)
    with world.database.begin() as work:
        work.rules.replace_scope(KEKAVA, [])
        work.connection().execute(text(f"DELETE FROM municipalities WHERE atvk = '{KEKAVA}'"))
    assert load_into(world) == 1
    with world.database.read() as work:
        assert len(work.rules.rules_for([KEKAVA])) == 1
        assert len(work.rules.rules_for(["national", "operator"])) == 2

import pytest

from idp.errors import AlreadyExistsError, NotFoundError
from tests.support.builders import World, add_client, add_rule


def test_a_client_is_read_as_it_was_added(world: World):
    with world.database.begin() as work:
        added = add_client(
            work, roles=["clerk"], secrets=[{"hash": "h", "created_at": 1.5, "expires_at": None}]
        )
    with world.database.read() as work:
        assert work.clients.get("portal") == added
        assert work.clients.find("unknown") is None
        with pytest.raises(NotFoundError):
            work.clients.get("unknown")


def test_a_client_id_is_taken_once(world: World):
    with pytest.raises(AlreadyExistsError), world.database.begin() as work:
        add_client(work)
        add_client(work)


def test_a_client_disabled_here_is_disabled_at_once(world: World):
    """attack 14"""
    with world.database.begin() as work:
        add_client(work)
    with world.database.read() as work:
        assert not work.clients.get("portal").disabled
    with world.database.begin() as work:
        assert work.clients.set_disabled("portal", True)
    with world.database.read() as work:
        assert work.clients.get("portal").disabled


def test_a_client_disabled_by_another_process_is_disabled_within_a_second(world: World):
    """attack 14"""
    with world.database.begin() as work:
        add_client(work)
    with World(world.url, clock=world.clock) as other:
        with other.database.read() as work:
            assert not work.clients.get("portal").disabled
        with world.database.begin() as work:
            work.clients.set_disabled("portal", True)
        world.clock.move(1)
        with other.database.read() as work:
            assert work.clients.get("portal").disabled


def test_a_change_rolled_back_is_not_remembered(world: World):
    with world.database.begin() as work:
        add_client(work)
    with pytest.raises(ZeroDivisionError), world.database.begin() as work:
        work.clients.set_disabled("portal", True)
        assert work.clients.get("portal").disabled
        _ = 1 / 0
    with world.database.read() as work:
        assert not work.clients.get("portal").disabled


def test_what_was_read_while_it_changed_is_not_kept(world: World):
    with world.database.begin() as work:
        add_client(work)
    with world.database.begin() as writing:
        writing.clients.set_disabled("portal", True)
        with world.database.read() as reading:
            assert not reading.clients.get("portal").disabled
    with world.database.read() as work:
        assert work.clients.get("portal").disabled


def test_secrets_are_replaced(world: World):
    with world.database.begin() as work:
        add_client(work, secrets=[{"hash": "a"}])
        assert work.clients.replace_secrets("portal", [{"hash": "b"}, {"hash": "a"}])
        assert work.clients.get("portal").secrets == [{"hash": "b"}, {"hash": "a"}]
        assert not work.clients.replace_secrets("unknown", [])


def test_secrets_are_replaced_in_both_columns(world: World):
    """A secret that was kept sealed does not outlive the hashes beside it."""
    with world.database.begin() as work:
        add_client(work)
        work.clients.replace_secrets("portal", [{"hash": "a"}], mac_secret_sealed="sealed")
        assert work.clients.get("portal").mac_secret_sealed == "sealed"
        work.clients.replace_secrets("portal", [{"hash": "b"}])
        assert work.clients.get("portal").mac_secret_sealed is None


def test_clients_are_listed_a_page_at_a_time(world: World):
    with world.database.begin() as work:
        for client_id in ("a", "b", "c"):
            add_client(work, client_id)
        assert [client.client_id for client in work.clients.list_clients(limit=2)] == ["a", "b"]
        assert [client.client_id for client in work.clients.list_clients(after="b", limit=2)] == ["c"]


def test_a_client_without_a_secret_shows_none(world: World):
    with world.database.begin() as work:
        assert "sha" not in repr(add_client(work, secrets=[{"hash": "sha"}]))


def test_rules_are_those_of_the_scopes_asked_for(world: World):
    with world.database.begin() as work:
        for scope in ("national", "0001000", "0031000"):
            add_rule(work, scope, ["m1"])
        found = work.rules.rules_for(["0001000", "national", "national", "none"])
    assert [rule.scope for rule in found] == ["0001000", "national"]
    assert found[0].methods == ["m1"]


def test_a_scope_is_replaced_as_a_whole(world: World):
    with world.database.begin() as work:
        add_rule(work, "0001000", ["m1"])
        rule = add_rule(work, "0031000", ["m2"])
        work.rules.replace_scope("0001000", [])
        assert work.rules.rules_for(["0001000"]) == []
        work.rules.replace_scope("0031000", [rule])
        assert work.rules.rules_for(["0031000"]) == [rule]
        with pytest.raises(ValueError, match="another scope"):
            work.rules.replace_scope("0001000", [rule])

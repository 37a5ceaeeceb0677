"""`visvaris upstream`: what cannot work is refused, what is secret is never shown, and links are an operator's act."""

import base64
import json
import logging
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from idp.cli import main
from idp.models.upstreams import UpstreamArrival
from tests.support.builders import (
    MASTER_KEY,
    RIGA,
    World,
    add_employment,
    add_municipality,
    add_user,
    make_database,
)
from tests.support.certificates import Authority
from tests.support.remote import Remote
from tests.support.upstream.provider import CLIENT_ID, OTHER_TENANT, SECRET, TENANT, Shape, Upstream

PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
"""The tenant of Microsoft accounts that anybody can make."""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, authority: Authority) -> Iterator[World]:
    url = f"sqlite:///{tmp_path / 'visvaris.sqlite3'}"
    make_database(url).dispose()
    monkeypatch.setenv("IDP_MASTER_KEYS", base64.urlsafe_b64encode(MASTER_KEY).decode())
    monkeypatch.setenv("IDP_DATABASE_URL", url)
    monkeypatch.setenv("IDP_OUTBOUND_CA_FILE", str(authority.ca_file))
    monkeypatch.setenv("IDP_OUTBOUND_ALLOW", "127.0.0.0/8,::1/128")
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with World(url) as made:
        with made.database.begin() as work:
            add_municipality(work)
        yield made
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def op(remote: Remote, authority: Authority) -> Upstream:
    return Upstream(remote, ssl.create_default_context(cafile=authority.ca_file), lambda: 0.0)


def run(*arguments: str, given: str = "") -> Result:
    return CliRunner().invoke(main, ["upstream", *arguments], input=given)


def adding(op: Upstream, *more: str, given: str = SECRET) -> Result:
    known = ("--municipality", RIGA, "--name", "Rīgas konts", "--issuer", op.issuer, "--client-id", CLIENT_ID)
    return run("add", *known, *more, "--json", given=given)


def test_one_is_added_shown_switched_and_removed(world: World, op: Upstream) -> None:
    added = adding(op, "--domain", "Riga.Example", "--tenant", TENANT, "--believe-mfa", given=f"{SECRET}\n")
    assert added.exit_code == 0, added.output
    told = json.loads(added.stdout)
    assert told["domains"] == ["riga.example"]
    assert told["redirect_uri"].endswith(f"/login/upstream/callback/{told['id']}")
    assert "jwks_uri" not in told
    (shown,) = json.loads(run("show", told["id"], "--json").stdout)
    assert (shown["believes_mfa"], shown["tenant"], shown["enabled"]) == (True, TENANT, True)
    assert SECRET not in added.output + run("show").output
    with world.database.read() as work:
        stored = work.upstreams.find(told["id"])
        assert stored is not None
        assert work.upstreams.secret_of(stored) == SECRET
        assert SECRET not in stored.client_secret_sealed
    assert run("switch", told["id"], "off").exit_code == 0
    with world.database.read() as work:
        assert work.upstreams.find_for_domain("riga.example") is None
    assert run("remove", told["id"]).exit_code == 0
    assert json.loads(run("show", "--json").stdout) == []


def test_its_two_factors_are_believed_when_that_is_said_and_not_before(world: World, op: Upstream) -> None:
    def told() -> tuple[bool, str]:
        (shown,) = json.loads(run("show", upstream_id, "--json").stdout)
        return shown["believes_mfa"], shown["mfa_acr"]

    upstream_id = json.loads(adding(op).stdout)["id"]
    assert told() == (False, "")
    assert run("believe", upstream_id, "yes").exit_code == 0
    assert told() == (True, "")
    said = run("believe", upstream_id, "yes", "--mfa-acr", "urn:two")
    assert said.stdout == f"{upstream_id}: two factors there are two factors here.\n"
    assert told() == (True, "urn:two")
    assert run("believe", upstream_id, "no", "--mfa-acr", "urn:two").exit_code == 1
    assert told() == (True, "urn:two")
    assert run("believe", upstream_id, "no").stdout.endswith("one factor here.\n")
    assert told() == (False, "")
    assert run("believe", "nobody", "yes").exit_code == 1
    assert changes(world) == [
        {"upstream": upstream_id, "added": True},
        {"upstream": upstream_id, "believes_mfa": True},
        {"upstream": upstream_id, "believes_mfa": True, "mfa_acr": "urn:two"},
        {"upstream": upstream_id, "believes_mfa": False},
    ]


def changes(world: World) -> list[dict[str, object]]:
    """As the trail has them, each of the municipality and by the command line."""
    with world.database.read() as work:
        trail = [work.audit.find(seq) for seq in range(1, 20)]
    told = [each for each in trail if each is not None and each.type == "upstream.changed"]
    assert {(each.municipality, each.actor_id) for each in told} == {(RIGA, "command-line")}
    return [json.loads(each.detail) for each in told]


def test_what_cannot_work_is_refused_before_it_is_stored(world: World, op: Upstream) -> None:
    wrong = [
        adding(op, given=""),
        adding(op, "--match", "person_code"),
        adding(op, "--match-claim", "code"),
        *(
            adding(op, "--match", "employee_number", "--match-claim", name)
            for name in ("email", "UPN", "name")
        ),
        adding(op, "--mfa-acr", "urn:x"),
        adding(op, "--domain", "no domain"),
        adding(op, "--municipality", "0000000"),
        run(
            "add",
            "--municipality",
            RIGA,
            "--name",
            "X",
            "--issuer",
            "http://login.example",
            "--client-id",
            "c",
            given="s",
        ),
        run(
            "add",
            "--municipality",
            RIGA,
            "--name",
            "X",
            "--issuer",
            op.issuer + "/",
            "--client-id",
            "c",
            given="s",
        ),
        run(
            "add",
            "--municipality",
            RIGA,
            "--name",
            "X",
            "--issuer",
            "https://login.microsoftonline.com/t/v2.0",
            "--client-id",
            "c",
            given="s",
        ),
    ]
    assert [result.exit_code for result in wrong] == [1] * len(wrong)
    assert json.loads(run("show", "--json").stdout) == []


@pytest.mark.parametrize(
    ("issuer", "tenant"),
    [
        ("https://login.microsoftonline.com/common/v2.0", TENANT),
        ("https://login.microsoftonline.com/{tenantid}/v2.0", TENANT),
        ("https://login.microsoftonline.com/organizations/v2.0", ""),
        (f"https://login.microsoftonline.us/{TENANT}/v2.0", OTHER_TENANT),
        (f"https://login.microsoftonline.com/{PERSONAL}/v2.0", PERSONAL),
        (f"https://sts.windows.net/{PERSONAL}/", PERSONAL),
    ],
)
def test_of_entra_it_is_one_tenant_or_none(world: World, issuer: str, tenant: str) -> None:
    """attack 40: whoever has an account anywhere"""
    named = ("--municipality", RIGA, "--name", "X", "--client-id", "c")
    more = ("--tenant", tenant) if tenant else ()
    refused = run("add", *named, "--issuer", issuer, *more, given="s")
    assert refused.exit_code == 1
    assert "Entra ID" in refused.output


def test_a_key_is_made_for_it_and_never_shown(world: World, op: Upstream) -> None:
    added = adding(op, "--auth", "private_key_jwt", given="")
    told = json.loads(added.stdout)
    assert told["jwks_uri"].endswith(f"/login/upstream/keys/{told['id']}")
    shown = run("certificate", told["id"]).stdout
    certificate = x509.load_pem_x509_certificate(shown.encode())
    with world.database.read() as work:
        row = work.upstreams.find(told["id"])
        assert row is not None
        private = work.upstreams.secret_of(row)
    key = load_pem_private_key(private.encode(), None)
    assert key.public_key() == certificate.public_key()
    assert "PRIVATE" not in added.output + shown + run("show", "--json").output + row.client_secret_sealed


def test_a_secret_or_key_is_renewed_in_place(world: World, op: Upstream) -> None:
    """Whoever is linked stays so."""
    upstream = json.loads(adding(op).stdout)["id"]
    assert run("renew", upstream, given="another").exit_code == 0
    assert run("certificate", upstream).exit_code == 1
    with world.database.read() as work:
        row = work.upstreams.find(upstream)
        assert row is not None
        assert work.upstreams.secret_of(row) == "another"
    made = []
    for _ in range(2):
        assert run("renew", upstream, "--auth", "private_key_jwt").exit_code == 0
        made.append(run("certificate", upstream).stdout)
    assert made[0] != made[1]
    assert run("renew", upstream, given="").exit_code == 1
    assert run("renew", "nobody", given="x").exit_code == 1


def test_who_takes_no_keys_is_given_none(world: World, remote: Remote, authority: Authority) -> None:
    trust = ssl.create_default_context(cafile=authority.ca_file)
    op = Upstream(remote, trust, lambda: 0.0, Shape.ADFS)
    assert adding(op, "--auth", "private_key_jwt", given="").exit_code == 1
    upstream = json.loads(adding(op).stdout)["id"]
    assert run("renew", upstream, "--auth", "private_key_jwt").exit_code == 1


def test_a_domain_leads_to_one_upstream(world: World, op: Upstream) -> None:
    assert adding(op, "--domain", "riga.example").exit_code == 0
    known = ("--municipality", RIGA, "--name", "Cits", "--issuer", op.issuer, "--client-id", "another")
    assert run("add", *known, "--domain", "riga.example", given="s").exit_code == 1
    assert len(json.loads(run("show", "--json").stdout)) == 1


def test_who_waits_is_listed_and_linked_to_who_acts_for_that_municipality(world: World, op: Upstream) -> None:
    upstream_id = json.loads(adding(op).stdout)["id"]
    with world.database.begin() as work:
        anna = add_user(work)
        add_employment(work, anna.id)
        add_user(work, "nobody")
        work.upstreams.queue(
            UpstreamArrival(
                id="-a1",
                upstream_id=upstream_id,
                subject="sub-1",
                name="Anna",
                username="anna@x",
                first_at=1.0,
                last_at=1.0,
            )
        )
    (waits,) = json.loads(run("queue", RIGA, "--json").stdout)
    assert (waits["id"], waits["subject"]) == ("-a1", "sub-1")
    assert run("link", "-a1", "nobody").exit_code == 1
    assert run("link", "-a1", "unheard-of").exit_code == 1
    linked = run("link", "-a1", "Anna")
    assert linked.exit_code == 0, linked.output
    with world.database.read() as work:
        identity = work.upstreams.find_identity(upstream_id, "sub-1")
        assert identity is not None
        assert identity.user_id == anna.id
        assert [each.secret for each in work.people.credentials_of(anna.id)] == [identity.id]
    assert json.loads(run("queue", "--json").stdout) == []
    assert run("link", "-a1", "anna").exit_code == 1


BY_NUMBER = ("--match", "employee_number", "--match-claim", "employeeid")


def test_accounts_are_made_only_where_it_is_said_and_a_value_is_read(world: World, op: Upstream) -> None:
    refused = [
        adding(op, "--create-accounts"),
        adding(op, "--create-accounts", "--match", "invitation"),
        adding(op, "--create-accounts", "--match", "person_code", "--match-claim", "email"),
        adding(op, "--match", "invitation", "--match-claim", "employeeid"),
    ]
    assert [each.exit_code for each in refused] == [1] * len(refused)
    plain = json.loads(adding(op, *BY_NUMBER).stdout)
    assert (plain["match"], plain["creates_accounts"]) == ("employee_number", False)
    assert run("rule", plain["id"], *BY_NUMBER, "--create-accounts").exit_code == 0
    (shown,) = json.loads(run("show", plain["id"], "--json").stdout)
    assert shown["creates_accounts"] is True


@pytest.mark.parametrize(
    "claim",
    [
        "email",
        "UPN",
        "family_name",
        "sub_nickname",
        "phone_number",
        "mail",
        "sAMAccountName",
        "title",
        "mobile",
    ],
)
def test_a_rule_is_changed_under_the_refusals_of_a_new_one(world: World, op: Upstream, claim: str) -> None:
    """attack 39: what people write of themselves says of nobody who they are, however late it is chosen."""
    upstream = json.loads(adding(op).stdout)["id"]
    known = ("--match", "employee_number", "--match-claim", claim)
    is_fine = claim == "sub_nickname"
    assert run("rule", upstream, *known).exit_code == (0 if is_fine else 1)
    assert run("rule", upstream, "--match", "nothing", "--create-accounts").exit_code == 1
    assert run("rule", upstream, "--match", "person_code").exit_code == 1
    assert run("rule", "nobody", *BY_NUMBER).exit_code == 1
    with world.database.read() as work:
        row = work.upstreams.find(upstream)
    assert row is not None
    assert (row.match_claim, row.creates_accounts) == (claim if is_fine else "", False)


def test_who_changed_a_rule_stands_in_the_trail(world: World, op: Upstream) -> None:
    upstream = json.loads(adding(op).stdout)["id"]
    run("rule", upstream, *BY_NUMBER, "--create-accounts")
    with world.database.read() as work:
        events = [each for seq in range(1, 9) if (each := work.audit.find(seq)) is not None]
    assert (events[-1].type, events[-1].actor_id) == ("upstream.changed", "command-line")
    told = {"upstream": upstream, "match": "employee_number", "creates_accounts": True}
    assert json.loads(events[-1].detail) == told


def test_an_invitation_is_told_once_and_only_where_the_rule_is_that(world: World, op: Upstream) -> None:
    upstream = json.loads(adding(op).stdout)["id"]
    with world.database.begin() as work:
        anna = add_user(work)
        add_employment(work, anna.id)
        add_user(work, "nobody")
    assert "rule for arrivals" in run("invite", upstream, "anna").stderr
    assert run("rule", upstream, "--match", "invitation").exit_code == 0
    told = run("invite", upstream, "Anna")
    assert told.exit_code == 0, told.output
    assert "/invited/organisation\n" in told.stdout
    code = told.stdout.partition("Code:")[2].split()[0]
    with world.database.read() as work:
        (made,) = work.invitations.list_of_source(upstream, after=None, limit=9)
        events = [each for seq in range(1, 19) if (each := work.audit.find(seq)) is not None]
    assert (made.user_id, made.made_by, made.maker_municipality) == (anna.id, "command-line", None)
    assert events[-1].type == "invitation.made"
    assert not any(code in each.detail or code.replace("-", "") in each.detail for each in events)
    assert "acts for somebody else" in run("invite", upstream, "nobody").stderr
    assert run("invite", upstream, "unheard-of").exit_code == 1
    assert run("invite", "nothing", "anna").exit_code == 1


def test_who_is_removed_takes_its_invitations_along(world: World, op: Upstream) -> None:
    upstream = json.loads(adding(op, "--match", "invitation").stdout)["id"]
    with world.database.begin() as work:
        add_employment(work, add_user(work).id)
    assert run("invite", upstream, "anna").exit_code == 0
    assert run("remove", upstream).exit_code == 0
    with world.database.read() as work:
        (made,) = work.invitations.list_of_source(upstream, after=None, limit=9)
    assert made.revoked_at is not None

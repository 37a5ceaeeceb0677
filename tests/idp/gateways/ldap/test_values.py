import pytest

from idp.gateways.ldap.outcomes import Bind, Change, bind_refused, change_refused
from idp.gateways.ldap.values import (
    Controller,
    UnaskableError,
    controller_from,
    entry_from,
    equals,
    escaped,
    filter_fault,
    guid_bytes,
    quoted_password,
)

GUID = "00112233-4455-6677-8899-aabbccddeeff"


def test_every_byte_of_a_value_is_written_in_hexadecimal():
    assert escaped("a*ā") == r"\61\2a\c4\81"


@pytest.mark.parametrize("value", ["", "a\x00", "\ud800", "a" * 257])
def test_what_cannot_be_a_value_is_not_asked_for(value: str):
    with pytest.raises(UnaskableError):
        escaped(value)


@pytest.mark.parametrize("attribute", ["", "cn=*", "cn)(x", "1.2.840", "memberOf:1.2"])
def test_only_attributes_are_compared(attribute: str):
    with pytest.raises(ValueError, match="no attribute"):
        equals(attribute, "x")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DC1.ad.riga.lv", Controller("dc1.ad.riga.lv", 636)),
        ("dc1:3269", Controller("dc1", 3269)),
        ("[::1]:7", Controller("::1", 7)),
        ("[::1]", Controller("::1", 636)),
    ],
)
def test_a_controller_is_a_host_and_perhaps_a_port(text: str, expected: Controller):
    assert controller_from(text, usual_port=636) == expected


@pytest.mark.parametrize(
    "text",
    ["", "ldap://dc1", "dc1/x", "a b", "dc1:0", "dc1:70000", "dc1 ldaps://evil", "::1", "-x", "dc1,dc2"],
)
def test_anything_else_is_no_controller(text: str):
    with pytest.raises(ValueError, match=r"no (host|port)"):
        controller_from(text, usual_port=636)


@pytest.mark.parametrize(
    "text",
    ["", "a", "(a=b", "a=b)", "(a=b)(c=d)", "(a=b)x", "((((((((( a=b)))))))))", "(a=\x00)"],
)
def test_a_filter_that_cannot_be_one_is_refused(text: str):
    assert filter_fault(text) is not None


def test_the_usual_filter_is_one():
    assert filter_fault("(&(objectCategory=person)(objectClass=user))") is None


def test_an_entry_without_an_immutable_id_is_nobody():
    cells = {"sAMAccountName": [b"anna"], "objectGUID": [b"short"]}
    assert entry_from("CN=a", cells, wanted={}) is None
    assert entry_from("CN=a", {}, wanted={}) is None


def test_attributes_that_are_no_text_are_empty_and_names_come_in_any_case():
    cells = {"OBJECTguid": [guid_bytes(GUID)], "samaccountname": [b"anna"], "mail": [b"\xff\xfe"]}
    found = entry_from("CN=a", cells, wanted={"email": "mail", "phone_number": "x"})
    assert found is not None
    assert found.guid == GUID
    assert (found.account_name, found.upn, found.binds_as) == ("anna", "", "CN=a")
    assert found.values == {"email": "", "phone_number": ""}


def test_a_password_is_sent_in_quotes_and_utf16():
    assert quoted_password("ā") == b'"\x00\x01\x01"\x00'


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("525", Bind.UNKNOWN_ENTRY),
        ("52e", Bind.WRONG_PASSWORD),
        ("530", Bind.NOT_AT_THIS_TIME),
        ("531", Bind.NOT_FROM_HERE),
        ("532", Bind.PASSWORD_EXPIRED),
        ("533", Bind.DISABLED),
        ("701", Bind.ACCOUNT_EXPIRED),
        ("773", Bind.MUST_CHANGE),
        ("775", Bind.LOCKED_OUT),
        ("999", Bind.REFUSED),
    ],
)
def test_why_a_bind_failed_stands_in_its_text(code: str, expected: Bind):
    text = f"80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {code}, v1db1"
    assert bind_refused(text) is expected


def test_a_refusal_without_a_reason_is_one_all_the_same():
    assert bind_refused("") is Bind.REFUSED


def test_why_a_password_was_not_changed_stands_at_the_head_of_the_text():
    assert change_refused("00000056: AtrErr: DSID-03191083, #1:") is Change.WRONG_PASSWORD
    assert change_refused("0000052D: AtrErr: DSID-03191083, 56") is Change.AGAINST_POLICY

"""Fills the directory of a Samba domain controller: users, groups, and accounts in every state a bind tells.

Runs in Debian's own Python, beside Samba's library, and not in the environment of the tests:
samba_accounts.py SMB_CONF, with lists of entries as JSON on standard input, one a line. For each line it
prints one: the GUIDs by name, or what went wrong, and ends.
"""

import json
import sys
import traceback
import uuid

import ldb
from ldb import Dn
from samba import dckeytab  # noqa: F401  gives Net.export_keytab
from samba.auth import system_session
from samba.credentials import Credentials
from samba.net import Net
from samba.param import LoadParm
from samba.samdb import SamDB

DISABLED_ACCOUNT = 0x202
ENABLED_ACCOUNT = 0x200
NEEDS_NO_PASSWORD = 0x220
BYPASS_PASSWORD_HASH = "1.3.6.1.4.1.7165.4.3.12"
LONG_AGO = "116444736000000000"  # 1970, in the directory's count of time


def main(smb_conf: str) -> None:
    settings = LoadParm()
    settings.load(smb_conf)
    directory = SamDB(url=settings.private_path("sam.ldb"), session_info=system_session(), lp=settings)
    for line in sys.stdin:
        try:
            for change in json.loads(line):
                apply(directory, settings, change)
            answer = guids(directory)
        except Exception:
            print(json.dumps({"error": traceback.format_exc()}), flush=True)
            raise
        print(json.dumps(answer), flush=True)


def apply(directory: SamDB, settings: LoadParm, change: dict) -> None:
    match change["do"]:
        case "unit":
            directory.add(
                {"dn": f"OU={change['name']},{directory.domain_dn()}", "objectClass": "organizationalUnit"}
            )
        case "user":
            add_user(directory, change)
        case "crowd":
            add_crowd(directory, change["name"], change["count"])
        case "flat groups":
            add_flat_groups(directory, change["name"], change["count"], dn_of(directory, change["member"]))
        case "members":
            directory.add_remove_group_members(
                change["name"], change["members"], add_members_operation=change.get("add", True)
            )
        case "bytes":
            set_bytes(directory, dn_of(directory, change["name"]), change["attribute"], change["value"])
        case "group":
            directory.newgroup(change["name"])
            directory.add_remove_group_members(change["name"], change["members"])
        case "lock-out":
            set_lock_out(directory, change["after"])
        case "move":
            directory.rename(
                dn_of(directory, change["name"]),
                f"CN={change['name']},OU={change['unit']},{directory.domain_dn()}",
            )
        case "call":
            call(directory, change["name"], change["cn"])
        case "groups":
            add_groups(directory, change["prefix"], change["many"], change["member"])
        case "expand":
            directory.modify_ldif(
                f"dn: {dn_of(directory, change['name'])}\nchangetype: modify\n"
                f"replace: {change['attribute']}\n{change['attribute']}:: {change['base64']}\n"
            )
        case "service":
            add_service(directory, change["of"], change["name"])
        case "keytab":
            export_keytab(directory, settings, change["name"], change["file"])
        case "rename":
            set_value(directory, dn_of(directory, change["name"]), "userPrincipalName", change["upn"])
            set_value(directory, dn_of(directory, change["name"]), "sAMAccountName", change["to"])
        case "unset":
            dn = dn_of(directory, change["name"])
            directory.modify_ldif(f"dn: {dn}\nchangetype: modify\ndelete: {change['attribute']}\n")
        case "delete":
            directory.delete(dn_of(directory, change["name"]))
        case "disable":
            set_value(
                directory, dn_of(directory, change["name"]), "userAccountControl", str(DISABLED_ACCOUNT)
            )
        case "set":
            set_value(directory, dn_of(directory, change["name"]), change["attribute"], change["value"])
        case "password":
            directory.setpassword(f"(sAMAccountName={change['name']})", change["to"])
        case "keys":
            export_every_key(settings, change["principal"], change["path"])
        case "enable":
            set_value(directory, dn_of(directory, change["name"]), "userAccountControl", str(ENABLED_ACCOUNT))


def add_service(directory: SamDB, account: str, name: str) -> None:
    """A service principal name, as a controller registers it for itself."""
    directory.modify_ldif(
        f"dn: {dn_of(directory, account)}\nchangetype: modify\n"
        f"add: servicePrincipalName\nservicePrincipalName: {name}\n"
    )


def export_keytab(directory: SamDB, settings: LoadParm, name: str, file: str) -> None:
    set_value(directory, dn_of(directory, name), "msDS-SupportedEncryptionTypes", "24")  # AES
    credentials = Credentials()
    credentials.guess(settings)
    realm = directory.domain_dns_name().upper()
    Net(credentials, settings).export_keytab(keytab=file, principal=f"{name}@{realm}")


def add_crowd(directory: SamDB, name: str, count: int) -> None:
    """People who cannot sign in, being without a password; units and transactions stay small, or each one
    more would cost more than the one before.
    """
    for start in range(0, count, 100):
        unit = f"OU={name}{start // 500},{directory.domain_dn()}"
        directory.transaction_start()
        if start % 500 == 0:
            directory.add({"dn": unit, "objectClass": "organizationalUnit"})
        for number in range(start, min(start + 100, count)):
            directory.add(
                {
                    "dn": f"CN={name}{number},{unit}",
                    "objectClass": "user",
                    "sAMAccountName": f"{name}{number}",
                    "userPrincipalName": f"{name}{number}@{directory.domain_dns_name()}",
                    "givenName": f"Vārds {number}",
                    "sn": name,
                    "userAccountControl": str(NEEDS_NO_PASSWORD),
                }
            )
        directory.transaction_commit()


def add_flat_groups(directory: SamDB, name: str, count: int, member: str) -> None:
    unit = f"OU={name},{directory.domain_dn()}"
    directory.add({"dn": unit, "objectClass": "organizationalUnit"})
    for start in range(0, count, 100):
        directory.transaction_start()
        for number in range(start, min(start + 100, count)):
            directory.add(
                {
                    "dn": f"CN={name}{number},{unit}",
                    "objectClass": "group",
                    "sAMAccountName": f"{name}{number}",
                    "member": member,
                }
            )
        directory.transaction_commit()


def add_user(directory: SamDB, user: dict) -> None:
    state = user.get("state", "fine")
    directory.newuser(
        user["name"],
        user["password"],
        force_password_change_at_next_login_req=state in {"must_change", "disabled_must_change"},
        userou=f"OU={user['unit']}" if user.get("unit") else None,
        givenname=user.get("given_name"),
        surname=user.get("family_name"),
    )
    dn = dn_of(directory, user["name"])
    if upn := user.get("upn"):
        set_value(directory, dn, "userPrincipalName", upn)
    for attribute, value in user.get("attributes", {}).items():
        set_value(directory, dn, attribute, value)
    if state in {"disabled", "disabled_must_change"}:
        set_value(directory, dn, "userAccountControl", str(DISABLED_ACCOUNT))
    if state == "account_expired":
        set_value(directory, dn, "accountExpires", LONG_AGO)
    if state == "password_expired":
        set_past(directory, dn)


def call(directory: SamDB, name: str, cn: str) -> None:
    """Another first part of the DN, whatever stands in it."""
    dn = dn_of(directory, name)
    there = Dn(directory, dn)
    there.set_component(0, "CN", cn)
    directory.rename(dn, str(there))


def add_groups(directory: SamDB, prefix: str, many: int, member: str) -> None:
    """At once. Chains of a hundred: the member is in the first of each, and so in all of them."""
    member_dn = dn_of(directory, member)
    directory.transaction_start()
    for number in range(many):
        name = f"{prefix}{number}"
        dn = f"CN={name},CN=Users,{directory.domain_dn()}"
        within = f"CN={prefix}{number - 1},CN=Users,{directory.domain_dn()}" if number % 100 else member_dn
        directory.add({"dn": dn, "objectClass": "group", "sAMAccountName": name, "member": within})
    directory.transaction_commit()


def set_past(directory: SamDB, dn: str) -> None:
    """As if the password had been set long ago; the directory itself lets nobody say so."""
    directory.modify_ldif(
        f"dn: {dn}\nchangetype: modify\nreplace: pwdLastSet\npwdLastSet: {LONG_AGO}\n",
        controls=[f"local_oid:{BYPASS_PASSWORD_HASH}:0"],
    )


def set_lock_out(directory: SamDB, after: int) -> None:
    for attribute, value in (
        ("lockoutThreshold", str(after)),
        ("lockOutObservationWindow", str(-30 * 60 * 10**7)),
        ("lockoutDuration", str(-30 * 60 * 10**7)),
        ("minPwdAge", "0"),
    ):
        set_value(directory, directory.domain_dn(), attribute, value)


def export_every_key(settings: LoadParm, principal: str, path: str) -> None:
    """As `samba-tool domain exportkeytab` would: every key the directory has for it now."""
    Net(Credentials(), settings).export_keytab(keytab=path, principal=principal)


def set_value(directory: SamDB, dn: str, attribute: str, value: str | list) -> None:
    values = value if isinstance(value, list) else [value]
    lines = "".join(f"{attribute}: {each}\n" for each in values)
    directory.modify_ldif(f"dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{lines}")


def set_bytes(directory: SamDB, dn: str, attribute: str, value: str) -> None:
    """Also what LDIF cannot say on one line."""
    message = ldb.Message(ldb.Dn(directory, dn))
    message[attribute] = ldb.MessageElement(value.encode(), ldb.FLAG_MOD_REPLACE, attribute)
    directory.modify(message)


def dn_of(directory: SamDB, name: str) -> str:
    (found,) = directory.search(expression=f"(sAMAccountName={name})", attrs=["sAMAccountName"])
    return str(found.dn)


def guids(directory: SamDB) -> dict:
    found = directory.search(
        expression="(|(objectClass=user)(objectClass=group))", attrs=["sAMAccountName", "objectGUID"]
    )
    return {
        str(each["sAMAccountName"]): {
            "guid": str(uuid.UUID(bytes_le=bytes(each["objectGUID"][0]))),
            "dn": str(each.dn),
        }
        for each in found
    }


if __name__ == "__main__":
    main(sys.argv[1])

"""What a request has to be (specification section 2), and the errors that say what is wrong with one."""

import base64
import binascii
import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

CALLBACK = re.compile(r"https://[^|#]+")
CHALLENGE = re.compile(r"[a-zA-Z0-9+/]+={0,2}")
ETSI = re.compile(r"(PNO|PAS|IDC)[A-Z]{2}-\S+")
ALGORITHMS = ("rsassa-pss", "sha256WithRSAEncryption", "sha384WithRSAEncryption", "sha512WithRSAEncryption")
HASHES = ("SHA-256", "SHA-384", "SHA-512", "SHA3-256", "SHA3-384", "SHA3-512")
TEXTS = {
    "displayTextAndPIN": ("displayText60", 60),
    "confirmationMessage": ("displayText200", 200),
    "confirmationMessageAndVerificationCodeChoice": ("displayText200", 200),
}


def error(pointer: str, detail: str) -> dict[str, str]:
    return {"detail": detail, "paramName": pointer.rsplit("/", 1)[1], "pointer": pointer}


def problems(body: Any, *, notification: bool) -> list[dict[str, str]]:
    """Empty for a good request."""
    if not isinstance(body, dict):
        return [error("/", "The body is not an object")]
    return list(_problems(body, notification=notification))


def _problems(body: dict[str, Any], *, notification: bool) -> Iterator[dict[str, str]]:
    if not _is_uuid(body.get("relyingPartyUUID")):
        yield error("/relyingPartyUUID", "Invalid relyingPartyUUID")
    name = body.get("relyingPartyName")
    if not isinstance(name, str) or not 1 <= len(name.encode()) <= 32:
        yield error("/relyingPartyName", "Invalid relyingPartyName")
    if body.get("certificateLevel", "QUALIFIED") not in ("ADVANCED", "QUALIFIED"):
        yield error("/certificateLevel", "Invalid certificateLevel")
    if body.get("signatureProtocol") != "ACSP_V2":
        yield error("/signatureProtocol", "Invalid signatureProtocol")
    yield from _parameters(body.get("signatureProtocolParameters"))
    yield from _interactions(body.get("interactions"), notification=notification)
    if notification:
        if body.get("vcType") != "numeric4":
            yield error("/vcType", "Invalid vcType")
        if "initialCallbackUrl" in body:
            yield error("/initialCallbackUrl", "initialCallbackUrl is not allowed")
    elif "initialCallbackUrl" in body and not _is_callback(body["initialCallbackUrl"]):
        yield error("/initialCallbackUrl", "Invalid initialCallbackUrl: The callback URL value is invalid")
    if "vcType" in body and not notification:
        yield error("/vcType", "vcType is not allowed")
    properties = body.get("requestProperties", {})
    shares = properties.get("shareMdClientIpAddress", False) if isinstance(properties, dict) else None
    if type(shares) is not bool:
        yield error("/requestProperties/shareMdClientIpAddress", "Invalid shareMdClientIpAddress")
    capabilities = body.get("capabilities", [])
    if not isinstance(capabilities, list) or not all(isinstance(each, str) for each in capabilities):
        yield error("/capabilities", "Invalid capabilities")
    if "nonce" in body:
        yield error("/nonce", "nonce is not allowed")


def _parameters(parameters: Any) -> Iterator[dict[str, str]]:
    at = "/signatureProtocolParameters"
    if not isinstance(parameters, dict):
        yield error(at, "Invalid signatureProtocolParameters")
        return
    if not _is_challenge(parameters.get("rpChallenge")):
        yield error(f"{at}/rpChallenge", "Invalid rpChallenge")
    algorithm = parameters.get("signatureAlgorithm")
    if algorithm not in ALGORITHMS:
        yield error(f"{at}/signatureAlgorithm", "Invalid signatureAlgorithm")
        return
    chosen = parameters.get("signatureAlgorithmParameters")
    if algorithm == "rsassa-pss":
        if not isinstance(chosen, dict) or chosen.get("hashAlgorithm") not in HASHES:
            yield error(f"{at}/signatureAlgorithmParameters/hashAlgorithm", "Invalid hashAlgorithm")
    elif chosen is not None:
        yield error(f"{at}/signatureAlgorithmParameters", "Only for rsassa-pss")


def _interactions(encoded: Any, *, notification: bool) -> Iterator[dict[str, str]]:
    try:
        listed = json.loads(base64.b64decode(encoded, validate=True))
    except (TypeError, ValueError, binascii.Error):
        listed = None
    if not isinstance(listed, list) or not listed or not all(isinstance(each, dict) for each in listed):
        yield error("/interactions", "Invalid interactions")
        return
    kinds = [each.get("type") for each in listed]
    allowed = set(TEXTS) if notification else set(TEXTS) - {"confirmationMessageAndVerificationCodeChoice"}
    if len(set(map(str, kinds))) != len(kinds) or not set(map(str, kinds)) <= allowed:
        yield error("/interactions", "Invalid interactions: type")
        return
    for each in listed:
        member, longest = TEXTS[each["type"]]
        texts = {name for name in each if name.startswith("displayText")}
        text = each.get(member)
        if texts != {member} or not isinstance(text, str) or not 1 <= len(text) <= longest:
            yield error("/interactions", "Invalid interactions: text")


def _is_uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False


def _is_callback(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 1800 and CALLBACK.fullmatch(value) is not None


def _is_challenge(value: Any) -> bool:
    if not isinstance(value, str) or not 44 <= len(value) <= 88 or not CHALLENGE.fullmatch(value):
        return False
    try:
        return 32 <= len(base64.b64decode(value, validate=True)) <= 64
    except binascii.Error:
        return False

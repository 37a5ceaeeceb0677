"""The gateways to what is not ours, made from the settings. Connects to nothing.

Not here: what is made of the provider's own parts (`assembly.py`).
"""

from idp.effects import Effects
from idp.gateways.eparaksts import environment as eparaksts
from idp.gateways.eparaksts.door import EParaksts
from idp.gateways.outbound import Outbound
from idp.gateways.smart_id.anchors import AnchorsError, read_anchors
from idp.gateways.smart_id.callback import can_return_to
from idp.gateways.smart_id.door import SmartId, open_smart_id
from idp.gateways.smart_id.environment import Environment, EnvironmentRefusedError, Revocation, read_pin
from idp.gateways.smart_id.words import Scheme
from idp.settings import Settings, SettingsError


def open_outbound(chosen: Settings) -> Outbound:
    """Connects to nothing yet."""
    return Outbound(ca_file=chosen.outbound_ca_file, allowed=chosen.outbound_allow)


def smart_id_of(chosen: Settings, effects: Effects) -> SmartId | None:
    """Raises SettingsError for an environment that is not whole, or mixes live and demo."""
    anchors_file, ca_file = chosen.smart_id_anchors_file, chosen.smart_id_ca_file
    if chosen.smart_id_base_url is None:
        if any((chosen.smart_id_rp_uuid, chosen.smart_id_rp_name, chosen.smart_id_pins, anchors_file)):
            raise SettingsError("IDP_SMART_ID_BASE_URL is required.")
        return None
    scheme = Scheme(chosen.smart_id_scheme_name)
    usual = Revocation.REQUIRED if scheme is Scheme.LIVE else Revocation.OFF
    try:
        if anchors_file is None:
            raise EnvironmentRefusedError("anchors_file", "is required")
        if ca_file is not None and not ca_file.is_file():
            raise EnvironmentRefusedError("ca_file", "must name a file")
        environment = Environment(
            base_url=chosen.smart_id_base_url,
            relying_party_id=chosen.smart_id_rp_uuid or "",
            relying_party_name=chosen.smart_id_rp_name or "",
            anchors=read_anchors(anchors_file.read_bytes(), scheme),
            pins=frozenset(read_pin(pin) for pin in chosen.smart_id_pins),
            revocation=Revocation(chosen.smart_id_revocation) if chosen.smart_id_revocation else usual,
            countries=frozenset(chosen.smart_id_countries),
            ca_file=ca_file,
            same_device=can_return_to(chosen.issuer),
        )
    except EnvironmentRefusedError as error:
        raise SettingsError(f"IDP_SMART_ID_{error.what.upper()} {error}.") from None
    except (OSError, AnchorsError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise SettingsError(f"IDP_SMART_ID_ANCHORS_FILE cannot be used: {why}.") from None
    return open_smart_id(environment, effects, responders=open_outbound(chosen))


def eparaksts_of(chosen: Settings, effects: Effects) -> EParaksts | None:
    """Raises SettingsError for an environment that is not whole, or mixes live and demo."""
    if chosen.eparaksts_environment == "off":
        return None
    stage, secret = eparaksts.Stage(chosen.eparaksts_environment), chosen.eparaksts_client_secret
    try:
        environment = eparaksts.Environment(
            stage=stage,
            origin=stage.origin if chosen.eparaksts_base_url is None else chosen.eparaksts_base_url,
            client_id=chosen.eparaksts_client_id or "",
            client_secret=secret.get_secret_value() if secret else "",
            server=eparaksts.Server(chosen.eparaksts_server),
        )
    except eparaksts.EnvironmentRefusedError as error:
        raise SettingsError(f"IDP_EPARAKSTS_{error.what.upper()} {error}.") from None
    return EParaksts(environment, effects, service=open_outbound(chosen))

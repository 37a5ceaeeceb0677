"""Whether this process lives, and whether it can do its work: for probes of proxies and orchestrators."""

import structlog
from flask import Blueprint, Response, jsonify

from idp.errors import NotMigratedError, StorageUnavailableError
from idp.web.site import site

blueprint = Blueprint("health", __name__)
_log = structlog.get_logger("visvaris.health")


@blueprint.get("/healthz/live")
def live() -> Response:
    return jsonify(status="ok")


@blueprint.get("/healthz/ready")
def ready() -> tuple[Response, int]:
    """The database answers and is migrated, and the Shelf (Redis, where it is set) answers.

    Smart-ID is named where it is set up; without it people still sign in, so it never makes us unready.
    """
    storage = site().storage
    try:
        storage.database.check_migrated()
        storage.shelf.find("health", "probe")
    except (NotMigratedError, StorageUnavailableError) as error:
        _log.warning("not ready", why=type(error).__name__)
        return jsonify(status="unavailable", error=type(error).__name__), 503
    return jsonify(status="ok", **_named_parts()), 200


def _named_parts() -> dict[str, str]:
    smart_id = site().smart_id
    if smart_id is None:
        return {}
    return {"smart_id": "ok" if smart_id.is_well else "degraded"}

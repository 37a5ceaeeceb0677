"""Between a refusal and the form it belongs to: which field it stands by, and how methods are shown to
pages.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from flask import Response, g, render_template, request

from idp.errors import Reason
from idp.login.limits import Wait
from idp.methods.base import Away, Method, Rejected
from idp.web.i18n import translate

FieldError = tuple[str | None, str]

_FIELDS: Final = {
    Reason.WRONG_CODE: "code",
    Reason.CODE_ALREADY_USED: "code",
    Reason.WRONG_CURRENT_PASSWORD: "current_password",
    Reason.PASSWORD_TOO_SHORT: "new_password",
    Reason.PASSWORD_TOO_LONG: "new_password",
    Reason.PASSWORD_COMMON: "new_password",
    Reason.PASSWORD_HAS_NAME: "new_password",
    Reason.PASSWORDS_DIFFER: "new_password_again",
    Reason.DIRECTORY_WRONG_OLD_PASSWORD: "password",
    Reason.DIRECTORY_AGAINST_POLICY: "new_password",
    Reason.INVITATION_NAME: "network_name",
    Reason.NO_EMAIL_ADDRESS: "contact",
    Reason.CONTACT_THERE_ALREADY: "contact",
    Reason.IDENTITY_NO_CONSENT: "consent",
    Reason.IDENTITY_NAME: "username",
    Reason.IN_PERSON_CODE_UNKNOWN: "code",
    Reason.IN_PERSON_CODE_OF_ANOTHER: "code",
    Reason.IN_PERSON_CODE_EXPIRED: "code",
    Reason.IN_PERSON_CODE_USED: "code",
    Reason.IN_PERSON_CODE_REVOKED: "code",
    Reason.IN_PERSON_OTHER_POSTS: "code",
    Reason.IN_PERSON_MAKER_GONE: "code",
    Reason.IN_PERSON_APPROVER_GONE: "code",
    Reason.VOUCHING_UNKNOWN: "request",
    Reason.VOUCHING_SEVERAL: "request",
}
"""The field a person must look at; anything else is said above the form, so that it points at nothing."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What was wrong with the form as it was sent, for the page that shows it again."""

    errors: tuple[FieldError, ...] = ()
    wait_seconds: float = 0
    status: int = HTTPStatus.OK
    pending: bool = False
    """Nothing is wrong: what was asked on another device has not been answered yet."""
    away: Away | None = None


NO_PROBLEM: Final = Problem()
NOT_YET: Final = Problem(pending=True)


def problem_of(outcome: Rejected | Wait) -> Problem:
    match outcome:
        case Wait(seconds):
            return Problem(wait_seconds=seconds, status=HTTPStatus.TOO_MANY_REQUESTS)
        case Rejected(reason=reason, away=away):
            error = (_FIELDS.get(reason), translate(reason.public))
            return Problem(errors=(error,), status=HTTPStatus.UNPROCESSABLE_ENTITY, away=away)


def show_form(template: str, problem: Problem = NO_PROBLEM, **context: object) -> Response:
    page = render_template(
        template,
        errors=list(problem.errors),
        wait_seconds=problem.wait_seconds,
        pending=problem.pending,
        away=problem.away is not None,
        **context,
    )
    response = Response(page, status=problem.status)
    if problem.wait_seconds:
        response.headers["Retry-After"] = str(int(problem.wait_seconds) + 1)
    if seconds := g.get("form_leaves_after"):
        # A header, so that no page says that it goes; see `web/shared.py`.
        response.headers["Refresh"] = f"{seconds}; url={request.path}"
    return response


def as_shown(method: Method) -> dict[str, str]:
    return {
        "id": method.facts.id,
        "label": translate(method.label),
        "description": translate(method.description),
        "template": template_of(method),
        "enrol_template": f"methods/{method.facts.id}_enrol.html",
        "beside_template": f"methods/{method.facts.id}_beside.html",
    }


def template_of(method: Method) -> str:
    return f"methods/{method.facts.id}.html"


def answers() -> Mapping[str, str]:
    """The form's fields, each once: of repeated ones the first counts."""
    return request.form.to_dict()

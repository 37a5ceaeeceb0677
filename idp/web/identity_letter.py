"""The code that a person gets after their document was checked, as a page to be printed or read out.

Nothing of what stands in the document is on it, nor the username.
"""

from typing import Final

from flask import current_app, g

from idp.languages import LANGUAGES
from idp.login.ticket_codes import shown_ticket_code
from idp.people.identity.in_person import CodeGiven
from idp.web.i18n import format_time
from idp.web.letters import name_on_paper
from idp.web.site import site

ADDRESS: Final = "/account/identity"
RECOVERY: Final = "/recover"


def printed(given: CodeGiven, language: str) -> str:
    """Made without the cookies that pages for people read and write."""
    g.language = language if language in LANGUAGES else LANGUAGES[0]
    with site().storage.database.read() as work:
        municipality = work.people.get_municipality(given.check.municipality).name
    user, template = given.user, current_app.jinja_env.get_template("identity/code_letter.html")
    return template.render(
        lang=g.language,
        who=name_on_paper(user),
        municipality_names=[municipality],
        address=f"{site().issuer}{ADDRESS}",
        recovery_address=f"{site().issuer}{RECOVERY}",
        code=shown_ticket_code(given.code),
        valid_until=format_time(given.check.expires_at),
        check_id=given.check.id,
    )

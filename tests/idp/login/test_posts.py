"""In which post a person acts, and whether they may."""

from idp.errors import Reason
from idp.login.standing import Person, match_posts
from idp.login.transaction import Requirements
from idp.methods.base import Subject
from idp.models.people import Employment, User

RIGA, CESIS, OGRE = "0001000", "0002000", "0003000"


def person(*posts: Employment, roles: tuple[str, ...] = ()) -> Person:
    user = User(id="anna", username="anna", created_at=0, updated_at=0, roles=list(roles))
    return Person(user, Subject(user, []), posts, (), frozenset())


def post(municipality: str, *roles: str) -> Employment:
    return Employment(id=f"in {municipality}", user_id="anna", municipality=municipality, roles=list(roles))


def test_the_only_post_is_taken_silently() -> None:
    acting = match_posts(person(post(RIGA)), Requirements(), chosen=None).acting
    assert acting is not None
    assert acting.municipality == RIGA


def test_among_several_nothing_is_guessed() -> None:
    found = match_posts(person(post(RIGA), post(CESIS)), Requirements(needs_employment=True), chosen=None)
    assert found.acting is None
    assert len(found.fitting) == 2
    assert found.refused is None


def test_an_earlier_choice_holds_while_it_fits() -> None:
    busy = person(post(RIGA), post(CESIS), post(OGRE))
    held = match_posts(busy, Requirements(), chosen=f"in {CESIS}")
    assert held.acting is not None
    assert held.acting.municipality == CESIS
    elsewhere = match_posts(busy, Requirements(municipalities=(RIGA, OGRE)), chosen=f"in {CESIS}")
    assert elsewhere.acting is None


def test_a_post_that_has_ended_is_no_choice() -> None:
    assert match_posts(person(post(RIGA), post(CESIS)), Requirements(), chosen="gone").acting is None


def test_whoever_has_no_post_is_refused_where_one_is_needed() -> None:
    assert (
        match_posts(person(), Requirements(needs_employment=True), chosen=None).refused
        is Reason.NO_EMPLOYMENT
    )
    assert match_posts(person(), Requirements(), chosen=None).refused is None


def test_an_application_of_other_municipalities_is_refused() -> None:
    """Another tenant's application (attack 40)."""
    found = match_posts(person(post(RIGA)), Requirements(municipalities=(CESIS,)), chosen=f"in {RIGA}")
    assert found.refused is Reason.CLIENT_NOT_ALLOWED
    assert found.acting is None


def test_a_role_in_one_municipality_is_none_in_another() -> None:
    """Privileges do not travel between tenants (attacks 40, 41)."""
    clerk = person(post(RIGA), post(CESIS, "clerk"))
    allowed = match_posts(clerk, Requirements(roles=("clerk",)), chosen=f"in {RIGA}")
    assert allowed.acting is not None
    assert allowed.acting.municipality == CESIS
    refused = match_posts(clerk, Requirements(roles=("clerk",), municipalities=(RIGA,)), chosen=None)
    assert refused.refused is Reason.CLIENT_NOT_ALLOWED


def test_a_role_in_the_system_needs_no_post() -> None:
    operator = person(roles=("operator",))
    assert match_posts(operator, Requirements(roles=("operator",)), chosen=None).refused is None
    assert (
        match_posts(person(), Requirements(roles=("operator",)), chosen=None).refused
        is Reason.CLIENT_NOT_ALLOWED
    )

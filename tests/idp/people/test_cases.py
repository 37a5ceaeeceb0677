"""One case of a hundred at once, on both databases; and the command that tells its story."""

import base64
import json
import logging
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from idp.cli import main
from idp.events import Event, EventType
from idp.login.sessions import Sessions, SignedIn, Visitor
from idp.login.standing import Standings
from idp.models.people import Employment
from idp.people.cases import Cases, Step, Taken, may_be_disputed, steps_of
from idp.storage import migrate, municipalities
from tests.support.at_once import at_once
from tests.support.builders import MASTER_KEY, RIGA, World, add_session, add_user

VISITOR = Visitor(browser="a browser", address="192.0.2.1")


class Story:
    """Anna, signed in twice; the second time it was somebody else."""

    def __init__(self, url: str) -> None:
        migrate.upgrade(url)
        self.world = World(url)
        effects, database = self.world.effects, self.world.database
        self.sessions = Sessions(database, effects, idle_seconds=1800, absolute_seconds=40_000)
        standings = Standings(database, {}, effects)
        self.cases = Cases(database=database, standings=standings, sessions=self.sessions, effects=effects)
        with database.begin() as work:
            municipalities.load(work)
            self.anna = add_user(work)
            work.people.add_employment(Employment(id="post", user_id=self.anna.id, municipality=RIGA))
            own, stolen = (add_session(work, self.anna.id, name) for name in ("own", "stolen"))
            for session in (own, stolen):
                event = Event(
                    type=EventType.SIGNED_IN, user_id=self.anna.id, session_id=session.id, address="192.0.2.9"
                )
                work.audit.append(event)
        self.stolen = stolen.id
        self.world.clock.move(60)
        self.own = SignedIn(
            session_id=own.id,
            user_id=self.anna.id,
            username="anna",
            display_name="Anna",
            proofs=(),
            employment_id=None,
            created_at=0.0,
            last_seen_at=0.0,
        )

    def events(self) -> list[str]:
        with self.world.database.read() as work:
            return [event.type for event in reversed(work.audit.activity_of(self.anna.id, limit=500))]


@pytest.fixture
def story(database_url: str) -> Iterator[Story]:
    made = Story(database_url)
    yield made
    made.world.database.dispose()


def test_a_hundred_at_once_open_one_case_and_end_the_session_once(story: Story) -> None:
    found = at_once(100, lambda _: story.cases.report(story.own, 2, VISITOR))
    assert len({case.id for case in found if case is not None}) == 1
    assert None not in found
    assert story.events() == ["sign_in.completed"] * 2 + ["case.opened", "session.ended"]


def test_two_events_at_once_are_of_one_case(story: Story) -> None:
    found = at_once(20, lambda number: story.cases.report(story.own, 1 + number % 2, VISITOR))
    assert len({case.id for case in found if case is not None}) == 1
    assert sorted(story.events()[2:]) == ["case.extended", "case.opened", "session.ended", "session.ended"]


def test_one_answer_of_many_at_once_is_written_down_once(story: Story) -> None:
    case = story.cases.report(story.own, 2, VISITOR)
    assert case is not None
    answers = [Taken(Step.KEPT, f"key-{number % 5}", "Atslēga") for number in range(50)]
    assert all(at_once(50, lambda number: story.cases.take(case.id, [answers[number]], VISITOR)))
    kept = story.cases.find(story.anna.id, case.id)
    assert kept is not None
    assert sorted(each.about for each in steps_of(kept)) == [f"key-{number}" for number in range(5)]
    assert story.events().count("case.step") == 5


def test_nothing_is_half_done(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails at the last act leaves neither a case nor an ended session."""

    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("idp.people.cases._ended", fails)
    with pytest.raises(ZeroDivisionError):
        story.cases.report(story.own, 2, VISITOR)
    assert story.cases.find_unfinished(story.anna.id) is None
    with story.world.database.read() as work:
        session = work.sessions.find(story.stolen)
        assert session is not None
        assert session.ended_at is None
        assert work.audit.verify().ok
    assert story.events() == ["sign_in.completed"] * 2


def test_it_ends_once_and_takes_no_answers_after_that(story: Story) -> None:
    case = story.cases.report(story.own, 2, VISITOR)
    assert case is not None
    assert sorted(at_once(10, lambda _: story.cases.finish(case.id, VISITOR))) == [False] * 9 + [True]
    assert not story.cases.take(case.id, [Taken(Step.KEPT, "key")], VISITOR)
    assert story.cases.report(story.own, 2, VISITOR) == story.cases.find(story.anna.id, case.id)


def test_what_belongs_to_a_case_cannot_be_disputed_itself(story: Story) -> None:
    story.cases.report(story.own, 2, VISITOR)
    assert story.cases.find_event(story.anna.id, 3) is None
    assert not any(may_be_disputed(each.value) for each in EventType if each.value.startswith("case."))


# The command --------------------------------------------------------------------------------------------


@pytest.fixture
def told(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    monkeypatch.setenv("IDP_MASTER_KEYS", base64.urlsafe_b64encode(MASTER_KEY).decode())
    monkeypatch.setenv("IDP_DATABASE_URL", sqlite_url)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    made = Story(sqlite_url)
    yield made
    made.world.database.dispose()
    root.handlers[:] = handlers
    root.setLevel(level)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["case", *arguments])


def test_the_story_is_told_in_words_and_as_json(told: Story) -> None:
    case = told.cases.report(told.own, 2, VISITOR)
    assert case is not None
    told.cases.take(case.id, [Taken(Step.REMOVED, "key", "Darba dators")], VISITOR)
    told.cases.finish(case.id, VISITOR)
    with told.world.database.begin() as work:
        work.audit.append(Event(type=EventType.METHOD_ENROLLED, user_id=told.anna.id, method="totp"))
    (listed,) = json.loads(run("list", "--json").stdout)
    assert (listed["id"], listed["user"], listed["municipalities"]) == (case.id, "anna", [RIGA])
    text = run("show", case.id).stdout
    for words in (
        "! 2025-10-09T08:53:20+00:00  2  Signed in, in session",
        "*",
        "The case was opened: event 2 was not them",
        "The person answered of Darba dators: removed",
        "A way to sign in was set up, with totp",
    ):
        assert words in text
    shown = json.loads(run("show", case.id, "--json").stdout)
    assert [line["type"] for line in shown["story"]] == [
        *("sign_in.completed", "case.opened", "session.ended", "case.step", "case.finished"),
        "method.enrolled",
    ]
    assert [line["is_reported"] for line in shown["story"]] == [True, False, False, False, False, False]
    assert run("close", case.id).exit_code == 0
    assert run("close", case.id).exit_code == 1
    assert json.loads(run("list", "--json").stdout) == []
    with told.world.database.begin() as work:
        work.audit.append(Event(type=EventType.SIGNED_OUT, user_id=told.anna.id))
    assert json.loads(run("show", case.id, "--json").stdout)["story"][-1]["type"] == "case.closed"


def test_what_is_no_case_is_not_found(told: Story) -> None:
    for command in ("show", "close"):
        result = run(command, "nothing")
        assert result.exit_code == 1
        assert "Not found" in result.stderr

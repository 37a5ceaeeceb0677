"""Does what was planned, some people at a time, each batch in one transaction with its trail.

Whoever is shut out loses at once what leaned on the directory's word: sessions, tokens, sign-ins half-way.
Undone is only what was done here, and only where nobody has said otherwise since. Not here: what is to be
done (`directory_sync_plan.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from idp.effects import Instant
from idp.events import Event, EventType
from idp.models.directories import Directory
from idp.models.directory_sync import DirectoryLinkState, WhenGone
from idp.models.people import Employment, UserStatus
from idp.people.directory_sync_plan import Known, Seen, Step
from idp.policy import OPERATOR
from idp.storage.work import Work

ACTOR: Final = "directory-sync"
AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class Applying:
    """One batch. Of whom the link is gone meanwhile nothing is changed but roles that are to be taken."""

    work: Work
    directory: Directory
    now: Instant

    def apply(self, steps: Sequence[Step]) -> None:
        """People first, each held, and the trail last: writing it holds its head."""
        for user_id in sorted({step.known.user.id for step in steps}):
            self.work.people.hold_user(user_id)
        events = [event for step in steps for event in self._apply(step)]
        for event in events:
            self.work.audit.append(event)

    def note(self, known: Known, seen: Seen) -> None:
        """What the directory told, of somebody about whom nothing changes, or nothing yet."""
        state = _noted(self.directory, known, seen)
        if state is not None and self._is_linked(known):
            self.work.directory_syncs.put_state(state)

    def _apply(self, step: Step) -> Iterator[Event]:
        yield from self._change_roles(step)
        if not step.known.credential_id or not self._is_linked(step.known):
            return
        state = _noted(self.directory, step.known, step.seen) or _state_of(self.directory, step.known)
        if step.leaves:
            yield from self._shut_out(step, state)
        if step.returns:
            yield from self._let_back(step, state)
        if step.data:
            yield self._put_data(step)
        self.work.directory_syncs.put_state(state)

    def _is_linked(self, known: Known) -> bool:
        return self.work.directories.find_link(known.credential_id) is not None

    # Roles and data ------------------------------------------------------------------------------------

    def _change_roles(self, step: Step) -> Iterator[Event]:
        posts: dict[str, Employment] = {}
        for post_id, _ in (*step.give, *step.take):
            if post_id not in posts and (post := self.work.people.find_employment(post_id)) is not None:
                posts[post_id] = post
        for post_id, role in step.take:
            if post_id in posts:
                self.work.directory_syncs.take_role(self.directory.id, posts[post_id], role)
        for post_id, role in step.give:
            if post_id in posts and role not in posts[post_id].roles:
                self.work.directory_syncs.give_role(self.directory.id, posts[post_id], role)
        if posts:
            given, taken = ({role for _, role in each} for each in (step.give, step.take))
            yield self._event(
                EventType.DIRECTORY_ROLES_CHANGED,
                step,
                given=", ".join(sorted(given)),
                taken=", ".join(sorted(taken)),
            )

    def _put_data(self, step: Step) -> Event:
        user = self.work.people.get_user(step.known.user.id)
        told = dict(step.data)
        if user.email_verified:
            told.pop("email", None)
        if user.phone_number_verified:
            told.pop("phone_number", None)
        for name, value in told.items():
            setattr(user, name, value)
        self.work.directory_syncs.put_data(user, at=self.now)
        return self._event(EventType.DIRECTORY_DATA_CHANGED, step, members=", ".join(sorted(told)))

    # Out and back in -----------------------------------------------------------------------------------

    def _shut_out(self, step: Step, state: DirectoryLinkState) -> Iterator[Event]:
        user_id = step.known.user.id
        if not step.known.rule:
            if self.work.people.block_credential(step.known.credential_id, at=self.now):
                state.blocked_at = self.now
            yield self._event(EventType.DIRECTORY_PERSON_BLOCKED, step, rule=step.rule)
            yield from self._end_what_leaned_on(step)
        if step.rule == WhenGone.SUSPEND:
            yield from self._suspend(step, state)
            ended = self.work.sessions.end_all_of_user(user_id, self.now)
            self.work.grants.revoke_families_of_user(user_id, self.now)
            yield from (_session_ended(user_id, session_id) for session_id in ended)
        state.rule = step.rule

    def _end_what_leaned_on(self, step: Step) -> Iterator[Event]:
        user_id = step.known.user.id
        self.work.sessions.void_unfinished(user_id, self.now)
        for session_id in self.work.sessions.list_leaning_on(user_id, step.known.credential_id):
            if self.work.sessions.end(session_id, self.now):
                yield _session_ended(user_id, session_id)
        # Also what was to be used in the person's absence: of what is over nobody knows on what it leaned.
        self.work.directory_syncs.revoke_families_left(user_id, at=self.now)

    def _suspend(self, step: Step, state: DirectoryLinkState) -> Iterator[Event]:
        """The whole account where it is only this municipality's, and no operator's; otherwise the posts."""
        user = self.work.people.get_user(step.known.user.id)
        posts = self.work.directory_syncs.posts_of(user.id, now=self.now)
        here = [post for post in posts if post.municipality == self.directory.municipality]
        if here and len(here) == len(posts) and OPERATOR not in user.roles:
            if user.is_active:
                self.work.people.set_status(user.id, UserStatus.BLOCKED, at=self.now)
                state.blocked_user_at = self.now
                yield self._event(EventType.USER_BLOCKED, step)
            return
        for post in here:
            self.work.directory_syncs.end_post(post.id, at=self.now)
            state.ended_posts = {**state.ended_posts, post.id: [post.ends_at, self.now]}

    def _let_back(self, step: Step, state: DirectoryLinkState) -> Iterator[Event]:
        """To where the rule that holds now lets them."""
        if not step.rule and state.blocked_at is not None:
            since = state.blocked_at
            self.work.directory_syncs.unblock_credential(step.known.credential_id, since=since)
            state.blocked_at = None
        user = self.work.people.get_user(step.known.user.id)
        if state.blocked_user_at is not None:
            # Whatever was done to the account since, an administrator did, and may have meant it.
            if not user.is_active and user.updated_at == state.blocked_user_at:
                self.work.people.set_status(user.id, UserStatus.ACTIVE, at=self.now)
                yield self._event(EventType.USER_UNBLOCKED, step)
            state.blocked_user_at = None
        for post_id, (until, ended_at) in state.ended_posts.items():
            self.work.directory_syncs.resume_post(post_id, ended_at=ended_at, until=until)
        state.ended_posts = {}
        state.rule = step.rule
        yield self._event(EventType.DIRECTORY_PERSON_RETURNED, step)

    def _event(self, kind: EventType, step: Step, **detail: str) -> Event:
        told: Mapping[str, str] = {"directory": self.directory.name, **{k: v for k, v in detail.items() if v}}
        return Event(
            type=kind,
            user_id=step.known.user.id,
            actor_id=ACTOR,
            municipality=self.directory.municipality,
            reason=f"directory_{step.gone.value}" if step.gone else None,
            detail=told,
        )


def _session_ended(user_id: str, session_id: str) -> Event:
    return Event(type=EventType.SESSION_ENDED, user_id=user_id, actor_id=ACTOR, session_id=session_id)


def _state_of(directory: Directory, known: Known) -> DirectoryLinkState:
    before = known.state
    if before is None:
        return DirectoryLinkState(credential_id=known.credential_id, directory_id=directory.id)
    return DirectoryLinkState(
        credential_id=before.credential_id,
        directory_id=before.directory_id,
        presence=before.presence,
        expires_at=before.expires_at,
        groups=before.groups,
        rule=before.rule,
        blocked_at=before.blocked_at,
        blocked_user_at=before.blocked_user_at,
        ended_posts=before.ended_posts,
    )


def _noted(directory: Directory, known: Known, seen: Seen) -> DirectoryLinkState | None:
    """None where it says nothing new."""
    state = _state_of(directory, known)
    groups = sorted(seen.groups)
    told = (seen.presence.value, seen.expires_at, groups)
    if known.state is not None and told == (state.presence, state.expires_at, state.groups):
        return None
    state.presence, state.expires_at, state.groups = told
    return state

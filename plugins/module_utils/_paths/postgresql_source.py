# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""A PostgreSQL server as the source of a cloud migration: checked, prepared, frozen, and made writable again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from .._databases import postgresql_source as source
from .._databases import postgresql_source_account as accounts
from .._databases import postgresql_source_freeze as freezing
from .._databases import postgresql_source_settings as settings
from .._databases.postgresql_connection import Server, Session, connect
from .._databases.postgresql_source_checks import Wanted
from .._failure import MigrationFailure, WaitTimeout
from .._plan import Check, Plan, Step
from .._waiting import Clock, Patience, wait_until
from . import postgresql_source_findings as findings
from . import postgresql_source_plan as planning
from .postgresql_source_plan import Observed
from .postgresql_source_request import ALWAYS, CHECKED, FROZEN, PREPARED, QUIET, WRITABLE, Request

# A reload is a signal; the server acts on it within a moment.
_RELOAD = Patience(15, 0.1)
_ENDING = Patience(30, 0.2)


class PostgresqlSource:
    """The path as the door runs it. Every run looks again; nothing is remembered outside of the server."""

    name = "postgresql_source"

    def __init__(self, request: Request, clock: Clock, *, rehearsal: bool) -> None:
        self._request = request
        self._clock = clock
        self._rehearsal = rehearsal
        self._ended: list[dict[str, str]] = []

    def observe(self) -> Observed:
        with connect(self._request.server, read_only=True) as session:
            if self._request.state == CHECKED:
                return self._observe_everything(session)
            seen = Observed(version=session.version, in_recovery=_in_recovery(session))
            if self._request.state == PREPARED:
                return self._observe_account(session, seen)
            seen = self._observe_sessions(session, seen)
            if (
                self._request.state in (QUIET, FROZEN)
                and not seen.in_recovery
                and not planning.to_do(self._request, seen)
            ):
                seen = seen._replace(proof=self._prove(session))
            return seen

    def check(self, observed: Observed) -> list[Check]:
        return findings.checks(self._request, observed)

    def plan(self, observed: Observed) -> Plan:
        return planning.plan(self._request, observed)

    def apply(self, step: Step) -> None:
        with self._writer() as session:
            if step.action == planning.SET_PASSWORD:
                accounts.set_password(session, step.subject[0], self._request.account_password or "")
            elif step.action == planning.SET_SETTING:
                settings.set_setting(session, step.subject[0], self._request.settings[step.subject[0]])
            elif step.action == planning.RELOAD:
                session.write("SELECT pg_catalog.pg_reload_conf()")
            elif step.action == planning.FREEZE:
                freezing.set_read_only(session)
                self._until_default("on")
            elif step.action == planning.THAW:
                freezing.reset_read_only(session)
                self._until_default("off")
            elif step.action == planning.END_SESSIONS:
                self._end_sessions(session)
            else:
                session.write(step.parameters["statement"])

    def wait(self, observed: Observed) -> Observed:
        """Steps end what they begin; of a frozen source it remains to prove that it stands still."""
        seen = self.observe()
        reached = planning.plan(self._request, seen)
        if reached.unknown or reached.steps:
            left = ", ".join(step.action for step in reached.steps)
            raise MigrationFailure(
                f"The source is not {self._request.state}: {reached.unknown or f'{left} is still to be done'}",
                code=f"not_{self._request.state}",
                remedy="What was done stays done. Run again, or set state: writable to take a read-only source back.",
            )
        return seen

    def facts(self, observed: Observed, rehearsed: Plan | None) -> dict[str, Any]:
        facts = planning.facts(self._request, observed)
        if self._request.state == FROZEN:
            ended = self._ended
            if rehearsed is not None:
                ended = [_session_result(other) for other in planning.to_end(observed)]
            facts["sessions_ended"] = ended
        return facts

    def _observe_everything(self, session: Session) -> Observed:
        request = self._request
        facts = source.read_facts(session, request.account)
        wanted = Wanted(
            account=request.account,
            cidr=request.target_cidr,
            major=request.target_version,
            extensions=request.target_extensions,
            source_libc=source.libc_version(session),
            reserved_roles=request.reserved_roles,
            wal_keep_size=request.wal_keep_size,
            long_transaction=request.long_transaction,
        )
        if request.target is not None:
            wanted = self._ask_target(request.target, wanted)
        return Observed(version=session.version, in_recovery=facts.in_recovery, facts=facts, wanted=wanted)

    def _ask_target(self, target: Server, wanted: Wanted) -> Wanted:
        """What the target tells counts more than what the task says of it."""
        with connect(target, read_only=True) as session:
            return wanted._replace(
                major=session.major,
                extensions=source.available_extensions(session),
                libc=source.libc_version(session),
            )

    def _observe_account(self, session: Session, seen: Observed) -> Observed:
        request, account = self._request, self._request.account or ""
        found = source.read_account(session, account)
        known: bool | None = False
        if found is not None and request.account_password and request.update_password != ALWAYS:
            known = accounts.password_is_known(session, account, request.account_password)
        return seen._replace(
            account=found,
            password_known=known,
            settings=tuple(settings.read_settings(session, request.settings)) if request.settings else (),
            rights=freezing.read_rights(session),
            hba=source.read_hba(session),
        )

    def _observe_sessions(self, session: Session, seen: Observed) -> Observed:
        others = freezing.other_sessions(session, self._request.keep)
        return seen._replace(
            read_only=freezing.read_only_now(self._request.server),
            others=tuple(others),
            rights=freezing.read_rights(session),
            prepared=source.prepared_transactions(session),
            subscriptions=freezing.enabled_subscriptions(session),
        )

    @contextlib.contextmanager
    def _writer(self) -> Iterator[Session]:
        with connect(self._request.server, read_only=self._rehearsal) as session:
            yield session

    def _end_sessions(self, session: Session) -> None:
        """Ends what is there now rather than what was there when the plan was made, until none is left."""

        def look() -> list[freezing.Other]:
            # A session knows when the settings were read as of its own beginning.
            with connect(self._request.server, read_only=True) as fresh:
                return [o for o in freezing.other_sessions(fresh, self._request.keep) if not o.since_reload]

        others = look()
        freezing.end_sessions(session, others)
        self._ended += [_session_result(other) for other in others]
        wait_until(look, lambda left: not left, _ENDING, self._clock, waiting_for="the end of other sessions")

    def _until_default(self, wanted: str) -> None:
        try:
            wait_until(
                lambda: freezing.read_only_now(self._request.server),
                lambda seen: seen.on == (wanted == "on"),
                _RELOAD,
                self._clock,
                waiting_for=f"the server to take {freezing.SETTING} = {wanted}",
            )
        except WaitTimeout as timeout:
            raise MigrationFailure(
                timeout.message,
                code="setting_not_taken",
                remedy=f"Look at pg_file_settings: another value of {freezing.SETTING}, of the database or of the "
                "role, is in the way, or a configuration file has an error.",
            ) from None

    def _prove(self, session: Session) -> freezing.Proof:
        """Looks until two intervals in a row count, or the time is over; then the last two are the answer."""
        looks = [freezing.look(session)]

        def another() -> freezing.Proof:
            self._clock.sleep(self._request.quiet_interval)
            looks[:] = [*looks[-2:], freezing.look(session)]
            return freezing.prove(looks)

        proof = another()
        with contextlib.suppress(WaitTimeout):
            proof = wait_until(
                another,
                lambda seen: seen.holds(self._request.accepted),
                Patience(self._request.wait_timeout, 0),
                self._clock,
                waiting_for="the WAL to stand still",
            )
            return proof
        return freezing.prove(looks)


def _in_recovery(session: Session) -> bool:
    return bool(session.value("SELECT pg_catalog.pg_is_in_recovery()"))


def _session_result(other: freezing.Other) -> dict[str, str]:
    return {
        "user": other.user,
        "database": other.database,
        "application_name": other.application_name,
        "client_address": other.client_address,
    }


__all__ = ["CHECKED", "FROZEN", "PREPARED", "WRITABLE", "PostgresqlSource"]

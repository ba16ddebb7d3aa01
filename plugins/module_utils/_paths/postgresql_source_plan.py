# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What is still to be done for each state of a source, and what is told of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .._databases import postgresql_source_checks as source_checks
from .._databases.postgresql_connection import identifier, version_text
from .._databases.postgresql_source import Account, Facts, HbaRule
from .._databases.postgresql_source_account import account_statements
from .._databases.postgresql_source_freeze import SETTING, Other, Proof, ReadOnly, Rights
from .._databases.postgresql_source_hba import lines_to_add
from .._databases.postgresql_source_settings import Setting
from .._plan import Plan, Step
from .postgresql_source_request import ALWAYS, CHECKED, FROZEN, PREPARED, QUIET, Request

SET_PASSWORD, SET_SETTING, RELOAD = "ALTER ROLE PASSWORD", "ALTER SYSTEM", "pg_reload_conf"
FREEZE, THAW, END_SESSIONS = f"ALTER SYSTEM SET {SETTING}", f"ALTER SYSTEM RESET {SETTING}", "pg_terminate_backend"
_HIDDEN = "********"


class Observed(NamedTuple):
    """What was read for the wanted state; the rest is empty. password_known: None when it cannot be told."""

    version: int
    in_recovery: bool
    facts: Facts | None = None
    wanted: source_checks.Wanted = source_checks.Wanted()
    account: Account | None = None
    password_known: bool | None = False
    settings: tuple[Setting, ...] = ()
    hba: tuple[HbaRule, ...] | None = None
    read_only: ReadOnly | None = None
    others: tuple[Other, ...] = ()
    rights: Rights | None = None
    prepared: tuple[tuple[str, str], ...] = ()
    subscriptions: Mapping[str, str] | None = None
    proof: Proof | None = None


def to_end(observed: Observed) -> list[Other]:
    """Sessions that began before the source became read-only; later ones began read-only."""
    frozen = observed.read_only is not None and observed.read_only.on
    return [other for other in observed.others if not (frozen and other.since_reload)]


def to_do(request: Request, observed: Observed) -> list[Step]:
    if request.state == PREPARED:
        return _preparation(request, observed)
    if request.state == FROZEN:
        return _freezing(request, observed)
    if request.state == QUIET:
        return []
    return _thawing(request, observed)


def plan(request: Request, observed: Observed) -> Plan:
    if request.state == CHECKED:
        return Plan(state=CHECKED, predicted_state=CHECKED)
    steps = tuple(to_do(request, observed))
    before, after = _before(request, observed), _after(request, observed)
    if request.state in (FROZEN, QUIET) and not steps:
        proof = observed.proof
        if proof is None or not proof.holds(request.accepted):
            now = _state_before(request, observed)
            return Plan(now, predicted_state="unknown", before=before, after=before, unknown=_why(proof))
    state = request.state if not steps else _state_before(request, observed)
    return Plan(state=state, steps=steps, predicted_state=request.state, before=before, after=after)


def facts(request: Request, observed: Observed) -> dict[str, Any]:
    """The module's own result keys."""
    result: dict[str, Any] = {"server_version": version_text(observed.version)}
    if observed.facts is not None:
        result["databases"] = [_database_result(database) for database in observed.facts.databases]
    if request.account and request.target_cidr and request.state in (CHECKED, PREPARED):
        result["hba_lines"] = lines_to_add(request.account, request.target_cidr)
    if request.state == PREPARED:
        result["restart_needed"] = [setting.name for setting in observed.settings if setting.pending]
    if request.state in (FROZEN, QUIET):
        proof = observed.proof if observed.proof and observed.proof.holds(request.accepted) else None
        result["wal_position"] = proof.wal_position if proof else None
        result["wal_intervals"] = list(proof.intervals) if proof else []
    return result


def _database_result(database: Any) -> dict[str, Any]:
    return {
        "name": database.name,
        "size": database.size,
        "extensions": None if database.extensions is None else dict(database.extensions),
        "unlogged_tables": _list(database.unlogged),
        "large_objects": database.large_objects,
        "glibc_indexes": _list(database.endangered_indexes),
        "event_triggers": _list(database.event_triggers),
    }


def _list(names: tuple[str, ...] | None) -> list[str] | None:
    return None if names is None else list(names)


def _address(request: Request) -> str:
    return f"{request.server.host}:{request.server.port}"


def _state_before(request: Request, observed: Observed) -> str:
    if request.state == PREPARED:
        return "unprepared"
    return "read_only" if observed.read_only and observed.read_only.on else "writable"


def _before(request: Request, observed: Observed) -> dict[str, Any]:
    if request.state == PREPARED:
        values: dict[str, Any] = {setting.name: setting.value for setting in observed.settings}
        rights = "ready" if _account_is_ready(observed.account) else "insufficient" if observed.account else "absent"
        return {"account": request.account, "account_state": rights, "settings": values}
    on = observed.read_only is not None and observed.read_only.on
    before: dict[str, Any] = {SETTING: "on" if on else "off"}
    return {**before, "sessions_to_end": len(to_end(observed))} if request.state == FROZEN else before


def _after(request: Request, observed: Observed) -> dict[str, Any]:
    if request.state == PREPARED:
        values: dict[str, Any] = {setting.name: _coming(setting) for setting in observed.settings}
        return {"account": request.account, "account_state": "ready", "settings": values}
    if request.state == QUIET:
        return _before(request, observed)
    if request.state == FROZEN:
        return {SETTING: "on", "sessions_to_end": 0}
    return {SETTING: "off"}


def _coming(setting: Setting) -> str:
    """As the server writes it after a reload; what needs a restart stays as it is until then."""
    return setting.value if setting.needs_restart or setting.equal else setting.normal


def _account_is_ready(account: Account | None) -> bool:
    return account is not None and not account_statements(account, account.name)


def _preparation(request: Request, observed: Observed) -> list[Step]:
    account, target = request.account or "", _address(request)
    statements = account_statements(observed.account, account)
    # Taking a superuser's rights away is not for us to do; the check says so.
    statements = [statement.replace(" NOSUPERUSER", "") for statement in statements]
    steps = [
        Step(
            action=" ".join(statement.split()[:2]) if not statement.startswith("GRANT") else "GRANT",
            target=target,
            subject=(account,),
            why="the migration account lacks what the service asks for",
            parameters={"statement": statement},
        )
        for statement in statements
        if statement != f"ALTER ROLE {identifier(account)}"
    ]
    if request.account_password and observed.password_known is False:
        why = "update_password is always" if request.update_password == ALWAYS else "its password is not the given one"
        why = "the account is new" if observed.account is None else why
        steps.append(Step(SET_PASSWORD, target, (account,), why, {"password": _HIDDEN}))
    different = [setting for setting in observed.settings if not setting.equal]
    steps += [
        Step(
            SET_SETTING,
            target,
            (setting.name,),
            f"it is {setting.value}" + ("; takes effect after a restart" if setting.needs_restart else ""),
            {"value": setting.wanted},
            choices={"value": setting.wanted},
        )
        for setting in different
    ]
    return steps + ([Step(RELOAD, target, ("configuration",), "settings changed", {})] if different else [])


def _freezing(request: Request, observed: Observed) -> list[Step]:
    target, steps = _address(request), []
    if observed.read_only is None or not observed.read_only.on:
        steps.append(Step(FREEZE, target, ("server",), "applications may write", {"value": "on"}))
    ending = to_end(observed)
    if steps or ending:
        keep = [f"{entry.field}={entry.value}" for entry in request.keep]
        why = f"sessions that began while the source was writable: {len(ending)}"
        choices = {"keep_sessions": keep}
        steps.append(Step(END_SESSIONS, target, ("other sessions",), why, choices, choices=choices))
    return steps


def _thawing(request: Request, observed: Observed) -> list[Step]:
    if observed.read_only is None or not observed.read_only.on or observed.read_only.by_alter_system is False:
        return []
    return [Step(THAW, _address(request), ("server",), "the source is read-only", {})]


def _why(proof: Proof | None) -> str:
    if proof is None:
        return "the source is a standby, of which nothing can be proven."
    if proof.writers:
        return f"these write: {', '.join(proof.writers[:5])}."
    if proof.kind == "unknown":
        return "the account may not see the sessions of others (GRANT pg_monitor)."
    if proof.kind == "written":
        return "transactions still get ids: somebody writes in between, or autovacuum."
    return (
        f"no transaction writes, but the WAL still moves ({proof.wal_bytes} bytes): "
        "a checkpoint or vacuum. Raise wait_timeout, or set wal_proof to transactions."
    )

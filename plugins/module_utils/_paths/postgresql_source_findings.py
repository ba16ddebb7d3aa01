# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What is checked before a source is brought into each state. Pure."""

from __future__ import annotations

from .._databases import postgresql_source_checks as source_checks
from .._databases.postgresql_connection import identifier, script
from .._databases.postgresql_source_freeze import SETTING
from .._databases.postgresql_source_hba import hba_checks
from .._plan import FAIL, PASS, UNKNOWN, WARN, Check
from .postgresql_source_plan import Observed, to_do, to_end
from .postgresql_source_request import CHECKED, FROZEN, PREPARED, QUIET, Request


def checks(request: Request, observed: Observed) -> list[Check]:
    if request.state == CHECKED and observed.facts is not None:
        return source_checks.source_checks(observed.facts, observed.wanted)
    found = [source_checks.primary(observed)]
    if request.state == PREPARED:
        return found + _preparation_checks(request, observed)
    if request.state == QUIET:
        return [*found, source_checks.prepared_transactions(observed, FAIL), _subscriptions(observed)]
    found.append(_rights(observed, bool(to_do(request, observed))))
    if request.state == FROZEN:
        return found + _freezing_checks(observed)
    return [*found, _thawing_check(observed)]


def _preparation_checks(request: Request, observed: Observed) -> list[Check]:
    name, account = request.account or "", observed.account
    found = []
    if account is not None and account.superuser:
        remedy = "Name an account that is made for the migration and is no superuser."
        found.append(Check("account", FAIL, f"{name} is a superuser, which the service does not take.", remedy))
    else:
        detail = f"{name} is {'there' if account else 'to be created'}"
        found.append(Check("account", PASS, detail))
    found += [_password(request, observed), _administrator(observed, bool(to_do(request, observed)))]
    # The lines cannot be written by SQL, so they may not keep the account from being made.
    found += [
        c._replace(status=WARN) if c.status == FAIL else c for c in hba_checks(observed.hba, name, request.target_cidr)
    ]
    waiting = [
        setting.name
        for setting in observed.settings
        if setting.needs_restart and (setting.pending or not setting.equal)
    ]
    if waiting:
        remedy = "Restart the server at a convenient time."
        found.append(Check("restart_needed", WARN, f"{', '.join(waiting)} take effect after a restart.", remedy))
    return found


def _password(request: Request, observed: Observed) -> Check:
    name = "account_password"
    if not request.account_password:
        if observed.account is None:
            return Check(name, FAIL, "A new account needs a password.", "Set account_password.")
        return Check(name, UNKNOWN, "No password was given to compare.", "Set account_password.")
    if observed.password_known is None:
        remedy = "Set update_password: always once, or run as a superuser."
        return Check(name, UNKNOWN, "Whether the account has this password may not be read.", remedy)
    return Check(name, PASS, "the account has the password" if observed.password_known else "the password will be set")


def _administrator(observed: Observed, needed: bool) -> Check:
    name, rights = "administrative_rights", observed.rights
    if rights is None or rights.superuser or not needed:
        return Check(name, PASS, "the administrative account may make the changes, or none are to be made")
    if observed.version < 160000:
        remedy = "Run as a superuser: before PostgreSQL 16 only they can give REPLICATION."
        return Check(name, FAIL, f"{rights.user} is no superuser.", remedy)
    remedy = "It needs CREATEROLE, REPLICATION, and pg_monitor WITH ADMIN OPTION."
    return Check(name, WARN, f"{rights.user} is no superuser; whether it may make the changes will be seen.", remedy)


def _rights(observed: Observed, needed: bool) -> Check:
    name, rights = "administrative_rights", observed.rights
    if rights is None or not rights.missing:
        return Check(name, PASS, "the administrative account has the rights")
    status = FAIL if needed else WARN
    return Check(
        name,
        status,
        f"{rights.user} lacks rights on the server.",
        f"Run as a superuser, or grant: {script(rights.missing)}",
    )


def _freezing_checks(observed: Observed) -> list[Check]:
    return [
        source_checks.prepared_transactions(observed, FAIL),
        _overrides(observed),
        _subscriptions(observed),
        _sessions(observed),
    ]


def _overrides(observed: Observed) -> Check:
    name = "read_only_overrides"
    found = observed.read_only.overrides if observed.read_only else ()
    if not found:
        return Check(name, PASS, f"no database and no role sets {SETTING} for itself")
    statements = [_reset(database, role) for database, role in found]
    detail = f"{SETTING} is off whatever the server says for: {', '.join(map(_who, found))}."
    return Check(name, FAIL, detail, script(statements))


def _who(override: tuple[str | None, str | None]) -> str:
    database, role = override
    return " in ".join(filter(None, (role and f"role {role}", database and f"database {database}"))) or "every role"


def _reset(database: str | None, role: str | None) -> str:
    if role is None and database is not None:
        return f"ALTER DATABASE {identifier(database)} RESET {SETTING}"
    where = f" IN DATABASE {identifier(database)}" if database else ""
    return f"ALTER ROLE {identifier(role) if role else 'ALL'}{where} RESET {SETTING}"


def _subscriptions(observed: Observed) -> Check:
    name = "subscriptions"
    if observed.subscriptions is None:
        detail = "Whether the source subscribes to others, which would write to it, may not be read."
        return Check(name, UNKNOWN, detail, "Run as a superuser.")
    if not observed.subscriptions:
        return Check(name, PASS, "the source subscribes to nothing")
    remedy = script(f"ALTER SUBSCRIPTION {identifier(subscription)} DISABLE" for subscription in observed.subscriptions)
    found = ", ".join(f"{s} in {d}" for s, d in observed.subscriptions.items())
    return Check(name, FAIL, f"Subscriptions write whatever the settings: {found}.", remedy)


def _sessions(observed: Observed) -> Check:
    ending, rights = to_end(observed), observed.rights
    if rights is not None and not rights.superuser and any(other.superuser for other in ending):
        pids = ", ".join(str(other.pid) for other in ending if other.superuser)
        remedy = "Run as a superuser, end them, or name them in keep_sessions."
        return Check("sessions", FAIL, f"Sessions of superusers cannot be ended by {rights.user}: pid {pids}.", remedy)
    return Check("sessions", PASS, f"sessions to end: {len(ending)}")


def _thawing_check(observed: Observed) -> Check:
    name, now = "read_only_setting", observed.read_only
    if now is None or not now.on:
        return Check(name, PASS, "the source is writable")
    if now.by_alter_system is None:
        remedy = "GRANT pg_read_all_settings to the account."
        return Check(name, UNKNOWN, f"Where {SETTING} is set may not be seen.", remedy)
    if now.by_alter_system:
        return Check(name, PASS, f"{SETTING} was set with ALTER SYSTEM")
    where = now.file or now.by
    remedy = "Take it back there: it was not set with ALTER SYSTEM, so not by state frozen."
    return Check(name, FAIL, f"{SETTING} is on because of {where}.", remedy)

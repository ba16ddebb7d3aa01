# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The go/no-go items in front of a backup. Pure functions of what was asked for and what was observed.

Each item speaks of all databases at once and names those it is about. The rules of RDS are those of its guides (names,
DBCC CHECKDB, recovery model, AUTO_CLOSE); what the server did not tell is `unknown`.
"""

from __future__ import annotations

from datetime import timedelta

from .._databases.sqlserver_backup_statements import DIFFERENTIAL, FULL, LOG
from .._databases.sqlserver_source import Database
from .._plan import FAIL, PASS, UNKNOWN, WARN, Check
from . import sqlserver_backup_file_checks as file_checks
from .sqlserver_backup_file_checks import in_order
from .sqlserver_backup_plan import (
    BACKED_UP,
    MISSING,
    RUNNING,
    Observed,
    backup_of,
    possible,
    running_on,
    state_of,
    wanted,
)
from .sqlserver_backup_request import Request

_EXPRESS = 4
_CHECKDB_GOOD_FOR = timedelta(days=7)


def all_checks(request: Request, observed: Observed) -> list[Check]:
    meant, _unknown = wanted(request, observed)
    states = {d.name: state_of(request, observed, d) for d in possible(request, observed)}
    to_do = [d for d in meant if states.get(d.name) == MISSING]
    online = [d for d in to_do if d.state == "ONLINE"]
    items = [
        _databases_exist(request, observed),
        _no_system_databases(meant),
        _history(observed),
        _already_there(request, observed, [d for d in meant if states.get(d.name) == BACKED_UP]),
        _running(observed, [d for d in meant if states.get(d.name) == RUNNING]),
    ]
    if to_do:
        items += [
            _online(to_do),
            _primary_replica(request, observed, online),
            _rights(request, observed, online),
            _recovery_model(request, online),
            _base(request, observed, online),
            _auto_close(online),
            _encryption(online),
            _compression(request, observed),
            file_checks.folder(request, observed),
            file_checks.free_space(request, observed, online),
            file_checks.file_names(online),
            file_checks.path_lengths(request, observed, online),
            file_checks.target_names(online),
            _integrity(request, observed, online),
            _writes(request, observed, online),
        ]
    return [item for item in items if item is not None]


def _databases_exist(request: Request, observed: Observed) -> Check:
    meant, unknown = wanted(request, observed)
    name = "databases_exist"
    if unknown:
        return Check(
            name,
            FAIL,
            f"{request.endpoint.name} has no {in_order(unknown)}.",
            "Correct databases. "
            + (
                "This server tells upper from lower case."
                if observed.server.case_matters
                else "Look for typing errors."
            ),
        )
    if not meant:
        return Check(name, FAIL, "No database is left to back up.", "Correct databases and exclude.")
    return Check(name, PASS, f"{len(meant)} databases are meant")


def _no_system_databases(meant: list[Database]) -> Check:
    wrong = [d.name for d in meant if d.system or d.snapshot]
    if not wrong:
        return Check("user_databases", PASS, "all of them are user databases")
    return Check(
        "user_databases",
        FAIL,
        f"{in_order(wrong)} cannot be migrated: system databases and database snapshots stay where they are.",
        "Take them out of databases.",
    )


def _history(observed: Observed) -> Check:
    if observed.server.sees_history:
        return Check("backup_history", PASS, "msdb can be read")
    return Check(
        "backup_history",
        FAIL,
        "The login may not read msdb.dbo.backupset, so nothing can tell which backups there are.",
        "Give the login the role db_datareader in msdb.",
    )


def _already_there(request: Request, observed: Observed, done: list[Database]) -> Check | None:
    """That a backup is there is no proof that nothing was written since."""
    found = [(d, backup_of(request, observed, d)) for d in done]
    old = [
        f"{d.name} of {backup.finish:%Y-%m-%dT%H:%M:%S}"
        for d, backup in found
        if backup is not None and not d.read_only and backup.path not in observed.made
    ]
    if not old:
        return None
    return Check(
        "already_there",
        WARN,
        f"These backups are taken as they are: {in_order(old)}. Changes since then are not in them."
        + (
            " A real run with verify: true reads them back first, and replaces those that fail."
            if request.verify
            else ""
        ),
        "Set max_age to what is young enough, or max_age: 0 for new backups.",
    )


def _running(observed: Observed, busy: list[Database]) -> Check:
    name = "running_backups"
    if observed.running is None or not observed.server.sees_state:
        remedy = "Grant the login VIEW SERVER STATE."
        return Check(name, UNKNOWN, "The login cannot see whether a backup runs.", remedy)
    if busy:
        running = [(d.name, running_on(observed, d)) for d in busy]
        progress = [f"{database} ({found.progress or 0:.0f} %)" for database, found in running if found]
        return Check(
            name,
            UNKNOWN,
            f"A backup runs already: {in_order(progress)}. Whether it is what is asked for shows when it is over.",
            "A run with wait: true waits for it first.",
        )
    if any(running.database is None for running in observed.running):
        return Check(
            name, UNKNOWN, "A backup runs, and the server does not tell of which database.", "Wait for its end."
        )
    return Check(name, PASS, "no backup of these databases runs")


def _online(to_do: list[Database]) -> Check:
    wrong = [f"{d.name} is {d.state}" for d in to_do if d.state != "ONLINE"]
    if not wrong:
        return Check("databases_online", PASS, "all of them are ONLINE")
    remedy = "Bring them online, or name them in exclude."
    return Check("databases_online", FAIL, f"{in_order(wrong)}.", remedy)


def _primary_replica(request: Request, observed: Observed, to_do: list[Database]) -> Check | None:
    name = "primary_replica"
    if observed.secondaries is None:
        return Check(
            name, UNKNOWN, "The login cannot see the state of availability groups.", "Grant VIEW SERVER STATE."
        )
    here = [d.name for d in to_do if d.name in observed.secondaries]
    if not here:
        return Check(name, PASS, "no database is a secondary replica") if observed.server.hadr else None
    possible_here = request.wish.kind == LOG or (request.wish.kind == FULL and request.wish.copy_only)
    return Check(
        name,
        WARN if possible_here else FAIL,
        f"{in_order(here)} are secondary replicas here"
        + ("; a backup of them may lag behind the primary." if possible_here else ", where this type cannot be made."),
        "Set host to the server of the primary replica.",
    )


def _rights(request: Request, observed: Observed, to_do: list[Database]) -> Check:
    name = "rights"
    log = request.wish.kind == LOG
    may = {d.name: d.may_back_up_log if log else d.may_back_up for d in to_do}
    missing = [database for database, allowed in may.items() if allowed is False]
    if missing:
        return Check(
            name,
            FAIL,
            f"The login {request.endpoint.user} may not back up {in_order(missing)}.",
            "Make it a member of db_backupoperator in each of them, or of the server role sysadmin.",
        )
    if request.check_database and not observed.server.sysadmin:
        detail = "DBCC CHECKDB needs sysadmin or db_owner, and the login is no member of sysadmin."
        return Check(name, WARN, detail, "Use such a login, or set check_database: false.")
    if None in may.values():
        told = in_order(database for database, allowed in may.items() if allowed is None)
        return Check(name, UNKNOWN, f"The server did not tell whether the login may back up {told}.")
    return Check(name, PASS, "the login may back up all of them")


def _recovery_model(request: Request, to_do: list[Database]) -> Check:
    simple = [d.name for d in to_do if d.recovery_model == "SIMPLE"]
    if not simple:
        return Check("recovery_model", PASS, "none of them is in the SIMPLE recovery model")
    if request.wish.kind == LOG:
        return Check(
            "recovery_model",
            FAIL,
            f"{in_order(simple)} have the SIMPLE recovery model: no log backup can be made.",
            "ALTER DATABASE … SET RECOVERY FULL, then a new full backup, then log backups.",
        )
    return Check(
        "recovery_model",
        WARN,
        f"{in_order(simple)} have the SIMPLE recovery model: no log backups can follow.",
        "Enough for a migration with full backups alone. Else ALTER DATABASE … SET RECOVERY FULL first.",
    )


def _base(request: Request, observed: Observed, to_do: list[Database]) -> Check | None:
    if request.wish.kind == FULL:
        return None
    name = "base_backup"
    if request.wish.kind == LOG:
        none = [d.name for d in to_do if d.recovery_model != "SIMPLE" and not d.log_chain]
        if none:
            detail = f"{in_order(none)} have no log chain yet."
            return Check(name, FAIL, detail, "Make a full backup of them first, with copy_only: false.")
        return Check(name, PASS, "all of them have a log chain")
    none = [d.name for d in to_do if observed.bases.get(d.name) is None]
    if none:
        detail = f"{in_order(none)} have no full backup that a differential one could build on."
        return Check(name, FAIL, detail, "Make a full backup with copy_only: false first.")
    bases = [f"{d.name} on {base.path}" for d in to_do if (base := observed.bases.get(d.name))]
    return Check(name, PASS, f"they build on: {in_order(bases)}")


def _auto_close(to_do: list[Database]) -> Check:
    closing = [d.name for d in to_do if d.auto_close]
    if not closing:
        return Check("auto_close", PASS, "AUTO_CLOSE is off")
    remedy = "ALTER DATABASE … SET AUTO_CLOSE OFF."
    return Check("auto_close", WARN, f"AUTO_CLOSE is on for {in_order(closing)}; RDS wants it off.", remedy)


def _encryption(to_do: list[Database]) -> Check:
    encrypted = [d.name for d in to_do if d.encrypted]
    if not encrypted:
        return Check("encryption", PASS, "no database is encrypted (TDE)")
    return Check(
        "encryption",
        FAIL,
        f"{in_order(encrypted)} are encrypted (TDE); without their certificate RDS cannot restore them.",
        "ALTER DATABASE … SET ENCRYPTION OFF, wait until they are decrypted, DROP DATABASE ENCRYPTION KEY.",
    )


def _compression(request: Request, observed: Observed) -> Check | None:
    if not request.wish.compression:
        return None
    server = observed.server
    if server.engine_edition == _EXPRESS or server.edition.startswith("Web"):
        remedy = "Leave compression out."
        return Check("compression", FAIL, f"{server.edition} cannot compress backups.", remedy)
    return Check("compression", PASS, f"{server.edition} can compress backups")


def _integrity(request: Request, observed: Observed, to_do: list[Database]) -> Check:
    name, remedy = "integrity", "Set check_database: true, or run DBCC CHECKDB."
    if request.check_database:
        return Check(name, PASS, "DBCC CHECKDB runs in front of each backup")
    unknown = [d.name for d in to_do if d.last_check is None]
    oldest = observed.server.now - _CHECKDB_GOOD_FOR
    stale = [d.name for d in to_do if d.last_check is not None and d.last_check < oldest]
    if stale:
        detail = (
            f"No clean DBCC CHECKDB within 7 days: {in_order(stale)}. A damaged database cannot be restored at RDS."
        )
        return Check(name, WARN, detail, remedy)
    if unknown:
        return Check(name, UNKNOWN, f"The server did not tell when {in_order(unknown)} were last checked.", remedy)
    return Check(name, PASS, "all of them were checked within 7 days")


def _writes(request: Request, observed: Observed, to_do: list[Database]) -> Check | None:
    """What is written after a full backup began is in later log backups only, if there are any."""
    if request.wish.kind not in (FULL, DIFFERENTIAL):
        return None
    name = "writes_during_backup"
    writable = [d.name for d in to_do if not d.read_only]
    remedy = "Stop the applications or ALTER DATABASE … SET READ_ONLY first, or let log backups follow."
    if observed.writers is None or not observed.server.sees_state:
        return Check(name, UNKNOWN, "The login cannot see whether anybody writes.", remedy)
    sessions = observed.sessions or {}
    seen = [
        f"{database} ({observed.writers.get(database, 0)} writing transactions, {sessions.get(database, 0)} sessions)"
        for database in writable
        if observed.writers.get(database) or sessions.get(database)
    ]
    if seen:
        detail = f"In use at the moment: {in_order(seen)}. What is written from now on may be missing on the target."
        return Check(name, WARN, detail, remedy)
    return Check(name, PASS, "nobody uses the databases at the moment" if writable else "all of them are read-only")

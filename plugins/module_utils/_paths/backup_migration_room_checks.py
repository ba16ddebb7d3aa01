# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Whether the instance has room for what is to be restored: names, storage, and what it may do on a day. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .._alibaba import rds_backup_tasks as api
from .._alibaba.reserved_names import RESERVED_DATABASE_NAMES
from .._plan import FAIL, PASS, UNKNOWN, WARN, Check
from .backup_migration_findings import listed
from .backup_migration_plan import (
    DEFERRED,
    PER_DATABASE_AND_DAY,
    PER_INSTANCE_AND_DAY,
    Standing,
    standings,
    used_today,
)
from .backup_migration_request import Request
from .backup_migration_seen import Observed

_LONGEST_NAME = 128
_GIB = 1024**3


def target_names(to_do: Sequence[Standing]) -> Check | None:
    if not to_do:
        return None
    targets = Counter(s.target.casefold() for s in to_do)
    problems = [f"{s.target} is the target of several databases" for s in to_do if targets[s.target.casefold()] > 1]
    problems += [f"{s.target} is reserved" for s in to_do if s.target.casefold() in RESERVED_DATABASE_NAMES]
    problems += [f"{s.target!r} is no name" for s in to_do if not _is_legal(s.target)]
    problems += [f"{s.target} holds @ or |, which RDS refuses" for s in to_do if set(s.target) & set("@|")]
    if not problems:
        return Check("target_names", PASS, "the target names are legal and unique")
    remedy = "Give other names with new_name or new_names."
    return Check("target_names", FAIL, listed(list(dict.fromkeys(problems))) + ".", remedy)


def _is_legal(name: str) -> bool:
    return bool(name.strip()) and len(name) <= _LONGEST_NAME and name.isprintable() and name == name.strip()


def database_quota(observed: Observed, to_do: Sequence[Standing]) -> Check | None:
    new = [s.target for s in to_do if observed.state_on_target(s.target) is None]
    if not new:
        return None
    most = observed.instance.most_databases if observed.instance else None
    remedy = "Migrate fewer databases, or use a larger class."
    if most is None:
        return Check(
            "database_quota", UNKNOWN, "The service does not tell how many databases the instance holds.", remedy
        )
    total = len(observed.databases) + len(new)
    text = f"{len(observed.databases)} there and {len(new)} to come, of at most {most}"
    return Check("database_quota", PASS, text) if total <= most else Check("database_quota", FAIL, f"{text}.", remedy)


def free_storage(observed: Observed, to_do: Sequence[Standing]) -> Check | None:
    new = [s for s in to_do if s.steps and s.backups.base and observed.state_on_target(s.target) is None]
    if not new:
        return None
    remedy = "Enlarge the storage of the instance, or migrate fewer databases at a time."
    sizes = [s.backups.base.required_storage for s in new if s.backups.base]
    storage = observed.instance.storage if observed.instance else None
    if storage is None or observed.storage_used is None:
        return Check("free_storage", UNKNOWN, "The service does not tell the free storage of the instance.", remedy)
    free, wanted = storage - observed.storage_used, sum(size for size in sizes if size is not None)
    text = f"{free / _GIB:.1f} GiB are free, the databases need {wanted / _GIB:.1f} GiB"
    if wanted > free:
        return Check("free_storage", FAIL, f"{text}.", remedy)
    untold = [s.target for s in new if s.backups.base and s.backups.base.required_storage is None]
    if untold:
        return Check("free_storage", UNKNOWN, f"{text}, without {listed(untold, ', ')}, which do not tell.", remedy)
    return Check("free_storage", PASS, text)


def daily_quota(request: Request, observed: Observed, sending: Sequence[Standing]) -> Check | None:
    wanted = [s for s in sending if s.steps]
    deferred = [s.target for s in standings(request, observed) if s.state == DEFERRED]
    if not wanted and not deferred:
        return None
    remedy = "Use over_quota: today to do what fits, and run again tomorrow; or migrate fewer databases."
    today = used_today(observed)
    creates = {s.target: sum(step.action == api.CREATE for step in s.steps) for s in wanted}
    if observed.tasks is None:
        return Check("daily_quota", UNKNOWN, "The service does not list the tasks of today.", remedy)
    if deferred:
        text = f"{len(deferred)} databases have to wait for tomorrow's quota: {listed(deferred, ', ')}."
        return Check("daily_quota", WARN, text, "Run the playbook again tomorrow.")
    had = Counter(t.database.casefold() for t in today)
    too_many = [name for name, count in creates.items() if had[name.casefold()] + count > PER_DATABASE_AND_DAY]
    total = len(today) + sum(creates.values())
    text = f"{len(today)} tasks in the last 24 hours and {sum(creates.values())} to come, of {PER_INSTANCE_AND_DAY}"
    if too_many:
        text += f"; {listed(too_many, ', ')} would get more than {PER_DATABASE_AND_DAY}"
    over = total > PER_INSTANCE_AND_DAY or too_many
    return Check("daily_quota", FAIL, f"{text}.", remedy) if over else Check("daily_quota", PASS, text)

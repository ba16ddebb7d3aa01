# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""A DTS job as the service tells it, and the words it does so with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

CONFIGURE, BUY, START = "ConfigureDtsJob", "CreateDtsInstance", "StartDtsJob"
SUSPEND, STOP, DELETE, SKIP = "SuspendDtsJob", "StopDtsJob", "DeleteDtsJob", "SkipPreCheck"
MODIFY, PASSWORD, ALARM = "ModifyDtsJob", "ModifyDtsJobPassword", "CreateJobMonitorRule"
LIMIT = "ModifyDynamicConfig"

# Words of Status. SUSPENDED is the service's "Suspending", which means paused.
NOT_STARTED, PRECHECKING, PRECHECK_FAILED, PRECHECKED = "NotStarted", "Prechecking", "PrecheckFailed", "PreCheckPass"
MIGRATING, RETRYING, SUSPENDED, FAILED, FINISHED = "Migrating", "Retrying", "Suspending", "MigrationFailed", "Finished"
NOT_CONFIGURED, LOCKED = "NotConfigured", "Locked"
STATUSES = frozenset(
    {NOT_CONFIGURED, NOT_STARTED, PRECHECKING, PRECHECK_FAILED, PRECHECKED, MIGRATING, RETRYING, SUSPENDED, FAILED}
    | {FINISHED, LOCKED, "Upgrade", "Downgrade"}
)
CAUGHT_UP = "Catched"
_PHASE_STATUSES = frozenset({NOT_STARTED, MIGRATING, SUSPENDED, "Failed", FINISHED, CAUGHT_UP})
# Names of engines in ConfigureDtsJob, as source and as destination. Other calls spell them in other ways.
ENGINES = {
    "MySQL": ("MYSQL", "MYSQL"),
    "MariaDB": ("MARIADB", "MARIADB"),
    "PostgreSQL": ("POSTGRESQL", "PostgreSQL"),
    "SQLServer": ("MSSQL", "MSSQL"),
}
SCHEMA, FULL, INCREMENTAL = "schema", "full", "incremental"


class End(NamedTuple):
    """One side of a job, as the service tells it. None: not told."""

    type: str | None
    engine: str | None
    region: str | None
    instance_id: str | None
    host: str | None
    port: str | None
    database: str | None
    account: str | None

    def __str__(self) -> str:
        if self.instance_id or not self.host:
            return self.instance_id or "an end that is not told"
        return f"{self.host}:{self.port}" if self.port else self.host


class Phase(NamedTuple):
    """How far one kind of migration is. percent: None if not told."""

    status: str
    percent: int | None
    error: str


class Job(NamedTuple):
    """An entry of DescribeDtsJobs. phases: those that the job has. delay: milliseconds. None: not told."""

    id: str
    instance_id: str | None
    name: str
    status: str
    source: End
    destination: End
    phases: Mapping[str, Phase]
    kinds: frozenset[str]
    delay: int | None
    pay_type: str | None
    instance_class: str | None
    objects: str | None
    reserved: str | None
    label: str | None
    cluster: str | None
    resource_group: str | None
    created: str | None
    error: str
    remedy: str

    @property
    def paid(self) -> bool:
        """Whether its instance was bought. A job that ran was; one that is over may have been stopped before that."""
        ran = (MIGRATING, RETRYING, SUSPENDED, FAILED, LOCKED, "Upgrade", "Downgrade")
        moved = self.status == FINISHED and any(phase.percent for phase in self.phases.values())
        return bool(self.pay_type) or self.status in ran or moved

    @property
    def caught_up(self) -> bool:
        """Everything is over on the target: changes as well, where they are followed."""
        if INCREMENTAL not in self.kinds:
            return self.completed is True
        found = self.phases.get(INCREMENTAL)
        return self.status == MIGRATING and found is not None and found.status == CAUGHT_UP

    @property
    def completed(self) -> bool | None:
        """It ended with its work done, rather than being stopped on the way. None: not told.

        Changes never end, so that one that follows them is stopped in any case; a copy has to be at 100 percent.
        """
        if self.status != FINISHED:
            return False
        last = next((kind for kind in (INCREMENTAL, FULL, SCHEMA) if kind in self.kinds), "")
        found = self.phases.get(last)
        if found is None or found.status not in _PHASE_STATUSES:
            return None
        if last == INCREMENTAL:
            return found.status not in (NOT_STARTED, "Failed")
        if found.status != FINISHED:
            return False
        return None if found.percent is None else found.percent >= 100


class Item(NamedTuple):
    """One item of a precheck. state: pass, alert (may be skipped), fail or pending."""

    code: str
    state: str
    skipped: bool
    reason: str
    remedy: str

    @property
    def check(self) -> str:
        """Its name for `accept`."""
        return "precheck_" + re.sub(r"\W+", "_", self.code.lower().removeprefix("check_"))


class Precheck(NamedTuple):
    """id: what SkipPreCheck wants as JobId."""

    id: str
    state: str
    items: tuple[Item, ...]

    @property
    def open(self) -> tuple[Item, ...]:
        """What stands in the way."""
        return tuple(item for item in self.items if item.state in ("alert", "fail") and not item.skipped)


def document_of(text: str | None) -> dict[str, Any] | None:
    """DbList or Reserve as the service tells it; None if that is no JSON object."""
    try:
        found = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None

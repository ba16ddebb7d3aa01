# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a world knows of jobs of the data transmission service.

Passwords are not part of a world document: `World.dts_passwords` keeps those that were given in a call.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..documents import Instant

PHASES = ("structure", "full", "incremental")
"""What a job does after its precheck, in this order, as far as it was asked for."""


@dataclass
class DtsEndpoint:
    """One side of a job. `type` is RDS, OTHER, ECS and so on; `owner_id` and `role` are for an end of another account.

    `ssl` says whether the connection was asked to be encrypted.
    """

    type: str = ""
    engine: str = ""
    region: str = ""
    instance_id: str = ""
    address: str = ""
    port: str = ""
    database: str = ""
    user_name: str = ""
    owner_id: str = ""
    role: str = ""
    ssl: bool = False


@dataclass
class DtsFinding:
    """One item of a precheck. `problem` is empty if it passed; `can_skip` if SkipPreCheck may ignore it.

    In `dts_findings` of a world document: an item that every precheck (of a job called `job`) finds.
    """

    item: str
    name: str
    problem: str = ""
    repair: str = ""
    can_skip: bool = False
    job: str = ""


@dataclass
class DtsPhase:
    """How far a phase is. `status` is NotStarted, Suspending, Checking, Migrating, Failed, Catched or Finished.

    It ends at `due` by itself (nothing: it does not), `left` is what remained of it when it was suspended. `stopped`:
    it ended on the way, because its job was stopped.
    """

    status: str = "NotStarted"
    begun: Instant | None = None
    due: Instant | None = None
    ended: Instant | None = None
    left: float | None = None
    percent: int = 0
    error: str = ""
    stopped: bool = False


@dataclass
class DtsForced:
    """What the world has in store for a job: the `result` of an outcome at a stage."""

    result: str
    stage: str
    after: float = 0.0
    failure: str = ""
    factor: float = 1.0


@dataclass
class MonitorRule:
    """An alarm of a job. `type` is delay or error, `state` Y or N."""

    type: str
    state: str = "Y"
    delay_seconds: int = 0
    notice_value: int = 0
    period: int = 1
    times: int = 1
    phone: str = ""


@dataclass
class DtsJob:
    """A job and the DTS instance it runs on.

    `status` has the words of migration: NotConfigured, NotStarted, Prechecking, PrecheckFailed, PreCheckPass,
    Migrating, Suspending, MigrationFailed, Retrying, Finished, Locked. `stage` is what goes on, or is to go on when
    the job is started again: precheck, structure, full, incremental, or nothing. `goes_on` says whether the phases
    follow a precheck at once. `paid` becomes True with a purchase.
    `behind_since` is since when changes are not applied, `skipped` the precheck items that are to be ignored.
    A `real` job is done by servers; `current` is when its target last had all that its source had.
    """

    id: str
    instance_id: str
    account_id: str
    created: Instant
    region: str = "cn-hangzhou"
    name: str = ""
    type: str = "MIGRATION"
    source: DtsEndpoint = field(default_factory=DtsEndpoint)
    target: DtsEndpoint = field(default_factory=DtsEndpoint)
    structure: bool = False
    full: bool = False
    incremental: bool = False
    db_list: str = ""
    reserve: str = ""
    data_check: str = ""
    checkpoint: str = ""
    bis_label: str = ""
    cluster: str = ""
    resource_group: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    rules: list[MonitorRule] = field(default_factory=list)
    limits: dict[str, str] = field(default_factory=dict)
    status: str = "NotStarted"
    stage: str = ""
    goes_on: bool = True
    paid: bool = False
    pay_type: str = ""
    instance_class: str = ""
    expires: Instant | None = None
    precheck_id: str = ""
    precheck: DtsPhase = field(default_factory=DtsPhase)
    findings: list[DtsFinding] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    phases: dict[str, DtsPhase] = field(default_factory=dict)
    forced: list[DtsForced] = field(default_factory=list)
    retry_until: Instant | None = None
    behind_since: Instant | None = None
    real: bool = False
    current: Instant | None = None
    started: Instant | None = None
    ended: Instant | None = None
    listed: Instant | None = None
    error: str = ""
    log: list[str] = field(default_factory=list)

    @property
    def wanted(self) -> tuple[str, ...]:
        """The phases that were asked for."""
        asked = {"structure": self.structure, "full": self.full, "incremental": self.incremental}
        return tuple(name for name in PHASES if asked[name])

    def phase(self, name: str) -> DtsPhase:
        """A phase, or the precheck."""
        return self.precheck if name == "precheck" else self.phases.setdefault(name, DtsPhase())


@dataclass
class DtsOrder:
    """Something that was bought or changed for money. `kind` is buy, pay_type, class or renew.

    `incremental` says whether what was bought is charged (schema and full migration are free of it); it is filled in
    when the job is configured. `released` is when the instance was given back.
    """

    kind: str
    account_id: str
    instance_id: str
    job_id: str
    moment: Instant
    pay_type: str = ""
    instance_class: str = ""
    period: str = ""
    used_time: int = 0
    incremental: bool | None = None
    released: Instant | None = None

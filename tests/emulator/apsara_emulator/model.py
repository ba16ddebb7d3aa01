# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a world is made of. These classes are also the format of a world document (see `documents`)."""

from __future__ import annotations

from dataclasses import dataclass, field

from .documents import Instant
from .model_durations import Durations
from .model_migrations import MigrateTask
from .model_ram import AccessKey, Policy, Role, User
from .oss_model import Bucket
from .postgresql.model import CloudMigration, CloudTask, Stall
from .transmission.model import DtsFinding, DtsJob, DtsOrder

GIB = 1024**3


@dataclass
class SecurityToken:
    """A short-lived key of the token service; valid until `expires`."""

    access_key_id: str
    access_key_secret: str
    security_token: str
    expires: Instant
    role: str = "migration"
    session: str = "session"
    policy: str = ""
    """What the session is narrowed down to, a JSON text; nothing: all that the role may do."""


@dataclass
class Account:
    """An account of the cloud, what it can sign with, and its RAM users, roles and own policies by name."""

    account_id: str
    access_keys: list[AccessKey] = field(default_factory=list)
    security_tokens: list[SecurityToken] = field(default_factory=list)
    bearer_tokens: list[str] = field(default_factory=list)
    users: dict[str, User] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)


@dataclass
class Database:
    """A database of an instance. `size` is in bytes.

    `created` is when somebody made it during the life of this world (nothing: it was always there); listings lag
    behind it. `ready` is when it turns from Creating to Running by itself, `gone` when it turns from Deleting to gone.
    `operation` is the id of the import or copy that brought it, `migrate_task` that of the backup import, `dts_job`
    that of the DTS job. `tables` are names (`schema.name` for PostgreSQL and SQL Server); nothing: not known, and
    whatever is asked for is there.
    """

    status: str = "Running"
    size: int = 0
    character_set: str = ""
    description: str = ""
    created: Instant | None = None
    ready: Instant | None = None
    gone: Instant | None = None
    operation: int | None = None
    migrate_task: str = ""
    tables: list[str] | None = None
    dts_job: str = ""


@dataclass
class DatabaseAccount:
    """A login of an instance. `privileges`: database name to ReadWrite, ReadOnly, DBOwner and so on;
    rights that were picked one by one stand behind `Custom: `.

    `password` is what DTS has to be told; nothing: any will do. `console` is False for one that was made by a
    statement: then it is the server's own rights that count.
    """

    name: str
    type: str = "Normal"
    status: str = "Available"
    description: str = ""
    privileges: dict[str, str] = field(default_factory=dict)
    password: str | None = None
    console: bool = True


@dataclass
class Backup:
    """A backup set. `size` is in bytes. `databases` are the names in it; nothing means all there are."""

    id: str
    start: Instant
    end: Instant
    size: int = 0
    status: str = "Success"
    type: str = "FullBackup"
    mode: str = "Automated"
    method: str = "Physical"
    available: bool = True
    store_status: str = "Enabled"
    databases: list[str] | None = None


@dataclass
class Address:
    """An endpoint of an instance."""

    connection_string: str
    port: str
    ip_address: str = ""
    ip_type: str = "Private"
    type: str = "Normal"


@dataclass
class Whitelist:
    """A group of addresses that may connect."""

    name: str
    addresses: list[str] = field(default_factory=list)


@dataclass
class Instance:
    """A database instance.

    `class_type`: d dedicated, h dedicated host, x general purpose, s shared. `storage_gb` is what was bought,
    `other_used` the bytes used by anything but the databases. `status` is what the instance shows when no import or
    copy is under way. `extensions` (nothing: all that its server has) and `parameters` are for PostgreSQL.
    """

    account_id: str
    engine: str
    engine_version: str
    id: str = ""
    category: str = "HighAvailability"
    class_type: str = "d"
    instance_class: str = ""
    region: str = "cn-hangzhou"
    zone: str = ""
    network_type: str = "VPC"
    vpc_id: str = ""
    vswitch_id: str = ""
    storage_gb: int = 100
    storage_type: str = "cloud_essd"
    other_used: int = 0
    status: str = "Running"
    lock_mode: str = "Unlock"
    type: str = "Primary"
    max_databases: int = 100
    max_accounts: int = 500
    collation: str = ""
    description: str = ""
    cpu: int = 4
    memory_mb: int = 8192
    created: Instant | None = None
    port: str = ""
    databases: dict[str, Database] = field(default_factory=dict)
    accounts: list[DatabaseAccount] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    backups: list[Backup] = field(default_factory=list)
    backup_retention_days: int = 7
    whitelist: list[Whitelist] = field(default_factory=list)
    extensions: list[str] | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    ssl: bool = False

    @property
    def used(self) -> int:
        """Bytes in use."""
        return self.other_used + sum(database.size for database in self.databases.values())

    @property
    def free(self) -> int:
        """Bytes not in use."""
        return self.storage_gb * GIB - self.used


@dataclass
class Operation:
    """An import or a copy, from the accepted call to the end of its traces.

    `kind` is import or copy. `databases` maps source names to target names. `busy` is when the instances begin to show
    it, `planned_end` when it ends by itself, with `failure` (CODE: TEXT) if it is to fail. `state` is running,
    cancelling, succeeded, failed or cancelled; the instances are free again at `released`.
    """

    id: int
    kind: str
    action: str
    account_id: str
    source: str
    target: str
    databases: dict[str, str]
    accepted: Instant
    busy: Instant
    planned_end: Instant
    failure: str = ""
    sync_privileges: bool = False
    state: str = "running"
    ended: Instant | None = None
    released: Instant | None = None

    @property
    def under_way(self) -> bool:
        """Whether the end is still to come."""
        return self.state in {"running", "cancelling"}


@dataclass
class Outcome:
    """What is to become of the next imports or copies, for worlds in which something goes wrong.

    `result` is fails (after `after` seconds, with `failure` as its text) or never_starts (the call is answered with
    success, nothing follows). `kind` (import, copy, migrate), `source` and `target` narrow it down; it applies `times`
    times. Backup imports (migrate) can be narrowed down to a `database`, and have slow (everything takes `factor`
    times as long), checkdb_fails and cannot_open too. Outcomes of `kind` dts apply to a DTS job at a `stage`
    (precheck, structure, full, incremental): fails, slow, stalls (it never ends), retries (Retrying for `after`
    seconds), and at the incremental stage stays_behind (the delay never falls).
    """

    result: str
    after: float = 30.0
    failure: str = "InternalError: the data could not be restored"
    kind: str = ""
    source: str = ""
    target: str = ""
    times: int = 1
    database: str = ""
    factor: float = 10.0
    stage: str = ""


@dataclass
class Switches:
    """Facts about this world's service that are decided, not doubtful."""

    retired_actions: bool = True
    """Whether the two retired actions still exist here."""


@dataclass
class Quotas:
    """Limits. 0 is no limit."""

    requests_per_second: int = 0
    latency: float = 0.0
    """Seconds of the way there and back that every request over HTTP takes; real ones, whatever the speed is."""
    parallel_restores: int = 10
    """Backup imports that an instance works on at a time; the others wait."""
    tasks_per_database: int = 20
    tasks_per_instance: int = 500
    dts_lists_per_second: int = 20
    """Calls of DescribeDtsJobs of an account for a region."""


@dataclass
class Region:
    """A region; its zones and the host that serves it."""

    region: str
    endpoint: str
    zones: list[str] = field(default_factory=list)
    name: str = ""


def default_regions() -> list[Region]:
    """Some regions. Endpoints follow the map and the rule in the vendor's SDK."""
    return [
        Region("cn-hangzhou", "rds.aliyuncs.com", ["cn-hangzhou-h", "cn-hangzhou-i"], "China (Hangzhou)"),
        Region("cn-shanghai", "rds.aliyuncs.com", ["cn-shanghai-b", "cn-shanghai-g"], "China (Shanghai)"),
        Region("cn-beijing", "rds.aliyuncs.com", ["cn-beijing-h"], "China (Beijing)"),
        Region("cn-chengdu", "rds.cn-chengdu.aliyuncs.com", ["cn-chengdu-a"], "China (Chengdu)"),
        Region("ap-southeast-1", "rds.aliyuncs.com", ["ap-southeast-1b"], "Singapore"),
        Region("eu-central-1", "rds.eu-central-1.aliyuncs.com", ["eu-central-1a"], "Germany (Frankfurt)"),
    ]


@dataclass
class WorldState:
    """Everything that changes, and everything a world document may hold."""

    accounts: dict[str, Account] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    buckets: dict[str, Bucket] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    migrate_tasks: list[MigrateTask] = field(default_factory=list)
    durations: Durations = field(default_factory=Durations)
    switches: Switches = field(default_factory=Switches)
    quotas: Quotas = field(default_factory=Quotas)
    regions: list[Region] = field(default_factory=default_regions)
    assessments: list[CloudTask] = field(default_factory=list)
    cloud_migrations: list[CloudMigration] = field(default_factory=list)
    stalls: list[Stall] = field(default_factory=list)
    extra_report_lines: list[str] = field(default_factory=list)
    dts_jobs: list[DtsJob] = field(default_factory=list)
    dts_orders: list[DtsOrder] = field(default_factory=list)
    dts_findings: list[DtsFinding] = field(default_factory=list)
    dts_servers: list[str] = field(default_factory=lambda: ["100.104.0.0/16", "11.115.0.0/24"])
    """Address ranges that DTS connects from."""
    self_managed: dict[str, Instance] = field(default_factory=dict)
    """Databases that are no part of the cloud, by HOST:PORT. Their account does not matter."""
    variants: dict[str, str] = field(default_factory=dict)

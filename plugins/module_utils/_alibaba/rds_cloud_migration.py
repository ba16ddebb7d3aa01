# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Cloud migration of PostgreSQL at RDS: an assessment, a task that copies and follows the source, the switch.

Nothing here has an id to be repeated safely by, and nothing can be cancelled: none of the service's actions does that.
The service sends the source's password back in its answers. It is taken out of them here, before anything else sees
them, and the answers' texts are redacted. Facts: pages of the five actions, SDK models, their samples.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, NamedTuple

from .._failure import MigrationFailure
from .assessment import Report, read_report
from .rds import UNTOLD, number_of, rows_of, text_of
from .redaction import MASK, redact
from .rpc import RpcClient

PRECHECK, CREATE, ACTIVATE = (
    "CreateCloudMigrationPrecheckTask",
    "CreateCloudMigrationTask",
    "ActivateMigrationTargetInstance",
)
# MigrateStage, in the order in which a task passes through them.
STAGES = ("precheck", "basebackup", "startup", "increment", "switch", "success")
INCREMENT, SWITCH, SUCCESS = STAGES[3:]
# ReplicationState.
STATES = ("unstarted", "catchup", "streaming", "disconnect", "finish")
STREAMING, DISCONNECTED = "streaming", "disconnect"

# Both lists document 30 to 100, while their samples show 10.
_PAGE_SIZE = 30
_LSN = r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})"
_MOMENT = r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))? ?(Z|[+-]\d\d(?::?\d\d)?)?"
_OLDEST = datetime.min.replace(tzinfo=timezone.utc)


class Source(NamedTuple):
    """Where a migration comes from."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Assessment(NamedTuple):
    """A row of DescribeCloudMigrationPrecheckResult. None: not told."""

    id: str
    name: str | None
    source: Source
    account: str | None
    created: datetime | None
    modified: datetime | None
    report: Report


class Replication(NamedTuple):
    """What the receiver of the target says. The positions are LSNs as PostgreSQL writes them. None: not told.

    received: the last position that arrived, or that the source reported as its end. replayed: the last that is in
    effect. lag_bytes: what lies between the two. lag_seconds: how much older the replayed transaction is than the
    source's last message; both times are the source's, so that no two clocks are compared.
    """

    received: str | None = None
    replayed: str | None = None
    lag_bytes: int | None = None
    lag_seconds: float | None = None


class Migration(NamedTuple):
    """A row of DescribeCloudMigrationResult. stage and state are the service's words in lower case, or `unknown`."""

    id: str
    name: str | None
    source: Source
    account: str | None
    created: datetime | None
    modified: datetime | None
    stage: str
    state: str
    report: Report
    replication: Replication
    switch_time: str | None

    @property
    def streams(self) -> bool:
        return self.stage == INCREMENT and self.state == STREAMING

    @property
    def failed(self) -> bool:
        """Its report holds an error from before it streamed. No stage says so."""
        return self.stage in STAGES[:3] and bool(self.report.failures or self.report.error_events)

    @property
    def in_flight(self) -> bool:
        """It occupies its target. A stage nobody documented counts as running."""
        return not self.failed and self.stage != SUCCESS


class CloudMigrations:
    """The cloud migrations of one target instance. password: of the source, for the two creating actions."""

    def __init__(self, client: RpcClient, instance_id: str, password: str = "") -> None:
        self._client = client
        self._instance_id = instance_id
        self._password = password

    def assessments(self) -> list[Assessment]:
        """Newest first."""
        rows = self._rows("DescribeCloudMigrationPrecheckResult")
        return sorted((self._assessment(row) for row in rows), key=_age, reverse=True)

    def migrations(self) -> list[Migration]:
        """Newest first."""
        rows = self._rows("DescribeCloudMigrationResult")
        return sorted((self._migration(row) for row in rows), key=_age, reverse=True)

    def start(self, action: str, parameters: Mapping[str, Any]) -> str:
        """Sends PRECHECK or CREATE, with the password in place of its mask. The task's id, if the answer tells it."""
        answer = self._call(action, {**parameters, "SourcePassword": self._password})
        return text_of(answer, "TaskId") or ""

    def activate(self, parameters: Mapping[str, Any]) -> None:
        """Sends ACTIVATE. It acts on the one migration that the instance has."""
        self._call(ACTIVATE, parameters)

    def _call(self, action: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return self._client.call(action, parameters)
        except MigrationFailure as failure:
            failure.reword(self._masked(failure.message))
            raise

    def _rows(self, action: str) -> list[dict[str, Any]]:
        try:
            rows = self._client.pages(
                action,
                {"DBInstanceName": self._instance_id},
                lambda answer: [
                    {key: value for key, value in row.items() if key != "SourcePassword"}
                    for row in rows_of(answer, "Items", "Item")
                ],
                page_size=_PAGE_SIZE,
                total_of=lambda answer, _rows: number_of(answer, "TotalSize"),
            )
            # A page that is read twice while rows move shows a task twice.
            found = {text_of(row, "TaskId") or "": row for row in rows}
        except MigrationFailure as failure:
            failure.reword(self._masked(failure.message))
            raise
        here = (None, self._instance_id)
        return [row for name, row in found.items() if name and text_of(row, "TargetInstanceName") in here]

    def _assessment(self, row: Mapping[str, Any]) -> Assessment:
        return Assessment(**self._common(row))

    def _migration(self, row: Mapping[str, Any]) -> Migration:
        return Migration(
            **self._common(row),
            stage=(text_of(row, "MigrateStage") or UNTOLD).lower(),
            state=(text_of(row, "ReplicationState") or UNTOLD).lower(),
            replication=read_replication(row.get("ReplicationInfo")),
            switch_time=text_of(row, "SwitchTime"),
        )

    def _common(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": text_of(row, "TaskId") or "",
            "name": text_of(row, "TaskName"),
            "source": Source((text_of(row, "SourceIpAddress") or "").casefold(), number_of(row, "SourcePort") or 0),
            "account": text_of(row, "SourceAccount"),
            "created": moment(text_of(row, "GmtCreated")),
            "modified": moment(text_of(row, "GmtModified")),
            "report": read_report(text_of(row, "Detail")).masked(self._masked),
        }

    def _masked(self, text: str) -> str:
        return redact(text, [self._password] if self._password else [])


def source_parameters(
    instance_id: str, source: Source, account: str, category: str, task_name: str
) -> dict[str, str | int]:
    """Of PRECHECK and CREATE, with the password masked. Values of SourceCategory differ between the service's pages."""
    return {
        "DBInstanceName": instance_id,
        "SourceIpAddress": source.host,
        "SourcePort": source.port,
        "SourceAccount": account,
        "SourcePassword": MASK,
        "SourceCategory": category,
        "TaskName": task_name,
    }


def read_replication(value: Any) -> Replication:
    """ReplicationInfo: JSON in a text, in some samples with a backslash in front of every quotation mark."""
    info = _document(value)
    ends = [lsn for lsn in map(_lsn_text, _values(info, "latestendlsn receivedlsn flushedlsn writtenlsn")) if lsn]
    received = max(ends, key=position, default=None)
    replayed = next((lsn for lsn in map(_lsn_text, _values(info, "replaylsn")) if lsn), None)
    lag = max(position(received) - position(replayed), 0) if received and replayed else None
    return Replication(received, replayed, lag, 0.0 if lag == 0 else _seconds_behind(info))


def is_lsn(text: str) -> bool:
    return re.fullmatch(_LSN, text) is not None


def position(lsn: str) -> int:
    """An LSN as a number of bytes. ValueError if it is none."""
    match = re.fullmatch(_LSN, lsn)
    if match is None:
        raise ValueError(f"not an LSN: {lsn[:40]!r}")
    return int(match[1], 16) << 32 | int(match[2], 16)


# Each look at a task reads the same few times.
@functools.lru_cache(maxsize=256)
def moment(text: str | None) -> datetime | None:
    """A time of the service, or of PostgreSQL. One without a time zone is None: it could mean anything."""
    match = re.fullmatch(_MOMENT, (text or "").strip())
    if match is None or match[4] is None:
        return None
    zone = "+0000" if match[4] == "Z" else match[4].replace(":", "").ljust(5, "0")
    try:
        parsed = datetime.strptime(f"{match[1]} {match[2]}{zone}", "%Y-%m-%d %H:%M:%S%z")
        return parsed.replace(microsecond=int((match[3] or "0").ljust(6, "0")[:6])).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def _document(value: Any) -> dict[str, Any]:
    """Keys in lower case without underscores."""
    for text in (value, value.replace('\\"', '"')) if isinstance(value, str) else ():
        try:
            value = json.loads(text)
            break
        except (ValueError, RecursionError):
            continue
    if not isinstance(value, dict):
        return {}
    return {str(key).replace("_", "").lower(): told for key, told in value.items()}


def _values(info: Mapping[str, Any], names: str) -> list[Any]:
    return [info[name] for name in names.split() if name in info]


def _lsn_text(value: Any) -> str | None:
    return value if isinstance(value, str) and is_lsn(value) else None


def _seconds_behind(info: Mapping[str, Any]) -> float | None:
    sent = next((m for v in _values(info, "lastmsgsendtime latestendtime") if (m := _moment_of(v))), None)
    replayed = next((m for v in _values(info, "replaytimestamp") if (m := _moment_of(v))), None)
    return max((sent - replayed).total_seconds(), 0.0) if sent and replayed else None


def _moment_of(value: Any) -> datetime | None:
    return moment(value) if isinstance(value, str) else None


def _age(task: Assessment | Migration) -> tuple[datetime, int, str]:
    return (task.created or _OLDEST, int(task.id) if re.fullmatch(r"[0-9]{1,30}", task.id) else 0, task.id)

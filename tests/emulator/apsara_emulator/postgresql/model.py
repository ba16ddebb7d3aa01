# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a world document says about cloud migrations. Passwords are not part of it: `Fleet` keeps them."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..documents import Instant

STAGES = ("precheck", "basebackup", "startup", "increment", "switch", "success")


@dataclass
class CloudTask:
    """What an assessment and a migration have in common. `instance` is the target, `detail` the text so far, by line.

    `passed` says how the checks ended, nothing while they run.
    """

    id: int
    name: str
    account_id: str
    instance: str
    source_address: str
    source_port: int
    source_account: str
    source_category: str
    created: Instant
    modified: Instant
    detail: list[str] = field(default_factory=list)
    passed: bool | None = None


@dataclass
class CloudMigration(CloudTask):
    """A migration. `failed` is set when it will not go on by itself; `stage` stays where it was.

    `replication_state` and `replication_info` are shown while no real server runs for the task.
    """

    stage: str = "precheck"
    failed: bool = False
    replication_state: str = "unstarted"
    replication_info: dict[str, str] = field(default_factory=dict)
    switch_time: Instant | None = None
    switch_task_id: int | None = None

    @property
    def in_flight(self) -> bool:
        """Whether it occupies its target."""
        return not self.failed and self.stage != "success"


@dataclass
class Stall:
    """Something that does not go on while this is in the world: `stage` of a migration, or `assessment`.

    A stalled `increment` receives, but does not replay. With `seconds` it goes on by itself that long after the stage
    began, by the world's clock and speed. `instance` narrows it down to one target.
    """

    stage: str
    instance: str = ""
    seconds: float | None = None

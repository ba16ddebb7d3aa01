# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ten times as many databases are ten times as much work. Counted are function calls, which no machine makes slower."""

from __future__ import annotations

import sys
from datetime import datetime, timezone

import pytest
import yaml
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba import rds
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.rds_backup_tasks import BackupTask
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.rds_instances import Instance
from ansible_collections.apsaradb.migration.plugins.module_utils._paths import backup_migration_work as work
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.backup_migration_checks import all_checks
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.backup_migration_files import (
    Backup,
    sort_backups,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.backup_migration_plan import plan, standings
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.backup_migration_request import (
    Given,
    read_request,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.backup_migration_seen import (
    Observed,
    TargetDatabases,
    TaskList,
)
from ansible_collections.apsaradb.migration.plugins.modules import rds_oss_backup_migrate

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)


def request(**options):
    documented = yaml.safe_load(rds_oss_backup_migrate.DOCUMENTATION)["options"]
    shared = {"wait": True, "wait_timeout": 60.0, "poll_interval": 5.0, "settle": 60.0}
    given = {"instance_id": "rm-1", "bucket": "b", "prefix": "in/"}
    return read_request({**{name: o.get("default") for name, o in documented.items()}, **shared, **given, **options})


def observed(asked, count, *, tasks, restored):
    names = [f"shop{number:05}" for number in range(count)]
    backups = [Backup(f"in/{n}.bak", Given(f"in/{n}.bak", database=n, type="full"), 1) for n in names]
    there = {n.upper(): rds.Database(n.upper(), rds.DATABASE_RUNNING) for n in names} if restored else {}
    listed = [BackupTask(n, n, "FULL", "Failed", "", NOW, NOW) for n in names] if tasks else []
    instance = Instance(**dict.fromkeys(Instance._fields))._replace(id="rm-1", engine="SQLServer", version="2019_std")
    sorted_ones = sort_backups(asked, backups)
    return Observed(NOW, instance, TargetDatabases(there), backups=sorted_ones, tasks=TaskList(listed))


def calls_of_planning(count, asked, **world):
    calls = 0

    def counted(_frame, event, _argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        seen = observed(asked, count, **world)
        made = plan(asked, seen)
        all_checks(asked, seen)
        works = work.works_of(standings(asked, seen), made.steps, {}, 0.0)
    finally:
        sys.setprofile(None)
    if asked.over_quota == "fail":
        assert len(works) == (0 if world["restored"] else count)
    return calls


@pytest.mark.parametrize("over_quota", ["fail", "today"])
@pytest.mark.parametrize("world", [(False, False), (True, False), (True, True)])
def test_the_work_of_planning_grows_with_the_number_of_databases(world, over_quota):
    asked = request(over_quota=over_quota)
    tasks, restored = world
    few, many = (calls_of_planning(count, asked, tasks=tasks, restored=restored) for count in (100, 1000))
    assert many < 11 * few

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one call costs beside the vendor's SDK, and what a huge backup costs beside a small one."""

from __future__ import annotations

import pathlib
import statistics
import sys
import time
from collections.abc import Callable, Iterator

from comparison import Comparison, Taken, at_most, medians, taken_by, version_of
from emulated import stage
from upload import link_tree

INSTANCE = "rm-bp1sqltarget00001"
MIB, GIB = 1024**2, 1024**3
ROUNDS = 9

OURS = """
import sys
sys.path.insert(0, sys.argv[2])
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba import rds_instances
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.services import Services

found = rds_instances.instance(Services({"rds_endpoint": sys.argv[1], "region": "cn-hangzhou"}, read_only=True).rds,
                               sys.argv[3])
assert found.state == "Running", found
"""
THEIRS = """
import os, sys
from urllib.parse import urlsplit
from alibabacloud_rds20140815.client import Client
from alibabacloud_rds20140815.models import DescribeDBInstanceAttributeRequest
from alibabacloud_tea_openapi.models import Config

endpoint = urlsplit(sys.argv[1])
client = Client(Config(
    access_key_id=os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"],
    access_key_secret=os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
    endpoint=endpoint.netloc,
    protocol=endpoint.scheme,
    region_id="cn-hangzhou",
))
answer = client.describe_dbinstance_attribute(DescribeDBInstanceAttributeRequest(dbinstance_id=sys.argv[3]))
assert answer.body.items.dbinstance_attribute[0].dbinstance_status == "Running", answer
"""


def one_read(scratch: pathlib.Path) -> Iterator[Comparison]:
    """A script that imports and makes one call."""
    tree = link_tree(scratch)
    with stage(scratch) as there:
        endpoint = there.environment["APSARADB_RDS_ENDPOINT"]

        def script(code: str) -> Callable[[], Taken]:
            command = [sys.executable, "-c", code, endpoint, tree, INSTANCE]
            return lambda: taken_by(command, there.environment)[0]

        taken = medians({"ours": script(OURS), "theirs": script(THEIRS)}, ROUNDS)
    ours, theirs = taken["ours"], taken["theirs"]
    seconds = {"ours_seconds": ours.seconds, "peer_seconds": theirs.seconds}
    version = version_of("alibabacloud_rds20140815")
    yield Comparison("one read vs SDK", ours.cpu, theirs.cpu, "CPU s", seconds, at_most(0.5), version)


def headers(scratch: pathlib.Path) -> Iterator[Comparison]:
    """The header of a backup of 100 GB, most of which are holes, and of one of 1 MB."""
    from apsara_emulator.sqlserver import BackupDescription, BackupSetDescription, write_backup

    sys.path.insert(0, str(link_tree(scratch)))
    from ansible_collections.apsaradb.migration.plugins.module_utils._databases.sqlserver_backup_header import (
        LocalFile,
        read_backup,
    )

    taken: dict[int, list[float]] = {MIB: [], 100 * GIB: []}
    reads = {}
    for size in taken:
        description = BackupDescription(sets=(BackupSetDescription(),), size=size)
        write_backup(scratch / f"header-{size}.bak", description, sparse=True)
    for _round in range(201):
        for size, seconds in taken.items():
            start = time.process_time()
            with LocalFile(scratch / f"header-{size}.bak") as file:
                reads[size] = read_backup(file).reads
            seconds.append(time.process_time() - start)
    small, large = (statistics.median(seconds[1:]) * 1000 for seconds in taken.values())
    for size in taken:
        (scratch / f"header-{size}.bak").unlink()
    if len(set(reads.values())) > 1:
        raise SystemExit(f"The headers took {reads} reads")
    extra = {"reads": reads[MIB]}
    yield Comparison("header of 100 GB vs 1 MB", large, small, "CPU ms", extra, at_most(1.2), "the same, of 1 MB")

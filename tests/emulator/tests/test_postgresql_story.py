# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole story of a cloud migration: the vendor's SDK, a real source that is written to, a real target."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import requests
from alibabacloud_rds20140815 import models as m
from alibabacloud_tea_openapi.exceptions import ClientException
from apsara_emulator import World
from apsara_emulator.postgresql.source import SourceServer

from .cloud_bench import PASSWORD, ROWS, TARGET, position, source_server, until
from .sdk_clients import rds
from .serving import Served, served


@pytest.fixture(scope="module")
def source() -> Iterator[SourceServer]:
    with source_server() as server:
        yield server


@pytest.fixture(scope="module")
def emulator() -> Iterator[Served]:
    with served(World.default()) as one:
        yield one
        one.world.reset()


def connected(host: str, port: int, database: str = "shop", user: str = "migrator", password: str = PASSWORD) -> Any:
    return psycopg.connect(host=host, port=port, user=user, password=password, dbname=database, autocommit=True)


class Writer:
    """Inserts rows one by one until told to stop; `committed` is the last row that the source has confirmed."""

    def __init__(self, source: SourceServer) -> None:
        self._source = source
        self._stop = threading.Event()
        self.committed = ROWS
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        with self._source.admin("shop") as session:
            while not self._stop.wait(0.002):
                session.run("insert into orders values (%s, 'late')", self.committed + 1)
                self.committed += 1

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()


class Story:
    """What the steps of the story share: the vendor's client, the source, and what the service tells."""

    def __init__(self, emulator: Served, source: SourceServer) -> None:
        self.emulator = emulator
        self.source = source
        self.client = rds(emulator)
        self.parameters = {
            "dbinstance_name": TARGET,
            "source_ip_address": "127.0.0.1",
            "source_port": source.port,
            "source_account": "migrator",
            "source_password": PASSWORD,
            "source_category": "ecsOnVpc",
        }
        self._where = {"dbinstance_name": TARGET, "page_number": 1, "page_size": 30}

    def net(self) -> tuple[str, int]:
        asked = m.DescribeDBInstanceNetInfoRequest(dbinstance_id=TARGET)
        info = self.client.describe_dbinstance_net_info(asked).body.dbinstance_net_infos.dbinstance_net_info[0]
        return info.connection_string, int(info.port)

    def report(self) -> Any:
        asked = m.DescribeCloudMigrationPrecheckResultRequest(**self._where)
        return self.client.describe_cloud_migration_precheck_result(asked).body.items[0]

    def migration(self) -> Any:
        asked = m.DescribeCloudMigrationResultRequest(**self._where)
        return self.client.describe_cloud_migration_result(asked).body.items[0]

    def replication(self) -> Any:
        return json.loads(self.migration().replication_info)

    def migrate(self) -> Any:
        return self.client.create_cloud_migration_task(m.CreateCloudMigrationTaskRequest(**self.parameters)).body

    def target(self) -> Any:
        return self.emulator.world.postgresql.server(TARGET)


def test_the_whole_story(emulator: Served, source: SourceServer) -> None:
    story = Story(emulator, source)
    # Before anything asks for it there is no server; then it is there, empty.
    assert story.target() is None
    address = story.net()
    assert story.target() is not None
    old_folder = story.target().folder

    assessed = assess(story)
    # What was set on the source's computer stays there.
    with source.admin() as admin:
        admin.run("alter system set default_transaction_read_only = on")
    with Writer(source) as writer:
        task = story.migrate()
        assert task.task_id != assessed.task_id
        assert len(task.task_name) == 10
        goes_through_the_stages(story)
    catches_up(story)
    assert switch(story).task_id not in (task.task_id, assessed.task_id)

    # The old address leads to the new contents.
    assert story.net() == address
    assert not old_folder.exists()
    has_what_was_committed(story, address, writer.committed)
    is_listed_and_takes_more(story, address)
    cannot_be_done_twice(story)
    keeps_the_password_to_itself(story)


def assess(story: Story) -> Any:
    asked = m.CreateCloudMigrationPrecheckTaskRequest(**story.parameters, task_name="look")
    created = story.client.create_cloud_migration_precheck_task(asked).body
    assert (created.dbinstance_name, created.task_name) == (TARGET, "look")
    until(lambda: "*Migrate check success*" in (story.report().detail or ""))
    assert (story.report().task_id, story.report().source_password) == (created.task_id, PASSWORD)
    assert story.report().source_category == "ecsonvpc"
    return created


def goes_through_the_stages(story: Story) -> None:
    """In their order, up to a target that follows the source, is read, and is not written."""
    stages: list[str] = []

    def streams() -> bool:
        row = story.migration()
        stages.append(row.migrate_stage)
        return (row.migrate_stage, row.replication_state) == ("increment", "streaming")

    until(streams)
    assert list(dict.fromkeys(stages)) == sorted(
        set(stages), key=["precheck", "basebackup", "startup", "increment"].index
    )
    with pytest.raises(ClientException) as caught:
        story.migrate()
    assert caught.value.code == "IncorrectDBInstanceState"
    first = story.replication()["ReplayLsn"]
    until(lambda: story.replication()["ReplayLsn"] != first)
    with connected(*story.net()) as session, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        session.execute("delete from orders")


def catches_up(story: Story) -> None:
    with story.source.admin() as admin:
        end = admin.value("select pg_current_wal_lsn()::text")

    def caught_up() -> Any:
        found = story.replication()
        return found["Synced"] == "true" and position(found["ReplayLsn"]) >= position(end) and found

    info = until(caught_up)
    assert (info["Status"], info["IsSlave"], info["ReplayLag"]) == ("streaming", "true", "0")
    assert "password=********" in info["Conninfo"]
    assert PASSWORD not in str(info)


def switch(story: Story) -> Any:
    asked = m.ActivateMigrationTargetInstanceRequest(dbinstance_name=TARGET, force_switch="1", switch_time_mode="0")
    switched = story.client.activate_migration_target_instance(asked).body
    assert (switched.source_ip_address, switched.source_port) == ("127.0.0.1", story.source.port)
    until(lambda: story.migration().migrate_stage == "success")
    assert (story.migration().replication_state, len(story.migration().switch_time)) == ("finish", 20)
    return switched


def has_what_was_committed(story: Story, address: tuple[str, int], committed: int) -> None:
    """All rows are there and can be written, without the source's own settings and without its knowing."""
    server = story.target()
    assert server is not None
    assert not server.is_standby
    assert not [path for path in server.folder.glob("*.conf") if "word-of-the-source" in path.read_text()]
    with connected(*address, user="postgres", password=story.source.document.password) as session:
        rows = session.execute("select count(*), max(id) from orders").fetchone()
        assert rows == (committed, committed)
        session.execute("insert into orders values (0, 'on the target')")
    with story.source.admin("shop") as admin:
        assert admin.value("select count(*) from orders") == committed


def is_listed_and_takes_more(story: Story, address: tuple[str, int]) -> None:
    """Databases and accounts of the source are the instance's, and it gets another database."""
    client = story.client
    databases = client.describe_databases(m.DescribeDatabasesRequest(dbinstance_id=TARGET)).body.databases.database
    assert [one.dbname for one in databases] == ["shop"]
    accounts = client.describe_accounts(m.DescribeAccountsRequest(dbinstance_id=TARGET)).body.accounts
    assert {one.account_name for one in accounts.dbinstance_account} == {"migrator", "postgres"}
    client.create_database(
        m.CreateDatabaseRequest(dbinstance_id=TARGET, dbname="made later", character_set_name="UTF8")
    )
    with connected(*address, database="made later"):
        pass


def cannot_be_done_twice(story: Story) -> None:
    """There is nothing left to switch, and no room for another migration."""
    with pytest.raises(ClientException) as caught:
        story.client.activate_migration_target_instance(
            m.ActivateMigrationTargetInstanceRequest(dbinstance_name=TARGET)
        )
    assert caught.value.code == "IncorrectDBInstanceState"
    again = story.migrate()
    until(lambda: "error:databases exist: made later, shop" in story.migration().detail)
    assert (story.migration().task_id, story.migration().migrate_stage) == (again.task_id, "precheck")


def keeps_the_password_to_itself(story: Story) -> None:
    for path in ("world", "calls"):
        text = requests.get(f"{story.emulator.urls.control}/{path}", timeout=5).text
        assert "migrator" in text
        assert "word-of-the-source" not in text
    writes = [one.action for one in story.emulator.world.calls.select(mutating=True) if one.took_effect]
    assert writes == [
        "CreateCloudMigrationPrecheckTask",
        "CreateCloudMigrationTask",
        "ActivateMigrationTargetInstance",
        "CreateDatabase",
        "CreateCloudMigrationTask",
    ]


def test_control_starts_and_breaks_sources(emulator: Served) -> None:
    control = emulator.urls.control
    document = {"name": "other", "accounts": [{"name": "app", "password": "x", "rights": []}], "databases": ["a"]}
    made = requests.post(f"{control}/postgresql/source", json=document, timeout=20).json()
    assert (made["host"], made["superuser"], made["running"]) == ("127.0.0.1", "postgres", True)
    with connected(made["host"], made["port"], "a", "postgres", made["password"]) as session:
        assert session.execute("show wal_level").fetchone() == ("replica",)
    with connected(made["host"], made["port"], "a", "app", "x"):
        pass
    assert [one["name"] for one in requests.get(f"{control}/postgresql", timeout=5).json()["sources"]] == ["other"]

    def do(word: str, **more: Any) -> Any:
        answer = requests.post(f"{control}/postgresql/server", json={"source": "other", "do": word, **more}, timeout=20)
        return answer.status_code, answer.json()

    assert do("sql", statement="select 1 as one, null as none") == (200, {"rows": [{"one": "1", "none": None}]})
    for word, running in (("kill", False), ("start", True), ("stop", False), ("start", True), ("cut", None)):
        status, answer = do(word)
        assert (status, answer.get("running")) == (200, running)
    emulator.world.reset()
    assert do("configure", settings={"work_mem": "5MB"}, hba=[])[0] == 200
    until(lambda: do("sql", statement="show work_mem")[1] == {"rows": [{"work_mem": "5MB"}]})
    with pytest.raises(psycopg.OperationalError, match=r"no pg_hba\.conf entry"):
        connected(made["host"], made["port"], "a", "app", "x")
    for wrong in ({"do": "dance"}, {"do": "sql"}, {"do": "sql", "statement": "selekt"}, {"source": "none"}):
        given = {"source": "other", **wrong}
        answer = requests.post(f"{control}/postgresql/server", json=given, timeout=20)
        assert (answer.status_code, list(answer.json())) == (400, ["error"])
    for bad in ({"majr": 15}, {"major": 3}, {"accounts": [{"name": "a", "password": "b", "rights": ["fly"]}]}):
        assert requests.post(f"{control}/postgresql/source", json=bad, timeout=20).status_code == 400
    assert do("remove")[0] == 200
    assert do("start")[0] == 400

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs between real MariaDB servers, which stand in for MySQL: schema, data, changes, and what comes in between."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from apsara_emulator import DocumentError
from apsara_emulator.default_world import ACCOUNT_TWO, MYSQL_TWO
from apsara_emulator.mysql import binaries
from apsara_emulator.mysql.control import act, add_source, overview
from apsara_emulator.mysql.server import Server
from apsara_emulator.transmission import mysql_log

from .mysql_transmitting import TABLES, MysqlBench, contents, selected
from .real_transmitting import until
from .transmitting import MYSQL_ONE, ROLE, DtsBench, self_managed, whole

pytestmark = pytest.mark.skipif(bool(binaries.missing()), reason=binaries.missing() or "MariaDB is there")


@pytest.fixture
def bench() -> Iterator[MysqlBench]:
    with MysqlBench() as one:
        yield one


def test_the_story(bench: MysqlBench) -> None:
    """Writes go on all the time; afterwards both sides are equal, and a job that was stopped does nothing more."""
    with bench.writer() as writer:
        job = bench.running()
        bench.until_caught_up(job)
        writer.go_on()
        bench.pause(job, writer, lambda: contents(bench.target, "shop.orders"))
        bench.source.sql("alter table shop.orders add column colour varchar(10) default 'red'")
    assert writer.written > 100
    until(lambda: all(bench.equal(one) for one in TABLES))
    until(lambda: bench.row(job)["Delay"] == 0)
    everything_is_there_and_works(bench)
    job_that_was_stopped_does_nothing_more(bench, job)
    changes_go_the_way_back(bench)


def everything_is_there_and_works(bench: MysqlBench) -> None:
    """Also the column that came while the job ran. What has an owner belongs to the account of the target."""
    (row,) = bench.target.sql("select count(*) as n, count(colour) as coloured from shop.orders")
    assert (row["n"], row["coloured"]) == (len(contents(bench.source, "shop.orders")),) * 2
    (row,) = bench.target.sql("select shop.twice(4) as eight, count(*) > 0 as some from shop.big_orders")
    assert (row["eight"], row["some"]) == (8, 1)
    definers = bench.target.sql(
        "select definer from information_schema.triggers where trigger_schema = 'shop'"
        " union all select definer from information_schema.routines where routine_schema = 'shop'"
        " union all select definer from information_schema.views where table_schema = 'shop'"
    )
    assert [one["definer"] for one in definers] == ["migrator@%"] * 3


def job_that_was_stopped_does_nothing_more(bench: MysqlBench, job: str) -> None:
    bench.dts("StopDtsJob", DtsJobId=job)
    assert bench.row(job)["Status"] == "Finished"
    bench.source.sql("update shop.orders set note = 'too late' where id = 150")
    bench.target.sql("insert into shop.orders (id, customer) values (-5, 200)")
    assert bench.target.sql("select n from shop.log where n = -5") == [{"n": -5}]
    assert bench.note_of(150) not in (None, "too late")
    assert bench.dts_refused("StartDtsJob", DtsJobId=job) == "InvalidJobStatus 200"


def changes_go_the_way_back(bench: MysqlBench) -> None:
    """Changes only, from where the log of what was the target ends now."""
    back = {"StructureInitialization": "false", "DataInitialization": "false"}
    back |= {"SourceEndpointInstanceID": MYSQL_ONE, "SourceEndpointOwnerID": None, "SourceEndpointRole": None}
    back |= {"DestinationEndpointInstanceID": MYSQL_TWO, "DestinationEndpointOwnerID": ACCOUNT_TWO}
    job = bench.running(**back, DestinationEndpointRole=ROLE)
    bench.until_caught_up(job)
    bench.target.sql("update shop.orders set note = 'back again' where id = 150")
    until(lambda: bench.source.sql("select note from shop.orders where id = 150") == [{"note": "back again"}])
    assert bench.source.sql("select count(*) as n from shop.orders where id = -5") == [{"n": 0}]


def test_new_names_conditions_and_rows_that_are_there(bench: MysqlBench) -> None:
    """Tables under new names in a database of another name; foreign keys go along, other tables stay behind."""
    job = running_under_new_names(bench)
    change_everything_that_has_a_new_name(bench)
    changes_are_under_the_new_names(bench)
    nothing_else_is_carried_over(bench)
    bench.dts("StopDtsJob", DtsJobId=job)
    rows_of_the_target_win(bench)
    conditions_on_changes_are_refused(bench)


def running_under_new_names(bench: MysqlBench) -> str:
    bench.source.script(
        "create database `my_db%`; create table `my_db%`.`or``ders` (id int primary key, note text)", "shop"
    )
    entries = {"customers": {"name": "clients"}, "orders": {"name": "purchases"}, "log": {}}
    document = {**json.loads(selected(entries, new="store")), "my_db%": {"name": "your_db", "all": True}}
    job = bench.running(DbList=json.dumps(document))
    bench.until_caught_up(job)
    return job


def change_everything_that_has_a_new_name(bench: MysqlBench) -> None:
    """And a few things that have none. Returns when the last change has come."""
    bench.source.script(
        "update customers set name = 'changed' where id = 7; delete from customers where id = 8;"
        " insert into events values (null, 'x', 1, null); truncate table log; insert into log values ('x', 1);"
        " update log, events set log.n = 2, events.large = 2;"
        " alter table orders add column colour int default 3; create table shop.others (i int);"
        " insert into `my_db%`.`or``ders` values (1, 'one'); alter table `my_db%`.`or``ders` add n int;"
        " create table `my_db%`.more (i int); create index x on shop.orders (note(10));"
        " create view seen as select * from shop.orders;"
        " use `my_db%`; create table here (i int); insert into here values (4); flush logs;"
        " insert into here values (5)",
        "shop",
    )
    last = [{"i": 4}, {"i": 5}]
    until(lambda: "here" in tables(bench.target, "your_db") and contents(bench.target, "your_db.here") == last)


def changes_are_under_the_new_names(bench: MysqlBench) -> None:
    assert bench.equal("customers", "store.clients")
    assert bench.equal("orders", "store.purchases")
    assert contents(bench.target, "store.log") == [{"what": "x", "n": 2}]
    assert bench.target.sql("select * from your_db.`or``ders`") == [{"id": 1, "note": "one", "n": None}]
    asked = "select referenced_table_name as t from information_schema.referential_constraints"
    assert bench.target.sql(asked) == [{"t": "clients"}]
    assert bench.target.sql("select index_name from information_schema.statistics where index_name = 'x'") != []


def nothing_else_is_carried_over(bench: MysqlBench) -> None:
    """No other table or database, nothing of the job's own; the job's log says what was left out."""
    assert tables(bench.target, "store") == {"clients", "log", "purchases"}
    databases = {str(one["Database"]) for one in bench.target.sql("show databases")}
    assert {"shop", "store", "your_db"} & databases == {"store", "your_db"}
    assert not [one for one in databases if one.startswith("dts_")]
    log = [line.split("not carried over: ")[1] for line in bench.world.state.dts_jobs[0].log if "not carried" in line]
    assert [re.split(" as ", one, flags=re.IGNORECASE)[-1] for one in log] == [
        "create table shop.others (i int)",
        "select * from shop.orders;",
    ]


def rows_of_the_target_win(bench: MysqlBench) -> None:
    """In a second job that is told so; of one table only some rows are wanted."""
    bench.target.script(
        "update clients set name = 'mine', born = null where id = 1; delete from clients where id > 5", "store"
    )
    changes = {"Reserve": json.dumps({"targetTableMode": "2"}), "DataSynchronization": "false"}
    entries = {"customers": {"name": "clients"}, "orders": {"name": "few", "filter": "id <= 10"}}
    job = bench.running(DbList=selected(entries, new="store"), **changes)
    bench.until_status(job, "Finished")
    rows = bench.target.sql("select id, name from store.clients where id < 8 order by id")
    assert [rows[0], rows[-1]] == [{"id": 1, "name": "mine"}, {"id": 7, "name": "changed"}]
    assert bench.target.sql("select count(*) as n, max(id) as last from store.few") == [{"n": 9, "last": 10}]


def conditions_on_changes_are_refused(bench: MysqlBench) -> None:
    job = bench.running(DbList=selected({"orders": {"name": "fewer", "filter": "id <= 10"}}, new="store"))
    bench.until_status(job, "MigrationFailed")
    assert "conditions" in bench.row(job)["DataInitializationStatus"]["ErrorMessage"]


def tables(server: Server, database: str) -> set[str]:
    rows = server.sql("select table_name as n from information_schema.tables where table_schema = %s", database)
    return {str(one["n"]) for one in rows}


def test_failures_and_second_tries(bench: MysqlBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage that fails, a source that loses its power, and conflicts, in which the source wins."""
    monkeypatch.setattr(mysql_log, "_PATIENCE", 1)
    of_a_copy_that_fails_half_way_nothing_stays(bench)
    job = bench.at_second_try()
    assert all(bench.equal(one) for one in TABLES)
    network_hangs(bench, job)
    bench.cut_power(job, bench.source)
    source_wins_conflicts(bench, job)
    deleted_in_the_middle_of_its_work(bench, job)
    # Another one into what is there now finds the tables before anything happens.
    assert list(bench.prechecked(DataSynchronization="false")) == ["CHECK_SAME_OBJ"]


def of_a_copy_that_fails_half_way_nothing_stays(bench: MysqlBench) -> None:
    job = bench.configure(DbList=selected({"customers": {}, "orders": {}}))
    bench.start_job(job)
    bench.until_status(job, "PreCheckPass")
    bench.target.script("create database shop; create table shop.orders (other int)")
    bench.buy(job)
    bench.start_job(job)
    bench.until_status(job, "MigrationFailed")
    assert "Column count" in bench.row(job)["DataInitializationStatus"]["ErrorMessage"]
    assert contents(bench.target, "shop.customers") == []
    bench.dts("StopDtsJob", DtsJobId=job)
    bench.target.sql("drop database shop")


def network_hangs(bench: MysqlBench, job: str) -> None:
    act(bench.world, {"instance": MYSQL_TWO, "do": "freeze"})
    bench.until_status(job, "Retrying")
    act(bench.world, {"instance": MYSQL_TWO, "do": "thaw"})
    bench.until_caught_up(job)


def source_wins_conflicts(bench: MysqlBench, job: str) -> None:
    bench.target.script("insert into orders (id, note) values (-9, 'mine'); delete from orders where id = 9", "shop")
    bench.source.script(
        "insert into orders (id, note, at) values (-9, 'theirs', '2026-01-01'); delete from orders where id = 9;"
        " update orders set note = 'last' where id = 3",
        "shop",
    )
    until(lambda: bench.note_of(3) == "last")
    assert bench.equal("orders")
    until(lambda: bench.row(job)["Delay"] == 0)


def deleted_in_the_middle_of_its_work(bench: MysqlBench, job: str) -> None:
    """What it was doing is done as a whole, or not at all."""
    bench.source.sql("update shop.orders set note = 'all of them'")
    bench.dts("DeleteDtsJob", DtsJobId=job)
    bench.source.sql("update shop.orders set note = 'too late'")
    notes = bench.target.sql(
        "select count(distinct note = 'all of them') as kinds, sum(note = 'too late') as late from shop.orders"
    )
    assert (notes[0]["kinds"], int(notes[0]["late"] or 0)) == (1, 0)


def test_prechecks_ask_the_servers(bench: MysqlBench) -> None:
    assert list(bench.prechecked(SourceEndpointPassword="wrong")) == ["CHECK_LOGIN_SRC"]
    assert bench.prechecked(DbList=selected({"nothing": {}})) == {
        "CHECK_OBJECTS_SRC": "not on the source: shop.nothing"
    }
    # Accounts that were made by statements need rights by statements.
    bench.source.script("create user poor@'%' identified by 'poor'; grant select on shop.orders to poor@'%'")
    bench.target.script("create user poor@'%' identified by 'poor'; grant insert on `sh_p`.* to poor@'%'")
    ends = {"SourceEndpointUserName": "poor", "SourceEndpointPassword": "poor"}
    ends |= {"DestinationEndpointUserName": "poor", "DestinationEndpointPassword": "poor"}
    assert bench.prechecked(**ends) == {
        "CHECK_AUTH_SRC": "the account poor lacks: REPLICATION CLIENT, REPLICATION SLAVE, SHOW VIEW on shop",
        "CHECK_AUTH_DEST": "the account poor lacks: SELECT on shop, INSERT on shop, UPDATE on shop, DELETE on shop,"
        " CREATE on shop, DROP on shop, ALTER on shop, INDEX on shop",
    }
    bench.source.script("grant replication client, replication slave, show view on *.* to poor@'%'")
    bench.target.script("grant all on shop.* to poor@'%'")
    assert bench.prechecked(**ends) == {}
    bench.source.sql("set global binlog_format = 'MIXED'")
    assert bench.prechecked() == {"CHECK_CHANGE_LOG": "changes cannot be read: binlog_format is mixed"}
    assert bench.prechecked(DataSynchronization="false") == {}
    bench.source.stop()
    bench.source.settings["log-bin"] = None
    bench.source.start()
    assert bench.prechecked() == {"CHECK_CHANGE_LOG": "changes cannot be read: log_bin is off"}


def test_a_source_that_is_no_instance(bench: MysqlBench) -> None:
    """One that was started beside the service, by its address."""
    document = {
        "accounts": [{"name": "migrator", "password": "it"}],
        "databases": ["wares"],
        "statements": {"wares": "create table items (i int); insert into items values (1), (2), (2)"},
    }
    source = add_source(bench.world, document)
    selection = {"SourceEndpointPassword": "it", "DbList": whole("wares")}
    end = self_managed(source["host"], source["port"], **selection)
    assert list(bench.prechecked(**{**end, "SourceEndpointPassword": "wrong"})) == ["CHECK_LOGIN_SRC"]
    job = bench.running(**end)
    bench.until_caught_up(job)
    asked = {"source": "source", "do": "sql", "statement": "insert into wares.items values (3)"}
    act(bench.world, asked)
    until(lambda: [one["i"] for one in contents(bench.target, "wares.items")] == [1, 2, 2, 3])
    rows = act(bench.world, {"instance": MYSQL_ONE, "do": "sql", "statement": "select max(i) as m from wares.items"})
    assert rows == {"rows": [{"m": "3"}]}
    # The instance shows what its server has, and where it is.
    listed = bench.call("DescribeDatabases", DBInstanceId=MYSQL_ONE)["Databases"]["Database"]
    assert "wares" in [one["DBName"] for one in listed]
    (info,) = bench.call("DescribeDBInstanceNetInfo", DBInstanceId=MYSQL_ONE)["DBInstanceNetInfos"]["DBInstanceNetInfo"]
    assert (info["ConnectionString"], info["Port"]) == ("127.0.0.1", str(bench.target.port))
    (known,) = [one for one in overview(bench.world)["instances"] if one["instance"] == MYSQL_ONE]
    assert (known["port"], known["running"]) == (bench.target.port, True)
    act(bench.world, {"source": "source", "do": "remove"})
    act(bench.world, {"instance": MYSQL_ONE, "do": "remove"})
    assert (overview(bench.world)["sources"], bench.world.mysql.server(MYSQL_ONE)) == ([], None)
    with pytest.raises(DocumentError, match="no instance"):
        act(bench.world, {"instance": MYSQL_ONE, "do": "stop"})


def test_without_programs_jobs_are_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "found", lambda: None)
    bench = DtsBench()
    network = bench.call("DescribeDBInstanceNetInfo", DBInstanceId=MYSQL_ONE)["DBInstanceNetInfos"]["DBInstanceNetInfo"]
    assert network[0]["ConnectionString"].endswith(".aliyuncs.com")
    job = bench.running()
    assert bench.run(job, 400) == "Migrating"
    assert [one.real for one in bench.world.state.dts_jobs] == [False]
    with pytest.raises(DocumentError, match="mariadb-server"):
        add_source(bench.world, {})

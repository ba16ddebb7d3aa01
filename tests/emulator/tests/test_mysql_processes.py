# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MariaDB servers as processes: what starts them, as whom they run, how they are reached, and that none is left."""

from __future__ import annotations

import json
import os
import pwd
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from apsara_emulator.default_world import MYSQL_TWO
from apsara_emulator.mysql import binaries, server
from apsara_emulator.mysql.__main__ import main
from apsara_emulator.mysql.sql import session
from apsara_emulator.servers.errors import ServerError

from .cloud_bench import until
from .test_postgresql_processes import emulator, is_gone, owner

pytestmark = pytest.mark.skipif(bool(binaries.missing()), reason=binaries.missing() or "MariaDB is there")

DOCUMENT = {
    "name": "shop",
    "settings": {"binlog_row_image": "MINIMAL"},
    "accounts": [{"name": "migrator", "password": "a:b'c"}],
    "databases": ["wares"],
    "statements": {"wares": "create table items (i int); insert into items values (1)"},
}


def test_servers_of_an_emulator_that_is_killed() -> None:
    with emulator() as (process, ready):
        url = f"{ready['control']}/mysql"
        made = requests.post(f"{url}/source", json=DOCUMENT, timeout=30).json()
        login = {"host": made["host"], "port": made["port"], "user": "migrator", "password": "a:b'c"}
        with session(**login, database="wares") as one:
            assert one.value("select count(*) from items") == 1
            assert one.value("select @@binlog_row_image") == "MINIMAL"
            # The rights of a migration, and no more.
            assert one.rows("show master status")
            with pytest.raises(ServerError, match="denied"):
                one.run("insert into items values (2)")
        expected = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
        assert owner(made["process"]) == expected
        instance = {"instance": MYSQL_TWO}
        refused = requests.post(f"{url}/server", json={**instance, "do": "sql", "statement": "select 1"}, timeout=30)
        assert (refused.status_code, MYSQL_TWO in refused.json()["error"]) == (400, True)
        started = requests.post(f"{url}/server", json={**instance, "do": "start"}, timeout=30).json()
        asked = {
            **instance,
            "do": "sql",
            "statement": "select schema_name as n, x'ff' as b from information_schema.schemata",
        }
        rows = requests.post(f"{url}/server", json=asked, timeout=30).json()["rows"]
        assert {"n": "orders", "b": "\\xff"} in rows
        known = requests.get(url, timeout=30).json()
        assert [one["port"] for one in known["instances"]] == [started["port"]]
        assert known["sources"] == [made]
        for word, is_running in (("kill", False), ("start", True), ("stop", False)):
            requests.post(f"{url}/server", json={"source": "shop", "do": word}, timeout=30)
            assert requests.get(url, timeout=30).json()["sources"][0]["running"] is is_running
        process.send_signal(signal.SIGKILL)
        process.wait()
    until(lambda: is_gone(Path(made["log"]).parent.parent))


def test_the_command() -> None:
    command = [sys.executable, "-m", "apsara_emulator.mysql", "source", "--document", "-", "--password", "secret"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(DOCUMENT))
        process.stdin.close()
        ready = json.loads(process.stdout.readline())
        with session(host=ready["host"], port=ready["port"], user=ready["administrator"], password="secret") as one:
            assert one.value("select @@version").startswith(ready["version"])
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    until(lambda: is_gone(Path(ready["log"]).parent.parent))


def test_a_server_that_cannot_start_says_why_and_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    folders = set(server.home().folder.iterdir())
    with pytest.raises(ServerError, match="no-such-option"), server.running("x", {"no_such_option": "1"}):
        pytest.fail("it runs")
    left: Any = {one for one in set(server.home().folder.iterdir()) - folders if one.is_dir()}
    programs = binaries.found()
    assert programs is not None
    assert {one.name for one in left} <= {f"mariadb-{programs.version}"}
    assert main(["source", "--set", "no_such_option=1"]) == 2
    assert main(["source", "--engine", "Oracle"]) == 2
    assert main(["source", "--account", "without-password"]) == 2
    said = capsys.readouterr().err
    assert "no-such-option" in said
    assert "'Oracle' is none of" in said
    assert "NAME:VALUE" in said


def test_what_there_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["programs"]) == 0
    assert json.loads(capsys.readouterr().out)["programs"]["mariadbd"].endswith("mariadbd")
    monkeypatch.setattr(binaries, "found", lambda: None)
    assert main(["programs"]) == 1
    assert "mariadb-server" in capsys.readouterr().err

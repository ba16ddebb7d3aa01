# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Progress through ansible-playbook: on a terminal, in a pipe, on the emulator, interrupted, and under stress."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import BUCKET
from ansible_collections.apsaradb.migration.tests.unit.progress_stage import COLLECTIONS, PLAYBOOK, Plays
from ansible_collections.apsaradb.migration.tests.unit.stage import SOURCE, TARGET
from ansible_collections.apsaradb.migration.tests.unit.upload_stage import backup

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(PLAYBOOK is None, reason="ansible-playbook is missing"),
]
EMULATOR = pathlib.Path(__file__).resolve().parents[1] / "emulator"
BAR = "\u2501"


@pytest.fixture
def plays(tmp_path):
    with contextlib.closing(Plays(tmp_path)) as plays:
        yield plays


@pytest.fixture(scope="module")
def emulator():
    command = [sys.executable, "-m", "apsara_emulator", "--host", "127.0.0.1", "--port", "0", "--speed", "30"]
    environment = {**os.environ, "PYTHONPATH": str(EMULATOR)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True) as process:
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def task(emulator, module, **options):
    account = emulator["accounts"][0]
    keys = {name: account[name] for name in ("access_key_id", "access_key_secret")}
    ends = {"rds_endpoint": emulator["rds"], "oss_endpoint": emulator["oss"], "region": "cn-hangzhou"}
    names = (
        ("rds_endpoint", "region") if module.startswith("rds_import") else ("rds_endpoint", "oss_endpoint", "region")
    )
    return {f"apsaradb.migration.{module}": {**keys, **{name: ends[name] for name in names}, **options}}


def batch(emulator, folder):
    for name in ("crm", "sales", "wiki"):
        backup(folder, f"{name}_FULL.bak", name, data_bytes=3_000_000)
    return task(
        emulator,
        "oss_backup_upload",
        path=str(folder),
        bucket=BUCKET,
        prefix=folder.parent.name,
        bandwidth_limit=2_500_000,
        part_size=102400,
        threads=2,
    )


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "night"
    folder.mkdir()
    return folder


def test_lines_without_a_terminal(plays, emulator, files):
    """An upload, then an import: what is in the log of a CI."""
    wish = {"source_instance_id": SOURCE, "instance_id": TARGET, "databases": {"sales": "sales_2026"}}
    importing = task(emulator, "rds_import_between_instances", **wish, poll_interval=0.3, method="import")
    command = plays.command([batch(emulator, files), importing], hosts=["rm-night"])
    seen = plays.in_a_pipe(command, APSARADB_PROGRESS_INTERVAL="1")
    assert seen.code == 0, seen.text
    told = re.findall(r"^\d\d:\d\d:\d\d progress: (.*)$", seen.text, re.MULTILINE)
    upload = [line for line in told if line.startswith("rm-night oss_backup_upload: ")]
    assert any(
        re.search(r"all together: \d+ % \(\d.* MB of \d.* MB\), \d.* MB/s, 0:00:0\d left$", line) for line in upload
    )
    assert any(f"{files.parent.name}/crm_FULL.bak: 100 %" in line and line.endswith("done") for line in upload), upload
    waits = [line for line in told if line.startswith(f"rm-night rds_import_between_instances: {TARGET}: ")]
    assert "0 of 1 databases, waiting 0:00:00 of " in waits[0]
    assert re.search(r"1 of 1 databases, done after 0:00:\d\d$", waits[-1]), waits
    assert BAR not in seen.text
    assert emulator["accounts"][0]["access_key_secret"] not in seen.text
    # They came while the task ran.
    assert seen.text.index("progress: rm-night oss_backup_upload") < seen.text.index("changed: [rm-night]")
    assert seen.left == []


def test_lines_to_standard_error_leave_standard_output_alone(plays):
    command = plays.command([{"tell": {"seconds": 1, "files": 2}}])
    environment = plays.environment(APSARADB_PROGRESS_STREAM="stderr")
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=True)
    assert "progress:" not in done.stdout
    assert "progress: localhost tell: crm: stage 0" in done.stderr


def test_bars_on_a_terminal(plays, emulator, files):
    seen = plays.in_a_terminal(plays.command([batch(emulator, files)], hosts=["rm-night"]))
    assert seen.code == 0, seen.text
    several = [shot for shot in seen.shots if "crm_FULL.bak" in shot and "all together" in shot]
    assert several, seen.shots[-3:]
    assert re.search(r"^rm-night oss_backup_upload$", several[-1], re.MULTILINE)
    assert re.search(rf"all together +{BAR}+.* \d+ % .* MB/s, 0:00:0\d left", several[-1])
    assert BAR not in seen.text
    assert "rm-night oss_backup_upload" not in seen.text
    assert "changed: [rm-night]" in seen.text
    assert seen.left == []


# In a process of its own: where Ansible's plugins are imported, modules read their parameters in another way.
MAY_DRAW = """
import json, os, pty, sys
from ansible_collections.apsaradb.migration.plugins.callback import progress
terminal, usual = open(pty.openpty()[1], "w"), dict(os.environ)
found = []
for mode, display, changes in json.loads(sys.argv[1]):
    os.environ.clear()
    os.environ.update({key: value for key, value in {**usual, **changes}.items() if value is not None})
    progress.C.DEFAULT_STDOUT_CALLBACK = display
    for sys.stdout in (terminal, open(os.devnull, "w")):
        found.append(progress._may_draw(mode))
sys.stdout = sys.__stdout__
print(json.dumps(found))
"""
VISIBLE = {"CI": None, "TERM": "xterm"}
HINTS = [
    ("auto", "default", VISIBLE, True),
    ("auto", "default", {**VISIBLE, "CI": "true"}, False),
    ("auto", "default", {**VISIBLE, "TERM": "dumb"}, False),
    ("auto", "default", {**VISIBLE, "TERM": None}, False),
    ("auto", "awx_display", VISIBLE, False),
    ("bars", "awx_display", {"CI": "true", "TERM": "dumb"}, True),
    ("lines", "default", VISIBLE, False),
]


def test_what_hints_at_nobody_who_can_see_bars(plays):
    cases = json.dumps([hint[:3] for hint in HINTS])
    path = os.pathsep.join([str(COLLECTIONS), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", MAY_DRAW, cases]
    done = subprocess.run(command, capture_output=True, text=True, env=plays.environment(PYTHONPATH=path), check=True)
    # Where there is no terminal there are no bars, whatever is wished.
    assert json.loads(done.stdout) == [answer for hint in HINTS for answer in (hint[3], False)]


def test_no_bars_where_nobody_can_see_them(plays):
    seen = plays.in_a_terminal(plays.command([{"tell": {"seconds": 1, "files": 2}}]), CI="true")
    assert seen.shots == []
    assert "progress: localhost tell: crm: stage 0" in seen.text


def test_lines_without_rich(plays, tmp_path):
    (tmp_path / "none" / "rich").mkdir(parents=True)
    (tmp_path / "none" / "rich" / "__init__.py").write_text("raise ImportError('not installed')")
    path = os.pathsep.join([str(tmp_path / "none"), os.environ.get("PYTHONPATH", "")])
    seen = plays.in_a_terminal(plays.command([{"tell": {"seconds": 1, "files": 2}}]), PYTHONPATH=path)
    assert seen.code == 0
    assert seen.shots == []
    assert "progress: localhost tell: crm: stage 0" in seen.text


def test_modules_are_told_of_nobody_who_is_not_there(plays):
    command = plays.command(
        [{"tell": {"seconds": 0.2, "files": 1}, "register": "told"}, {"debug": {"var": "told.heard"}}]
    )
    seen = plays.in_a_pipe(command, ANSIBLE_CALLBACKS_ENABLED=None)
    assert '"told.heard": false' in seen.text
    assert "progress" not in seen.text


@pytest.mark.parametrize("terminal", [True, False])
def test_interrupted(plays, terminal):
    command = plays.command([{"tell": {"seconds": 60, "files": 2}}])
    if terminal:
        seen = plays.in_a_terminal(command, limit=60, interrupt_at="file1.bak")
        assert seen.shots
    else:
        seen = plays.in_a_terminal(command, limit=60, interrupt_at="file1.bak", APSARADB_PROGRESS_MODE="lines")
        assert seen.shots == []
    assert seen.code != 0
    assert BAR not in seen.text
    assert seen.left == []


def test_tasks_out_of_reach_are_spoken_of_once(plays, emulator, files):
    upload = {**batch(emulator, files), "become": True, "become_method": "sudo", "ignore_errors": True}
    # One that starts is enough; that it begins is told of the others too.
    tasks = [{**upload, "when": "inventory_hostname == 'one'"}, {**upload, "when": False}]
    seen = plays.in_a_pipe(plays.command(tasks, hosts=["one", "two"]), ANSIBLE_BECOME_EXE="/bin/false")
    text = re.sub(r"\s+", " ", seen.text)
    said = "The progress of apsaradb.migration.oss_backup_upload on one is not shown: become with sudo does not pass"
    assert text.count("is not shown") == 1
    assert said in text


def stress(plays, count, lines):
    """Hosts that never wait for each other, many lines of each, and bars all the time."""
    says = {"debug": {"msg": "line {{ item }} of {{ inventory_hostname }} end"}}
    hosts = [f"host{number:02}" for number in range(count)]
    tasks = [
        {"tell": {"seconds": 2, "files": 4}},
        {**says, "loop": f"{{{{ range({lines // 2}) | list }}}}"},
        {"tell": {"seconds": 0.5, "files": 2}},
        {**says, "loop": f"{{{{ range({lines // 2}, {lines}) | list }}}}"},
    ]
    # A deadlock is what this looks for: a play takes half a minute.
    seen = plays.in_a_terminal(plays.command(tasks, hosts, strategy="free"), limit=240, columns=100)
    assert seen.code == 0, seen.text[-2000:]
    said = collections.Counter(re.findall(r'^    "msg": "line (\d+) of (host\d\d) end"$', seen.text, re.MULTILINE))
    assert len(said) == count * lines
    assert set(said.values()) == {1}
    assert len(re.findall(r"^ok: \[host\d\d\]", seen.text, re.MULTILINE)) == count * (lines + 2)
    assert BAR not in seen.text
    assert seen.raw.count(b"\x1b[J") > 20
    # Which hosts are seen depends on how busy the machine is; that several are seen at once does not.
    assert max(len(set(re.findall(f"^(host..) .*{BAR}", shot, re.MULTILINE))) for shot in seen.shots) > 1
    assert seen.left == []


def test_stress(plays):
    stress(plays, 3, 60)


@pytest.mark.soak
@pytest.mark.parametrize("repetition", range(10))
def test_stress_for_long(plays, repetition):
    stress(plays, 12, 120)

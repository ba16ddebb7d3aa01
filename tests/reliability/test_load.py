# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two controllers at once, and many instances at once under a limit of requests."""

from __future__ import annotations

import copy
import datetime
import json
import re
import statistics
import subprocess
import time
from collections import Counter

import pytest
from ansible_collections.apsaradb.migration.tests.reliability import playbook_stage as playbooks
from ansible_collections.apsaradb.migration.tests.unit.stage import SOURCE, TARGET
from apsara_emulator.default_world import default_document

TITLE = "load"
pytestmark = playbooks.NEEDED
REQUESTS_PER_SECOND = 20


def both(path, options, folder):
    """Two controllers, each with a home of its own, that begin at the same moment: how each ended."""
    processes = []
    for name in ("one", "two"):
        home = folder / name
        home.mkdir()
        command, environment = playbooks.command_of(path, options, home)
        processes.append(
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        )
    return [(process.communicate(timeout=playbooks.LONGEST)[0], process.returncode) for process in processes]


def try_two(path_name, figures, folder):
    """What the service can refuse is refused. That it might sell a second instance for a job is nobody's to stop."""
    path = playbooks.PATHS[path_name]
    with playbooks.emulator_process("--variants", "second_purchase=InvalidJobStatus 200") as emulator:
        control = playbooks.Control(emulator)
        options = playbooks.wish_of(path, control, folder)
        ends = both(path, options, folder)
        failures = [playbooks.told_in(output).get("error") or output for output, code in ends if code]
        assert all(isinstance(failure, dict) and failure["remedy"] for failure in failures), failures
        effects = control.effects()
        once = {action: effects[action] for action in playbooks.harmful(path)} == playbooks.harmful(path)
        again, told, _seconds = playbooks.play(path, options, folder)
        assert control.effects() == effects
    if path_name == "dts" and not once:
        # The service makes a second job of the same name without a word. Then a person has to choose, and is told.
        assert told.get("error", {}).get("code") == "several_jobs", (effects, told.get("msg") or again.stdout)
    else:
        assert again.returncode == 0, told.get("msg") or again.stdout
    if path_name == "backup" and not once:
        # It may take a second task as well, and refuse it later; the database comes over once.
        assert [failure["code"] for failure in failures] == ["another_task"]
    else:
        assert once or path_name == "dts", effects
    figures(
        TITLE,
        [
            f"two controllers, {path_name}: {len(ends) - len(failures)} ended well, failures"
            f" {[failure['code'] for failure in failures] or 'none'}, effects {'once' if once else 'twice, and told'}"
        ],
    )


def fleet(count):
    """A world of `count` targets, each with a source of its own, and their inventory."""
    world, hosts = {"instances": {}}, {}
    known = default_document()["instances"]
    for number in range(count):
        source, target = f"rm-bp1fleetsource{number:04d}", f"rm-bp1fleettarget{number:04d}"
        world["instances"][source] = copy.deepcopy(known[SOURCE])
        world["instances"][target] = copy.deepcopy(known[TARGET])
        hosts[target] = {"source": source}
    return world, hosts


def play(emulator, hosts, forks, folder, arguments):
    """A playbook for hosts whose instances are in the emulator."""
    keys = emulator["accounts"][0]
    inventory = folder / "inventory.json"
    shared = {name: keys[name] for name in ("access_key_id", "access_key_secret")}
    shared |= {"rds_endpoint": emulator["rds"], "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": shared}}))
    command = [playbooks.PLAYBOOK, "-i", str(inventory), f"--forks={forks}", *arguments]
    return subprocess.run(
        command, env=playbooks.environment_of(folder), capture_output=True, text=True, check=False, cwd=folder
    )


def recap_of(done):
    """(changed, failed) of each host."""
    row = r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=0\s+failed=(\d+)"
    return {host: (int(changed), int(failed)) for host, changed, failed in re.findall(row, done.stdout, re.MULTILINE)}


def try_fleet(count, forks, figures, folder, arguments):
    world, hosts = fleet(count)
    limit = ["--requests-per-second", str(REQUESTS_PER_SECOND)]
    with playbooks.emulator_process(*limit) as emulator:
        control = playbooks.Control(emulator)
        control.post("world", world)
        began = time.monotonic()
        done = play(emulator, hosts, forks, folder, arguments)
        seconds = time.monotonic() - began
        calls = control.calls()
    assert done.returncode == 0, done.stdout[-4000:]
    assert recap_of(done) == dict.fromkeys(hosts, (1, 0))
    begun = Counter(call["parameters"]["DBInstanceId"] for call in calls if call["took_effect"])
    assert begun == dict.fromkeys(hosts, 1)
    throttled = sum(call["code"].startswith("Throttling") for call in calls)
    spans = spans_of(calls, hosts)
    figures(
        TITLE,
        [
            f"{count} instances, {forks} forks, {REQUESTS_PER_SECOND} requests per second: {len(calls)} calls in"
            f" {seconds:.0f} s, {throttled} refused as too many and sent again, 0 failures, {count} imports",
            f"seconds of an instance from its first to its last call: median {statistics.median(spans):.1f}, longest"
            f" {max(spans):.1f}",
        ],
    )


def as_seconds(time_stamp):
    return datetime.datetime.fromisoformat(time_stamp.replace("Z", "+00:00")).timestamp()


def spans_of(calls, hosts):
    moments = {}
    for call in calls:
        if call["parameters"].get("DBInstanceId") in hosts:
            moments.setdefault(call["parameters"]["DBInstanceId"], []).append(as_seconds(call["time"]))
    return [max(times) - min(times) for times in moments.values()]


@pytest.mark.parametrize("path", ["import"])
def test_two_controllers(path, figures, tmp_path):
    try_two(path, figures, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("path", list(playbooks.PATHS) * 3)
def test_two_controllers_again(path, figures, tmp_path):
    try_two(path, figures, tmp_path)


def task_for_all(folder):
    """One task for all hosts, without the roles around it."""
    options = {
        "source_instance_id": "{{ source }}",
        "instance_id": "{{ inventory_hostname }}",
        "databases": ["crm"],
        "access_key_id": "{{ access_key_id }}",
        "access_key_secret": "{{ access_key_secret }}",
        "rds_endpoint": "{{ rds_endpoint }}",
        "poll_interval": 2,
    }
    tasks = [{"apsaradb.migration.rds_import_between_instances": options}]
    play = {"hosts": "all", "connection": "local", "gather_facts": False, "tasks": tasks}
    file = folder / "fleet.json"
    file.write_text(json.dumps([play]))
    return [str(file)]


def test_many_instances_share_the_limit(figures, tmp_path):
    try_fleet(20, 10, figures, tmp_path, task_for_all(tmp_path))


@pytest.mark.soak
def test_two_hundred_instances_share_the_limit(figures, tmp_path):
    try_fleet(200, 20, figures, tmp_path, task_for_all(tmp_path))


def fleet_playbook(**more):
    """Arguments of the playbook for fleets, with the whole role of an import."""
    variables = {
        "fleet_path": "instance_import",
        "instance_import_source_instance_id": "{{ source }}",
        "instance_import_databases": ["crm"],
        "instance_import_access_key_id": "{{ access_key_id }}",
        "instance_import_access_key_secret": "{{ access_key_secret }}",
        "instance_import_rds_endpoint": "{{ rds_endpoint }}",
        "instance_import_poll_interval": 2,
        **more,
    }
    return ["apsaradb.migration.fleet", "-e", json.dumps(variables)]


@pytest.mark.soak
def test_the_playbook_for_fleets(figures, tmp_path):
    """The whole role for two hundred instances, in batches."""
    try_fleet(200, 20, figures, tmp_path, fleet_playbook(fleet_serial=100))


def test_a_fleet_with_an_instance_that_fails(tmp_path):
    """It stops nobody half-way, and no batch begins behind it; when it is corrected, the same command goes on."""
    world, hosts = fleet(3)
    bad, good, later = sorted(hosts)
    as_wished = {bad: {"source": "rm-bp1nothere0000000"}}
    arguments = fleet_playbook(fleet_serial=2)
    with playbooks.emulator_process() as emulator:
        control = playbooks.Control(emulator)
        control.post("world", world)

        def seen(since=0):
            """(imports by instance, instances that were looked at)."""
            told = [(call["parameters"].get("DBInstanceId"), call["took_effect"]) for call in control.calls()[since:]]
            return Counter(instance for instance, effect in told if effect), {instance for instance, _effect in told}

        rehearsed = play(emulator, hosts | as_wished, 3, tmp_path, [*arguments, "--check"])
        assert recap_of(rehearsed) == {bad: (0, 1), good: (1, 0), later: (1, 0)}, rehearsed.stdout
        imports, looked_at = seen()
        assert (imports, looked_at & {*hosts}) == ({}, {*hosts})
        before = len(control.calls())
        done = play(emulator, hosts | as_wished, 3, tmp_path, arguments)
        assert recap_of(done) == {bad: (0, 1), good: (1, 0)}, done.stdout
        imports, looked_at = seen(before)
        assert (imports, later in looked_at) == ({good: 1}, False)
        assert f"databases are running on {good}" in done.stdout
        corrected = play(emulator, hosts, 3, tmp_path, arguments)
        assert recap_of(corrected) == {bad: (1, 0), good: (0, 0), later: (1, 0)}, corrected.stdout
        assert seen()[0] == dict.fromkeys(hosts, 1)

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules run in process, on the emulator."""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import pathlib

import hypothesis
import pytest
from ansible.module_utils import basic
from ansible_collections.apsaradb.migration.plugins.module_utils import _module
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.services import Services
from ansible_collections.apsaradb.migration.tests.unit.stage import CREDENTIALS, End, Stage, arguments

# How long an example takes says something about the machine, not about the code.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("untimed")

# What runs on the controller. Once it is imported, Ansible reads a module's parameters in another way than in a module.
_NOT_FOR_MODULES = ("action", "callback", "doc_fragments", "plugin_utils")

# Of tests with more parameters than this, ansible-test runs this many. Cores differ in how they call modules, not in
# what these decide.
SAMPLE = 1


def pytest_configure(config):
    config.addinivalue_line("markers", "soak: runs long; make soak runs it, make test does not")
    config.addinivalue_line("markers", "processes: real servers or killed processes, not under ansible-test")
    config.addinivalue_line("markers", "worlds: many random worlds, not under ansible-test")


def pytest_collection_modifyitems(config, items):
    """Choose what runs where nobody chose: nothing that runs long, and under ansible-test a sample.

    ansible-test passes no -m of ours and runs each test in a fork of its own, on every ansible-core. What real servers
    do, and what many worlds add, does not depend on that, nor does what no module is run for: of that, one test of a
    file shows that it can be imported and works. The session "units" of noxfile.py runs all of them in one go.
    """
    if config.getoption("-m"):
        return
    forked = config.pluginmanager.hasplugin("ansible_forked")
    unwanted = ["soak", "processes", "worlds"] if forked else ["soak"]
    left_out = {item for item in items for name in unwanted if item.get_closest_marker(name)}
    if forked:
        left_out |= set(_beyond_a_sample(item for item in items if item not in left_out))
        left_out |= set(_beyond_the_first([i for i in items if i not in left_out and "run" not in i.fixturenames]))
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]


def pytest_terminal_summary(terminalreporter):
    """Say in how many worlds rehearsals came true, and where they did not."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.stats.get(kind, [])]
    tried = [(r, n) for r in reports for name, n in getattr(r, "user_properties", ()) if name == "worlds tried"]
    if not tried:
        return
    terminalreporter.section("rehearsals compared with runs")
    for report, worlds in sorted(tried, key=lambda pair: pair[0].nodeid):
        found = "a counter-example" if report.failed else "no counter-example"
        terminalreporter.line(f"{report.nodeid.rpartition('::')[2]}: {worlds} worlds, {found}")
    failed = sum(report.failed for report, _worlds in tried)
    terminalreporter.line(
        f"together: {sum(n for _report, n in tried)} worlds, {failed} properties with a counter-example"
    )


def _beyond_a_sample(items):
    families = {}
    for item in items:
        families.setdefault(item.nodeid.partition("[")[0], []).append(item)
    for family in families.values():
        # Evenly spread, the first included.
        chosen = {number * len(family) // SAMPLE for number in range(SAMPLE)}
        yield from (item for number, item in enumerate(family) if len(family) > SAMPLE and number not in chosen)


def _beyond_the_first(items):
    files = set()
    for item in items:
        if item.path in files:
            yield item
        files.add(item.path)


def pytest_collection_finish(session):
    """Import what tests would import: ansible-test runs each in a fork of this process, without compiled files.

    Without this, most of the time of a test is spent on reading the same source once more. Elsewhere it would only make
    the start of each process longer.
    """
    if not session.config.pluginmanager.hasplugin("ansible_forked"):
        return
    for name in _ours():
        importlib.import_module(name)
    for name in ("oss2", "psycopg", "pymssql", "pymysql", "sqlglot", "alibabacloud_credentials.client"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    Stage()
    gc.collect()
    gc.freeze()


def _ours():
    collection = pathlib.Path(__file__).resolve().parents[2]
    for path in sorted((collection / "plugins").rglob("*.py")):
        if path.parent.name not in _NOT_FOR_MODULES:
            yield ".".join(
                ("ansible_collections.apsaradb.migration", *path.relative_to(collection).with_suffix("").parts)
            )


@pytest.fixture
def stage():
    return Stage()


@pytest.fixture
def run(monkeypatch):
    """run(stage, "module", check=…, **options) → the module's result; `failed` says which way it ended."""

    def exit_json(module, **result):
        raise End({**result, "failed": False})

    def fail_json(module, msg, **result):
        raise End({**result, "msg": msg, "failed": True})

    monkeypatch.setattr(basic.AnsibleModule, "exit_json", exit_json)
    monkeypatch.setattr(basic.AnsibleModule, "fail_json", fail_json)
    for name in ("ALIBABA_CLOUD_REGION", "ALICLOUD_REGION", "APSARADB_RDS_ENDPOINT", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)

    def run_module(stage, name, /, *, check=False, **options):
        module = importlib.import_module(f"ansible_collections.apsaradb.migration.plugins.modules.{name}")
        made = functools.partial(Services, clock=stage.clock, session=stage.session, environment={"HOME": "/none"})
        monkeypatch.setattr(_module, "Services", made)
        parameters = {**CREDENTIALS, "_ansible_check_mode": check, **options}
        with arguments(parameters), pytest.raises(End) as end:
            module.main()
        return end.value.result

    return run_module

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules that meet answers which somebody changed on the way: each module, a wish that makes it read much, and a
transport that hands each answer of the emulator to whoever changes it."""

from __future__ import annotations

import functools
import importlib
import io
import json
import resource
import time

import pytest
import requests
from ansible.module_utils import basic
from ansible_collections.apsaradb.migration.plugins.module_utils import _module
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.services import Services
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.backup_migration import BackupMigration
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import ENDPOINTS, WISH, BackupStage, full
from ansible_collections.apsaradb.migration.tests.unit.cloud_stage import TARGET as CLOUD_TARGET
from ansible_collections.apsaradb.migration.tests.unit.cloud_stage import CloudStage
from ansible_collections.apsaradb.migration.tests.unit.dts_stage import (
    ENDPOINTS as DTS_ENDPOINTS,
)
from ansible_collections.apsaradb.migration.tests.unit.dts_stage import (
    KEY_ONE,
    KEY_TWO,
    ROLE,
    DtsStage,
    MigrationStage,
)
from ansible_collections.apsaradb.migration.tests.unit.stage import CREDENTIALS, SOURCE, TARGET, End, Stage, arguments
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

MODULES = "ansible_collections.apsaradb.migration.plugins.modules."
# What a module may take beyond what it has, whatever is sent to it.
MOST_SECONDS, MOST_MEMORY = 30.0, 400 * 2**20
# What is mad need not be waited for long.
PATIENCE = {"wait_timeout": 120, "poll_interval": 20}


class Changed(BaseAdapter):
    """Hands on requests, and gives the answer to `change(number, request, status, headers, body)`, which gives back
    (status, headers, body). requests: those that passed."""

    def __init__(self, inner):
        super().__init__()
        self._inner = inner
        self.change = lambda _number, _request, *answer: answer
        self.requests = []
        self.bodies = []

    def send(self, request, **how):
        number = len(self.requests)
        self.requests.append(request)
        answer = self._inner.send(request, **how)
        body = answer.raw.read() if how.get("stream") else answer.content
        self.bodies.append(body)
        status, headers, body = self.change(number, request, answer.status_code, dict(answer.headers), body)
        return response(request, status, headers, body)

    def close(self):
        """Nothing to close."""


def response(request, status, headers, body):
    """An answer whose body may be bytes or something to read from."""
    import io

    stream = io.BytesIO(body) if isinstance(body, bytes) else body
    headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    made = requests.Response()
    made.status_code, made.url, made.request = status, request.url or "", request
    made.headers.update(headers)
    made.raw = HTTPResponse(body=stream, headers=headers, status=status, preload_content=False)
    return made


def _imports():
    return Stage(), {"source_instance_id": SOURCE, "instance_id": TARGET, "databases": ["sales", "crm"], **PATIENCE}


def _history():
    stage = Stage()
    stage.world.merge({"instances": {TARGET: {"databases": {"old": {}}}}})
    return stage, {"instance_id": TARGET, **ENDPOINTS}


def _backups():
    stage = BackupStage()
    stage.put("sales_FULL.bak")
    stage.put("crm_FULL.bak", full("crm"))
    return stage, {**WISH, **PATIENCE}


def _bucket():
    return BackupStage(), {**ENDPOINTS, "name": WISH["bucket"], "instance_id": TARGET}


def _cloud():
    stage = CloudStage()
    stage.BREATH = 0
    stage.add_assessment()
    stage.add_migration()
    return stage, stage.wish("switched", confirm=CLOUD_TARGET, **PATIENCE)


def _dts():
    stage = MigrationStage()
    return stage, stage.wish("prechecked", **PATIENCE)


def _role():
    stage = DtsStage()
    return stage, {"name": ROLE, "destination_credentials": KEY_TWO, **DTS_ENDPOINTS, **KEY_ONE}


def _cancel():
    return Stage(), {"instance_id": TARGET, "import_id": "1"}


# Of every module that asks the service: a stage and a wish.
SCENES = {
    "rds_instance_info": lambda: (Stage(), {"instance_id": SOURCE}),
    "rds_migration_info": _history,
    "rds_import_between_instances": _imports,
    "rds_cancel_import": _cancel,
    "rds_oss_backup_migrate": _backups,
    "oss_bucket": _bucket,
    "rds_cloud_migration": _cloud,
    "dts_migration": _dts,
    "ram_dts_role": _role,
}


class Endless(io.RawIOBase):
    """A body that is the same byte for ever. given: how much of it was read."""

    def __init__(self, byte):
        super().__init__()
        self.byte, self.given = byte, 0

    def readable(self):
        return True

    def readinto(self, buffer):
        self.given += len(buffer)
        buffer[:] = self.byte * len(buffer)
        return len(buffer)


def adapters(stage):
    """Puts a Changed around every adapter of a stage; one counter for all of them would hide which is which."""
    made = []
    for prefix, inner in list(stage.session.adapters.items()):
        if prefix.startswith("http://"):
            around = inner if isinstance(inner, Changed) else Changed(inner)
            stage.session.adapters[prefix] = around
            made.append(around)
    return made


def run_module(stage, name, /, *, check=False, **options):
    """The result; `failed` says which way it ended. Any other end than the module's own is raised: a traceback."""
    made = functools.partial(Services, clock=stage.clock, session=stage.session, environment={"HOME": "/none"})
    given = {**CREDENTIALS, "_ansible_check_mode": check, **options}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_module, "Services", made)
        # No real servers: they take seconds.
        for fleet in (stage.world.postgresql, stage.world.mysql):
            patch.setattr(fleet, "is_possible", lambda _instance: False)
        patch.setattr(_module.gc, "freeze", lambda: None)
        # Waits of threads are real; one at a time is the same story each time.
        patch.setitem(BackupMigration.__init__.__kwdefaults__, "workers", 1)
        return run_local_module(name, **given)


def run_local_module(name, /, **options):
    """The same for modules that ask no service."""
    module = importlib.import_module(MODULES + name)
    with pytest.MonkeyPatch.context() as patch, arguments(options):
        patch.setattr(basic.AnsibleModule, "_log_invocation", lambda _module: None)
        patch.setattr(basic.AnsibleModule, "exit_json", _exit)
        patch.setattr(basic.AnsibleModule, "fail_json", _fail)
        try:
            module.main()
        except End as end:
            return end.result
    raise AssertionError("the module did not end")


def _exit(_module, **result):
    raise End({**result, "failed": False})


def _fail(_module, msg, **result):
    raise End({**result, "msg": msg, "failed": True})


def assert_clear(result):
    """A success, or a failure that says what it was; and a result that Ansible can hand on."""
    if result["failed"]:
        assert result["msg"].strip()
        assert "Traceback" not in result["msg"]
        assert len(result["msg"]) < 200_000
        if "error" in result:
            assert result["error"]["code"], result["msg"]
    # Ansible sends UTF-8 that a parser of JSON takes: no half of a surrogate pair, no NaN. What it says itself of a
    # wrong option quotes the option.
    own_words = result["failed"] and "error" not in result
    lenient = "surrogatepass" if own_words else "surrogateescape"
    json.dumps(result, ensure_ascii=False, allow_nan=False, default=_plain).encode("utf-8", lenient)


def _plain(value):
    if isinstance(value, (bytes, set)) or callable(value):
        raise TypeError(value)
    return str(value)


class Bounded:
    """Asserts that what runs within takes neither too long nor too much memory. seconds: of the processor."""

    def __init__(self, seconds=MOST_SECONDS, memory=MOST_MEMORY):
        self._seconds, self._memory = seconds, memory

    def __enter__(self):
        self._peak, self._began = _peak_memory(), time.process_time()
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            assert time.process_time() - self._began < self._seconds
            assert _peak_memory() - self._peak < self._memory


def _peak_memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def places(document, path=()):
    """The path of every value within a document of JSON, the document itself included."""
    yield path
    children = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in children:
        yield from places(value, (*path, key))


def replaced(document, path, value):
    """The document with another value at a path."""
    if not path:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[path[0]] = replaced(copy[path[0]], path[1:], value)
    return copy

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stage for tests: an emulator in process, whose clock is moved by the sleeps of whoever is tested."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import sys

import requests
from ansible.module_utils import basic
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.services import Services
from ansible_collections.apsaradb.migration.plugins.module_utils._waiting import Clock

# The emulator lives beside these tests; its core needs nothing but Python.
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "emulator"))

from apsara_emulator import Gateway, ManualClock, World
from apsara_emulator.oss.storage import BlobStore
from apsara_emulator.postgresql.home import FOLDER_VARIABLE
from apsara_emulator.requests_adapter import EmulatorAdapter

# What lives for a test is not written to a disk, where memory is plenty.
SCRATCH = "/dev/shm" if os.path.isdir("/dev/shm") and shutil.disk_usage("/dev/shm").free > 4 * 1024**3 else None
if SCRATCH:
    os.environ.setdefault(FOLDER_VARIABLE, SCRATCH)

ENDPOINT = "http://127.0.0.1:1"
SOURCE, TARGET = "rm-bp1sqlsource00001", "rm-bp1sqltarget00001"
CREDENTIALS = {
    "access_key_id": "LTAI5tApsaraEmulator0001",
    "access_key_secret": "emulatorSecretOfAccountOne0001",
    "rds_endpoint": ENDPOINT,
}

# Ways in which a call, or its answer, can be lost.
LOSSES = [
    {"kind": "throttle"},
    {"kind": "throttle", "retry_after": 3000},
    {"kind": "http_500"},
    {"kind": "http_500", "effect": True},
    {"kind": "http_503"},
    {"kind": "http_503", "effect": True},
    {"kind": "close_before"},
    {"kind": "close_after"},
    {"kind": "timeout_after"},
    {"kind": "stall"},
    {"kind": "truncate"},
    {"kind": "html"},
    {"kind": "html", "effect": True},
    {"kind": "empty"},
    {"kind": "trickle", "seconds": 1},
    {"kind": "huge"},
    {"kind": "redirect"},
]


def loss_id(fault):
    """The name of a test with it."""
    return fault["kind"] + ("+effect" if fault.get("effect") else "")


class Stage:
    """A world, the clock of everybody in it, and what the world saw."""

    def __init__(self, variants=None):
        self.time = ManualClock()
        self.world = World.default(clock=self.time, variants=variants, store=BlobStore(SCRATCH))
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.mount("http://", EmulatorAdapter(Gateway(self.world)))
        self.clock = Clock(monotonic=self.time.now, wall=self.time.now, sleep=self.time.sleep)

    def calls(self, action=""):
        return [call for call in self.world.calls.select() if action in ("", call.action)]

    def writes(self):
        return [call for call in self.world.calls.select() if call.mutating]

    def effects(self):
        return [call.action for call in self.writes() if call.took_effect]

    def databases(self, instance=TARGET):
        return {n: d["status"] for n, d in self.world.to_document()["instances"][instance]["databases"].items()}

    def services(self, *, read_only=False, **options):
        return Services({**CREDENTIALS, **options}, read_only=read_only, clock=self.clock, session=self.session)


class End(Exception):
    """A module ended. result: what it returned, as Ansible would see it before masking."""

    def __init__(self, result):
        super().__init__(result.get("msg", ""))
        self.result = result


@contextlib.contextmanager
def arguments(parameters):
    """The way into a module differs between ansible-core 2.17 and 2.19."""
    try:
        from ansible.module_utils.testing import patch_module_args
    except ImportError:
        before = getattr(basic, "_ANSIBLE_ARGS", None)
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": parameters}).encode()
        try:
            yield
        finally:
            basic._ANSIBLE_ARGS = before
    else:
        with patch_module_args(parameters):
            yield

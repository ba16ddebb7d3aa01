# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A world and a wish, and modules that are run in it, in process.

A scene says how a world is made, what is wished, and how the end is told. What has to hold: truth_properties.py.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import json
import pickle
from collections import Counter
from typing import NamedTuple

import pytest
from ansible.module_utils import basic
from ansible_collections.apsaradb.migration.plugins.module_utils import _local_module, _module
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba import services
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.services import Services
from ansible_collections.apsaradb.migration.plugins.module_utils._paths.backup_migration import BackupMigration
from ansible_collections.apsaradb.migration.plugins.module_utils._waiting import Clock
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import OSS_ENDPOINT
from ansible_collections.apsaradb.migration.tests.unit.stage import CREDENTIALS, SCRATCH, TARGET, End, Stage, arguments
from ansible_collections.apsaradb.migration.tests.unit.truth_objects import TruthVerifier, replace_readings
from ansible_collections.apsaradb.migration.tests.unit.truth_session import Cut, Killed, TruthClient, TruthSession
from apsara_emulator import ManualClock, Variants, WallClock, World
from apsara_emulator.operations import settle
from apsara_emulator.oss.service import OssService
from apsara_emulator.oss.storage import BlobStore

MODULES = "ansible_collections.apsaradb.migration.plugins.modules."
MASK = "********"


class TruthStage(Stage):
    """A world of its own document, reached without HTTP. oss: whether it has buckets."""

    def __init__(self, document, variants, *, oss=False):
        self.time = ManualClock()
        self.world = World(document, self.time, variants=Variants(variants), store=BlobStore(SCRATCH))
        # oss2 signs with the real time.
        service = OssService(self.world, WallClock()) if oss else None
        if service:
            service.verifier = TruthVerifier(WallClock())
        self.session = TruthSession(self.world, service, OSS_ENDPOINT)
        self.clock = Clock(monotonic=self.time.now, wall=self.time.now, sleep=self.time.sleep)

        # No real servers: a story is to be over in milliseconds.
        for fleet in (self.world.postgresql, self.world.mysql):
            fleet.is_possible = lambda _instance: False

    def settled(self):
        """The state of the world at this moment."""
        settle(self.world)
        return self.world.state

    def databases(self, instance=TARGET):
        return {name: one.status for name, one in self.settled().instances[instance].databases.items()}

    def replaced(self):
        """What else has to be replaced while a module runs, as a context."""
        return contextlib.nullcontext()


class Sent(NamedTuple):
    """A write that reached the service. code: of its refusal."""

    action: str
    parameters: dict[str, str]
    took_effect: bool
    code: str = ""


class Scene:
    """One world and one wish. The stage is made anew for each story, and then the same again."""

    module = ""
    credentials = CREDENTIALS
    # Codes of failures that come after a good rehearsal, because of something that no reading shows in this world.
    surprises: frozenset[str] = frozenset()
    surprises_after_a_cut: frozenset[str] = frozenset()
    # Names of checks that only warn, of what the service may find out to be worse.
    fatal_warnings: frozenset[str] = frozenset()
    # Parameters that are sent and stand in no plan.
    beside_the_plan: frozenset[str] = frozenset()
    # Seconds after which a process follows one that was killed. Listings lag, and people are slower than that.
    moment = 120.0
    # The module with its options, once it was run.
    parsed = None
    # Whether the wish is for something new each time.
    begins_anew = False
    # Whether a run that did not wait leaves steps to the next one.
    goes_on_without_waiting = False

    def stage(self):
        """A new stage. Its `session` is a TruthSession."""
        raise NotImplementedError

    def wish(self):
        """The options of the module."""
        raise NotImplementedError

    def learn_after_a_cut(self, stage):
        """Let the wish tell what a person has to look up after a run that was cut short."""

    def end(self, stage):
        """What the world looks like, free of ids and times."""
        raise NotImplementedError

    def sent(self, stage, since):
        """The writes that reached the service after the first `since` ones."""
        return [Sent(c.action, c.parameters, c.took_effect, c.code) for c in stage.writes()[since:]]

    def actions_of(self, step):
        """The actions with which a step may begin."""
        return (step["action"],)

    def orders(self, plan):
        """The steps as lists. Calls have to keep the order within a list, and only there."""
        return [list(plan)]

    def timeless(self, shown):
        """A plan or diff without what only the time of the run decides."""
        return shown

    def parameters_of(self, step):
        """What a plan says about the parameters of the first call of a step."""
        return step["parameters"]

    def is_sent_as(self, name, planned, sent):
        return as_text(planned) == sent

    def after(self, step, sent):
        """What is left of `sent`, which begins with the calls of a step."""
        return sent[1:]

    def may_refuse_to_repeat(self, again):
        """Whether the wish itself forbids to be run where its work is done."""
        return False

    def once(self, call):
        """What a call is about, where it must not be done twice; None where that does no harm."""
        return (call.action, tuple(sorted(call.parameters.items())))

    def begun_in_vain(self, stage):
        """By what `once` tells: how often the service had failed with it when it took it the next time."""
        return Counter()


def failed_checks(result):
    return [check["name"] for check in result["checks"] if check["status"] == "fail"]


def as_text(value):
    """A parameter as it is sent."""
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)


class _Run:
    """What runs at the moment. A world's stories run one after the other."""

    stage = None
    scene = None
    check = False


@contextlib.contextmanager
def one_process():
    """Modules can be run here by the thousand. What is right for a process of one task is not for them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_module, "Services", _services)
        for door in (_module, _local_module):
            patch.setattr(door, "AnsibleModule", _ansible_module)
        patch.setattr(services, "RpcClient", TruthClient)
        replace_readings(patch)
        # One request at a time, so that the same world gives the same story.
        patch.setitem(BackupMigration.__init__.__kwdefaults__, "workers", 1)
        patch.setattr(_module.gc, "freeze", lambda: None)
        for name in ("_log_invocation", "_check_locale", "_set_cwd"):
            patch.setattr(basic.AnsibleModule, name, lambda _module: None)
        patch.setattr(basic.AnsibleModule, "exit_json", _exit)
        patch.setattr(basic.AnsibleModule, "fail_json", _fail)
        yield


def run_module(stage, scene, *, check=False, cut=None):
    """The module's result; `failed` says which way it ended. None: it was killed. To be called in one_process()."""
    stage.session.begin(cut or Cut())
    _Run.stage, _Run.scene, _Run.check = stage, scene, check
    try:
        with stage.replaced():
            importlib.import_module(MODULES + scene.module).main()
    except End as end:
        return end.result
    except Killed:
        return None
    raise AssertionError("the module did not end")


def _services(options, **how):
    stage = _Run.stage
    return Services(options, clock=stage.clock, session=stage.session, environment={"HOME": "/none"}, **how)


def _ansible_module(**how):
    """The options of a scene are the same in each of its runs, so they are parsed once."""
    scene = _Run.scene
    if scene.parsed is None:
        with arguments({**scene.credentials, **scene.wish()}):
            module = basic.AnsibleModule(**how)
        scene.parsed = module, pickle.dumps(module.params)
    parsed, parameters = scene.parsed
    module = copy.copy(parsed)
    module.params = pickle.loads(parameters)
    module.no_log_values = set(parsed.no_log_values)
    module.check_mode = _Run.check
    return module


def _exit(_module, **result):
    raise End({**result, "failed": False})


def _fail(_module, msg, **result):
    raise End({**result, "msg": msg, "failed": True})

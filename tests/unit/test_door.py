# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The door and the run loop: what is promised to the user whatever the path behind it does."""

from __future__ import annotations

import functools
import io
import json
import sys
import types
from urllib.parse import quote

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils import _migration_module, _module
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.errors import WriteRefused
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.services import Services
from ansible_collections.apsaradb.migration.plugins.module_utils._failure import MigrationFailure
from ansible_collections.apsaradb.migration.plugins.module_utils._plan import (
    FAIL,
    PASS,
    UNKNOWN,
    WARN,
    Check,
    Plan,
    Step,
    fingerprint,
    stopping,
    verdict,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._run_loop import rehearse_and_run
from ansible_collections.apsaradb.migration.tests.unit.stage import (
    CREDENTIALS,
    ENDPOINT,
    SOURCE,
    TARGET,
    Stage,
    arguments,
)
from apsara_emulator import Gateway
from apsara_emulator.requests_adapter import EmulatorAdapter

IMPORT_MODULE = "rds_import_between_instances"
MODULES = "ansible_collections.apsaradb.migration.plugins.modules"
WISH = {"source_instance_id": SOURCE, "instance_id": TARGET, "databases": {"sales": "sales_2026", "crm": "crm"}}

IMPORT = Step(
    action="ImportDatabaseBetweenInstances",
    target=TARGET,
    source=SOURCE,
    subject=("hr",),
    why="1 of 1 databases is missing",
    parameters={"DBInstanceId": TARGET, "SourceDBInstanceId": SOURCE, "DBInfo": '{"DBNames":{"hr":"hr"}}'},
)
ONE_WAY = IMPORT._replace(one_way=True)
REFUSED = IMPORT._replace(subject=("nowhere",), parameters={**IMPORT.parameters, "DBInfo": '{"DBNames":{"x":"x"}}'})


class FakePath:
    """A path that says what a test wants and notes what it is asked. disobedient: the part that writes unasked."""

    name = "fake"

    def __init__(self, *steps, checks=(), disobedient="", facts=None, **plan):
        state = {"state": "missing", "predicted_state": "done"} if steps else {"state": "done"}
        states = {"before": {"x": "absent"}, "after": {"x": "there" if steps else "absent"}}
        self._plan = Plan(**{**state, **states, "steps": steps, **plan})
        self._checks = list(checks)
        self._disobedient = disobedient
        self._facts = facts or {}
        self._services = None
        self.asked = []

    def behind(self, services, options):
        self._services = services
        return self

    def _asked(self, part):
        self.asked.append(part)
        if part == self._disobedient:
            self._services.rds.call(IMPORT.action, IMPORT.parameters)

    def observe(self):
        self._asked("observe")
        return "seen"

    def check(self, observed):
        self._asked("check")
        return self._checks

    def plan(self, observed):
        self._asked("plan")
        if observed == "seen later":
            there, reached = self._plan.after, self._plan.predicted_state
            return Plan(state=reached, predicted_state=reached, before=there, after=there)
        return self._plan

    def apply(self, step):
        self.asked.append("apply")
        self._services.rds.call(step.action, step.parameters)

    def wait(self, observed):
        self.asked.append("wait")
        return "seen later"

    def facts(self, observed, rehearsed):
        self._asked("facts")
        return {"seen": observed, **self._facts}


def enter(monkeypatch, main):
    """A module file that consists of this main; returns its name."""
    monkeypatch.setitem(sys.modules, f"{MODULES}.fake", types.SimpleNamespace(main=main))
    return "fake"


@pytest.fixture
def door(stage, run, monkeypatch):
    """door(path, check=…, **options) → the result of a module that runs the path."""

    def through(path, *, check=False, **options):
        name = enter(monkeypatch, lambda: _migration_module.run_migration({}, path.behind))
        return run(stage, name, check=check, **options)

    return through


@pytest.fixture
def printed(monkeypatch, capsys):
    """printed(stage, main, environment, **options) → what the module prints, with everything Ansible does to it."""

    def run_module(stage, main, environment, **options):
        made = functools.partial(Services, clock=stage.clock, session=stage.session, environment=environment)
        monkeypatch.setattr(_module, "Services", made)
        parameters = {"rds_endpoint": ENDPOINT, "_ansible_check_mode": False, **options}
        with arguments(parameters), pytest.raises(SystemExit):
            main()
        return capsys.readouterr().out

    return run_module


def import_module():
    from ansible_collections.apsaradb.migration.plugins.modules import rds_import_between_instances

    rds_import_between_instances.main()


def checks_of(result):
    return {check["name"]: check["status"] for check in result["checks"]}


# secrets


@pytest.mark.parametrize("option", ["access_key_secret", "security_token", "bearer_token"])
@pytest.mark.parametrize(
    "secret",
    ["7-chars", "rm-bp1sqltarget", "sales_2026", "ApsaraEmulator", "imported", "DatabaseBetween", "cn-hangzhou"],
)
def test_a_secret_that_would_blank_the_results_is_refused(stage, run, option, secret):
    refused = run(stage, IMPORT_MODULE, **{**WISH, "region": "cn-hangzhou", option: secret})
    assert refused["failed"]
    assert refused["error"]["code"] == "weak_secret"
    assert refused["msg"].startswith("weak_secret: ")
    assert f"the value of {option} is" in refused["msg"]
    assert option in refused["error"]["remedy"]
    assert secret not in str(refused)
    assert stage.calls() == []


@pytest.mark.parametrize("option", ["access_key_secret", "security_token", "bearer_token"])
@pytest.mark.parametrize("secret", ["sales_", "secret", "token", "common"])
def test_the_refusal_can_be_read_after_ansible_has_masked_it(stage, printed, option, secret):
    """Also when its own words happen to be the secret."""
    key = {name: CREDENTIALS[name] for name in ("access_key_id", "access_key_secret")}
    out = printed(stage, import_module, {}, **{**WISH, **key, option: secret})
    told = json.loads(out)
    assert told["failed"]
    assert told["msg"].startswith(f"weak_secret: the value of {option} is so short or so common that Ansible")
    assert "would blank instance ids and database names." in told["msg"]
    assert option in told["error"]["remedy"]
    assert "***" not in told["msg"] + told["error"]["remedy"]
    assert "sales_" not in out
    assert stage.calls() == []


def test_all_weak_secrets_are_named(stage, run):
    refused = run(stage, IMPORT_MODULE, **WISH, security_token="short", bearer_token="common")
    assert "security_token and bearer_token" in refused["msg"]
    assert "access_key_secret" not in refused["msg"]


def test_eight_characters_that_occur_nowhere_are_a_secret(stage, run):
    refused = run(stage, IMPORT_MODULE, **{**WISH, "access_key_secret": "q7!zK0w_"})
    assert refused["error"]["code"] == "SignatureDoesNotMatch"


def test_a_module_that_only_reads_refuses_weak_secrets_too(stage, run):
    refused = run(stage, "rds_instance_info", instance_id=TARGET, access_key_secret=TARGET[:10])
    assert refused["error"]["code"] == "weak_secret"
    assert stage.calls() == []


def test_no_secret_of_the_options_is_printed(stage, printed):
    token = "tokenOfTheTokenService/+="
    out = printed(stage, import_module, {}, **{**WISH, **CREDENTIALS, "security_token": token})
    assert json.loads(out)["error"]["code"] == "InvalidSecurityToken.Malformed"
    for secret in (token, CREDENTIALS["access_key_secret"]):
        assert secret not in out


def test_a_secret_of_the_environment_is_masked_wherever_it_turns_up(stage, printed):
    """And the fingerprint is that of the plan before masking."""
    secret = CREDENTIALS["access_key_secret"]
    environment = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": CREDENTIALS["access_key_id"],
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": secret,
    }
    step = IMPORT._replace(subject=("hr", secret))
    path = FakePath(step, facts={"echo": f"<{secret}>"})
    out = printed(stage, lambda: _migration_module.run_migration({}, path.behind), environment)
    told = json.loads(out)
    assert told["changed"], told
    assert told["echo"].startswith("<***")
    assert told["plan"][0]["subject"][0] == "hr"
    assert secret not in out
    assert told["fingerprint"] == fingerprint(Plan(state="missing", steps=(step,)))


class Quoting(EmulatorAdapter):
    """A service that quotes in its message what it was sent, and more than that."""

    def __init__(self, stage, message):
        super().__init__(Gateway(stage.world))
        self._body = json.dumps({"Code": "InvalidParameter", "Message": message, "RequestId": "R-1"}).encode()

    def send(self, request, **options):
        response = super().send(request, **options)
        response.status_code, response.raw = 400, io.BytesIO(self._body)
        return response


@pytest.mark.parametrize(
    "message",
    [
        "Sent was /?SecurityToken={once}&SourcePassword=hunter2.",
        "The secret {secret} and the token {token} were given.",
        "server string to sign is:POST&%2F&SecurityToken%3D{twice}%26SourcePassword%3Dhunter2",
        'Parameters: {{"Password": "hunter2", "other": "{token}"}}',
    ],
)
def test_what_the_service_quotes_is_shown_without_secrets(stage, run, message):
    token = "tokenOfTheTokenService/+="
    once, secret = quote(token, safe=""), CREDENTIALS["access_key_secret"]
    told = "Wrong: " + message.format(secret=secret, token=token, once=once, twice=quote(once, safe=""))
    stage.session.mount("http://", Quoting(stage, told))
    refused = run(stage, IMPORT_MODULE, **WISH, security_token=token)
    assert refused["error"]["code"] == "InvalidParameter"
    assert "[InvalidParameter] Wrong: " in refused["msg"]
    for shown in ("hunter2", secret, token, "tokenOfTheTokenService"):
        assert shown not in str(refused)


# without requests


@pytest.mark.parametrize("name", [IMPORT_MODULE, "rds_cancel_import", "rds_instance_info", "rds_migration_info"])
def test_a_missing_library_is_named(stage, run, monkeypatch, name):
    monkeypatch.setattr(_module, "HAS_URLLIB3", False)
    wish = {IMPORT_MODULE: WISH, "rds_cancel_import": {"instance_id": TARGET, "import_id": "1"}}
    refused = run(stage, name, **wish.get(name, {"instance_id": TARGET}))
    assert refused["failed"]
    assert "requests" in refused["msg"]
    assert "Python library" in refused["msg"]
    assert stage.calls() == []


# check mode


@pytest.mark.parametrize("part", ["observe", "check", "plan", "facts"])
def test_a_path_that_ignores_check_mode_gets_a_refusal_and_not_a_write(stage, door, part):
    refused = door(FakePath(disobedient=part), check=True)
    assert refused["failed"]
    assert refused["error"]["code"] == "write_in_check_mode"
    assert "bug" in refused["msg"]
    assert not refused["changed"]
    assert stage.calls() == []
    # The same path for real: the part does write, so what refused it was the client.
    assert not door(FakePath(disobedient=part))["failed"]
    assert stage.effects() == [IMPORT.action]


def test_a_module_that_only_reads_cannot_write(stage, run, monkeypatch):
    def read(services, options):
        return services.rds.call(IMPORT.action, IMPORT.parameters)

    name = enter(monkeypatch, lambda: _module.run_info({}, read))
    for check in (True, False):
        refused = run(stage, name, check=check)
        assert refused["error"]["code"] == "write_in_check_mode"
        assert refused["changed"] is False
    assert stage.calls() == []


def test_a_module_that_only_reads_never_changes_anything(run, stage, monkeypatch):
    def read(services, options):
        return {"answer": services.rds.call("DescribeDBInstanceAttribute", {"DBInstanceId": SOURCE})["Items"]}

    told = run(stage, enter(monkeypatch, lambda: _module.run_info({}, read)))
    assert told["changed"] is False
    assert told["answer"]


def test_a_rehearsal_stops_before_applying(stage, door):
    path = FakePath(IMPORT)
    rehearsed = door(path, check=True)
    assert not rehearsed["failed"], rehearsed
    assert path.asked == ["observe", "plan", "check", "facts", "facts"]
    assert rehearsed["changed"]
    assert rehearsed["predicted"]
    assert rehearsed["state"] == "done"
    assert rehearsed["request_ids"] == []


def test_a_run_loop_that_ignores_check_mode_meets_the_read_only_client(stage):
    """Two locks, each of which holds without the other."""
    path = FakePath(IMPORT).behind(stage.services(read_only=True), {})
    options = {"confirm": None, "preflight": "enforce", "accept": [], "approved_plan": None, "wait": True}
    result = {"changed": False}
    with pytest.raises(WriteRefused, match="this is a rehearsal"):
        rehearse_and_run(path, options, result, check_mode=False)
    assert path.asked[-2:] == ["apply", "facts"]
    assert result["changed"] is False
    assert stage.calls() == []


def test_a_rehearsal_with_nothing_to_do_is_no_prediction(door):
    rehearsed = door(FakePath(), check=True)
    assert (rehearsed["changed"], rehearsed["predicted"], rehearsed["plan"]) == (False, False, [])


@pytest.mark.parametrize("steps", [(), (IMPORT,)], ids=["nothing to do", "a step"])
@pytest.mark.parametrize("checks", [[], [Check("x", WARN, "Hm.", "Look.")]], ids=["go", "review"])
@pytest.mark.parametrize("wait", [True, False])
def test_results_have_the_same_keys_in_check_mode_and_for_real(door, steps, checks, wait):
    rehearsed = door(FakePath(*steps, checks=checks), check=True, wait=wait)
    done = door(FakePath(*steps, checks=checks), wait=wait)
    assert set(rehearsed) == set(done)
    assert {"changed", "predicted", "plan", "checks", "verdict", "state", "request_ids", "diff"} <= set(done)
    for key in ("changed", "plan", "checks", "verdict", "fingerprint", "diff"):
        assert rehearsed[key] == done[key]
    assert rehearsed["diff"] == {"before": {"x": "absent"}, "after": {"x": "there" if steps else "absent"}}


def test_failures_have_the_same_keys_in_check_mode_and_for_real(door):
    bad = [Check("x", FAIL, "Bad.", "Change it.")]
    rehearsed, done = door(FakePath(IMPORT, checks=bad), check=True), door(FakePath(IMPORT, checks=bad))
    assert rehearsed["failed"]
    assert done["failed"]
    assert set(rehearsed) == set(done)


# doing


def test_a_real_run_applies_and_waits(stage, door):
    path = FakePath(IMPORT)
    done = door(path)
    assert path.asked == ["observe", "plan", "check", "facts", "apply", "facts", "wait", "plan", "facts"]
    assert done["changed"]
    assert not done["predicted"]
    assert done["state"] == "done"
    assert done["seen"] == "seen later"
    assert done["request_ids"] == [stage.writes()[0].request_id]


def test_without_waiting_the_work_is_left_in_flight(stage, door):
    path = FakePath(IMPORT)
    done = door(path, wait=False)
    assert "wait" not in path.asked
    assert done["changed"]
    assert done["state"] == "in_flight"
    assert stage.effects() == [IMPORT.action]


def test_with_nothing_to_do_nothing_is_applied_or_waited_for(stage, door):
    path = FakePath()
    done = door(path)
    assert path.asked == ["observe", "plan", "check", "facts"]
    assert (done["changed"], done["state"], done["plan"]) == (False, "done", [])
    assert stage.calls() == []


def test_what_cannot_be_planned_is_predicted_as_such_and_not_done(door):
    path = FakePath(unknown="Somebody works there.", state="unknown", predicted_state="unknown")
    rehearsed = door(path, check=True)
    assert not rehearsed["failed"]
    assert (rehearsed["state"], rehearsed["predicted"], rehearsed["changed"]) == ("unknown", True, False)
    refused = door(path)
    assert refused["error"]["code"] == "plan_unknown"
    assert "Somebody works there." in refused["msg"]
    assert "run the playbook again" in refused["error"]["remedy"]
    assert "apply" not in path.asked


# failures


def test_a_failed_check_fails_at_once_and_shows_everything(stage, door):
    checks = [
        Check("storage", FAIL, "Too little.", "Enlarge it."),
        Check("version", PASS, "fine"),
        Check("family", FAIL, "Shared.", "Use another."),
        Check("backup", UNKNOWN, "Not told.", "Look."),
    ]
    path = FakePath(IMPORT, checks=checks)
    refused = door(path)
    assert refused["failed"]
    assert refused["changed"] is False
    assert refused["error"]["code"] == "no_go"
    assert refused["verdict"] == "no_go"
    assert refused["state"] == "missing"
    assert refused["plan"] == [IMPORT.as_result()]
    assert [check["name"] for check in refused["checks"]] == ["storage", "version", "family", "backup"]
    assert refused["request_ids"] == []
    for words in ("2 checks stop", "- storage: Too little. Enlarge it.", "- family: Shared. Use another.", "preflight"):
        assert words in refused["msg"]
    assert "- version" not in refused["msg"]
    assert "- backup" not in refused["msg"]
    assert "apply" not in path.asked
    assert stage.calls() == []


def test_a_refusal_of_the_service_shows_how_far_the_run_came(stage, door):
    refused = door(FakePath(IMPORT, REFUSED))
    first, second = stage.writes()
    assert refused["failed"]
    assert refused["changed"]
    assert [step["subject"] for step in refused["plan"]] == [["hr"], ["nowhere"]]
    assert refused["checks"] == []
    assert refused["state"] == "missing"
    assert refused["seen"] == "seen"
    assert refused["request_ids"] == [first.request_id, second.request_id]
    error = refused["error"]
    assert set(error) == {"code", "http_status", "request_id", "action", "remedy"}
    assert error["code"] == second.code
    assert error["http_status"] == second.http_status
    assert error["request_id"] == second.request_id
    assert error["action"] == IMPORT.action
    assert error["remedy"]
    assert refused["msg"].endswith(error["remedy"])


def test_a_failure_of_the_first_reading_has_the_shape_of_every_other(stage, door, monkeypatch):
    def fail(path):
        raise MigrationFailure("No.", code="no", request_id="R-1", remedy="Ask again.")

    monkeypatch.setattr(FakePath, "observe", fail)
    refused = door(FakePath(IMPORT))
    assert refused["msg"] == "No. Ask again."
    assert (refused["changed"], refused["plan"], refused["checks"]) == (False, [], [])
    assert (refused["state"], refused["predicted"]) == ("unknown", False)
    assert refused["request_ids"] == ["R-1"]


def test_a_wait_that_fails_leaves_what_was_started_in_the_result(stage, door, monkeypatch):
    def fail(path, observed):
        raise MigrationFailure("Late.", code="wait_timeout")

    monkeypatch.setattr(FakePath, "wait", fail)
    late = door(FakePath(IMPORT))
    assert late["failed"]
    assert late["changed"]
    assert late["state"] == "in_flight"
    assert late["request_ids"] == [stage.writes()[0].request_id]


@pytest.mark.parametrize("part", ["observe", "check", "plan", "apply", "wait", "facts"])
def test_a_bug_is_not_taken_for_a_failure_of_the_service(stage, door, monkeypatch, part):
    def fail(path, *_arguments):
        raise ZeroDivisionError(part)

    monkeypatch.setattr(FakePath, part, fail)
    with pytest.raises(ZeroDivisionError, match=part):
        door(FakePath(IMPORT))


def test_a_bug_of_a_module_that_only_reads_is_not_swallowed_either(stage, run, monkeypatch):
    name = enter(monkeypatch, lambda: _module.run_info({}, lambda services, options: {}["nothing"]))
    with pytest.raises(KeyError, match="nothing"):
        run(stage, name)


# go and no go


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], "go"),
        ([PASS], "go"),
        ([PASS, WARN], "review"),
        ([PASS, UNKNOWN], "review"),
        ([WARN, UNKNOWN, FAIL], "no_go"),
        ([FAIL], "no_go"),
    ],
)
def test_verdicts(door, statuses, expected):
    checks = [Check(f"c{number}", status, "x") for number, status in enumerate(statuses)]
    assert verdict(checks) == expected
    assert door(FakePath(checks=checks), check=True)["verdict"] == expected
    assert door(FakePath(checks=checks))["verdict"] == expected


@pytest.mark.parametrize("one_way", [False, True])
@pytest.mark.parametrize("accepted", [(), ("w",), ("u",), ("w", "u"), ("w", "u", "f"), ("other",)])
def test_what_stops(one_way, accepted):
    checks = [Check("p", PASS, ""), Check("w", WARN, ""), Check("u", UNKNOWN, ""), Check("f", FAIL, "")]
    stops = {check.name for check in stopping(checks, enforce=True, one_way=one_way, accept=accepted)}
    assert stops == {"f"} | ({"w", "u"} - set(accepted) if one_way else set())
    assert stopping(checks, enforce=False, one_way=False, accept=accepted) == []


def test_the_summary_tells_the_plan_and_every_doubt_in_sentences(door):
    checks = [Check("p", PASS, "fine"), Check("w", WARN, "Hm.", "Look."), Check("u", UNKNOWN, "Not told.", "Ask.")]
    otherwise = IMPORT._replace(or_else=IMPORT._replace(action="CopyDatabaseBetweenInstances"))
    assert door(FakePath(otherwise, checks=checks), check=True)["summary"] == [
        "Verdict review: 1 of 3 checks passed, 1 step to do.",
        f"ImportDatabaseBetweenInstances (or else CopyDatabaseBetweenInstances) on {TARGET}: hr.",
        "warn w: Hm. Look.",
        "unknown u: Not told. Ask.",
    ]
    two = door(FakePath(IMPORT, ONE_WAY), check=True, confirm=TARGET)["summary"]
    assert two[0] == "Verdict go: 1 of 1 checks passed, 2 steps to do."
    assert two[1] == f"ImportDatabaseBetweenInstances on {TARGET}: hr."
    assert door(FakePath())["summary"] == ["Verdict go: 0 of 0 checks passed, nothing to do."]
    riddle = FakePath(unknown="somebody works there", state="unknown", predicted_state="unknown")
    assert door(riddle, check=True)["summary"] == ["Verdict go: 0 of 0 checks passed, somebody works there."]


def test_warnings_do_not_stop_what_can_be_taken_back(stage, door):
    done = door(FakePath(IMPORT, checks=[Check("w", WARN, "Hm."), Check("u", UNKNOWN, "Not told.")]))
    assert not done["failed"]
    assert done["verdict"] == "review"
    assert stage.effects() == [IMPORT.action]


def test_preflight_warn_goes_on_and_still_tells(stage, door):
    done = door(FakePath(IMPORT, checks=[Check("f", FAIL, "Bad.", "Change it.")]), preflight="warn")
    assert not done["failed"]
    assert done["verdict"] == "no_go"
    assert checks_of(done) == {"f": FAIL}
    assert stage.effects() == [IMPORT.action]


# one-way steps


def test_a_one_way_step_wants_the_id_of_its_instance(stage, door):
    for confirm in ({}, {"confirm": ""}, {"confirm": SOURCE}, {"confirm": TARGET[:-1]}, {"confirm": "yes"}):
        path = FakePath(ONE_WAY)
        refused = door(path, **confirm)
        assert refused["failed"]
        assert refused["error"]["code"] == "no_go"
        assert checks_of(refused) == {"confirm": FAIL}
        assert f"Set confirm: {TARGET}" in refused["msg"]
        assert "cannot be taken back" in refused["msg"]
        assert "apply" not in path.asked
    assert stage.calls() == []
    done = door(FakePath(ONE_WAY), confirm=TARGET)
    assert not done["failed"]
    assert checks_of(done) == {"confirm": PASS}
    assert stage.effects() == [IMPORT.action]


def test_an_unconfirmed_one_way_step_behind_a_harmless_one_stops_both(stage, door):
    refused = door(FakePath(IMPORT, ONE_WAY))
    assert checks_of(refused) == {"confirm": FAIL}
    assert stage.calls() == []


def test_nobody_is_asked_to_confirm_what_can_be_taken_back(door):
    for path in (FakePath(IMPORT), FakePath()):
        assert door(path, check=True)["checks"] == []


def test_a_confirmation_cannot_be_accepted_away(stage, door):
    assert door(FakePath(ONE_WAY), accept=["confirm"])["failed"]
    assert stage.calls() == []


def test_in_a_rehearsal_a_missing_confirmation_is_a_warning_and_a_wrong_one_a_failure(stage, door):
    missing = door(FakePath(ONE_WAY), check=True)
    assert not missing["failed"], missing["msg"]
    assert checks_of(missing) == {"confirm": WARN}
    assert missing["verdict"] == "review"
    assert missing["changed"]
    wrong = door(FakePath(ONE_WAY), check=True, confirm=SOURCE)
    assert wrong["failed"]
    assert checks_of(wrong) == {"confirm": FAIL}
    right = door(FakePath(ONE_WAY), check=True, confirm=TARGET)
    assert not right["failed"]
    assert checks_of(right) == {"confirm": PASS}
    assert stage.calls() == []


def test_preflight_warn_is_no_confirmation(stage, door):
    for confirm in ({}, {"confirm": SOURCE}):
        refused = door(FakePath(ONE_WAY), preflight="warn", **confirm)
        assert refused["failed"]
        assert checks_of(refused) == {"confirm": FAIL}
    assert stage.calls() == []
    doubt = [Check("f", FAIL, "Bad.", "Change it.")]
    assert not door(FakePath(ONE_WAY, checks=doubt), preflight="warn", confirm=TARGET)["failed"]
    assert stage.effects() == [IMPORT.action]


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("accepted", "stopped"),
    [([], {"w", "u"}), (["w"], {"u"}), (["u"], {"w"}), (["w", "u"], set()), (["w", "u", "absent"], set())],
)
def test_in_front_of_a_one_way_step_every_doubt_has_to_be_accepted(stage, door, check, accepted, stopped):
    doubts = [Check("w", WARN, "Hm.", "Look."), Check("u", UNKNOWN, "Not told.", "Ask.")]
    ended = door(FakePath(ONE_WAY, checks=doubts), check=check, confirm=TARGET, accept=accepted)
    assert ended["failed"] == bool(stopped)
    assert ended["verdict"] == "review"
    assert {name for name in ("w", "u") if f"- {name}: " in ended.get("msg", "")} == stopped
    assert stage.effects() == ([] if check or stopped else [IMPORT.action])


def test_a_failed_check_cannot_be_accepted(stage, door):
    bad = [Check("f", FAIL, "Bad.", "Change it.")]
    assert door(FakePath(ONE_WAY, checks=bad), confirm=TARGET, accept=["f"])["failed"]
    assert door(FakePath(IMPORT, checks=bad), accept=["f"])["failed"]
    assert stage.calls() == []


# approval


def test_an_approved_plan_is_enforced_before_the_first_write(stage, door):
    approved = fingerprint(Plan(state="missing", steps=(IMPORT,)))
    for check in (True, False):
        path = FakePath(REFUSED)
        refused = door(path, check=check, approved_plan=approved)
        assert refused["failed"]
        assert refused["error"]["code"] == "not_approved"
        assert refused["plan"] == [REFUSED.as_result()]
        assert "apply" not in path.asked
    assert stage.calls() == []
    assert not door(FakePath(IMPORT), check=True, approved_plan=approved)["failed"]
    assert door(FakePath(IMPORT), approved_plan=approved)["changed"]
    assert not door(FakePath(), approved_plan=approved)["failed"]


def test_preflight_warn_is_no_approval(stage, door):
    refused = door(FakePath(IMPORT), preflight="warn", approved_plan="sha256:" + "0" * 64)
    assert refused["error"]["code"] == "not_approved"
    assert stage.calls() == []


def test_the_approval_is_of_this_module_s_plan(stage, door, tmp_path):
    saved = tmp_path / "rehearsal.json"
    for module, failed in (("another", True), ("fake", False)):
        saved.write_text(json.dumps({"entries": [{"module": module, "plan": [IMPORT.as_result()]}]}))
        assert door(FakePath(IMPORT), check=True, approved_plan=str(saved))["failed"] is failed


def test_the_fingerprint_of_a_rehearsal_admits_the_real_run(run):
    stage = Stage()
    rehearsed = run(stage, IMPORT_MODULE, check=True, **WISH)
    done = run(stage, IMPORT_MODULE, **WISH, approved_plan=rehearsed["fingerprint"])
    assert done["changed"], done
    assert done["fingerprint"] == rehearsed["fingerprint"]

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Cancelling an instance import. Wanted is an instance on which no import runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .._alibaba import rds, rds_imports, rds_instances
from .._alibaba.errors import AnswerLost, ServiceError
from .._alibaba.rpc import RpcClient
from .._failure import WaitTimeout, refuse_options
from .._plan import FAIL, PASS, UNKNOWN, Check, Plan, Step
from .._waiting import Clock, Patience, wait_until, wrong_times

CANCEL = "CancelImport"
# The import ended by itself between the look and the call.
_NO_SUCH_IMPORT, _NOT_RUNNING = "InvalidTaskId.NotFound", "OperationDenied.IncorrectTaskStatus"


class Request(NamedTuple):
    """import_id as the import returned it; the service wants it as a whole number. Times in seconds."""

    instance_id: str
    import_id: str
    settle: float
    patience: Patience


class Observed(NamedTuple):
    """instance: None, if there is none. running: imports and copies that the task list shows as unfinished."""

    instance: rds_instances.Instance | None
    running: frozenset[str] = frozenset()

    @property
    def importing(self) -> bool:
        """The state may be that of a copy, too; where the task list tells which it is, the list decides."""
        state = self.instance.state if self.instance else None
        if rds.IMPORT in self.running and state in (rds.RUNNING, *rds.IMPORTING):
            return True
        return self.instance is not None and self.instance.state in rds.IMPORTING and rds.COPY not in self.running

    @property
    def over(self) -> bool:
        """Any other state than Running may be that of an import, too: of the one that the instance is the source of."""
        return self.instance is None or (self.instance.state == rds.RUNNING and not self.importing)


def read_request(options: Mapping[str, Any]) -> Request:
    """The module's options as a Request. Raises BadRequest for an id that cannot be one."""
    import_id, problems = str(options["import_id"]).strip(), []
    if not import_id.isascii() or not import_id.isdigit() or len(import_id) > 18:
        problems.append(
            f"import_id is not a whole number: {import_id!r}; give the one that rds_import_between_instances returned "
            "(copies have none)"
        )
    if not options["instance_id"].strip():
        problems.append("instance_id must not be empty")
    problems += wrong_times(options, ("wait_timeout", "poll_interval", "settle"))
    refuse_options(problems)
    return Request(
        instance_id=options["instance_id"].strip(),
        import_id=import_id,
        settle=options["settle"],
        patience=Patience(options["wait_timeout"], options["poll_interval"]),
    )


class ImportCancellation:
    """The path as the door runs it."""

    name = "rds_cancel_import"

    def __init__(self, client: RpcClient, request: Request, clock: Clock) -> None:
        self._client = client
        self._request = request
        self._clock = clock

    def observe(self) -> Observed:
        found = rds_instances.instance(self._client, self._request.instance_id)
        return Observed(
            found, rds_imports.running_imports(self._client, found.id, self._clock.wall()) if found else frozenset()
        )

    def check(self, observed: Observed) -> list[Check]:
        return [check(self._request, observed)]

    def plan(self, observed: Observed) -> Plan:
        return plan(self._request, observed)

    def apply(self, step: Step) -> None:
        try:
            self._client.call(step.action, step.parameters)
        except AnswerLost as lost:
            self._look_after(lost)
        except ServiceError as error:
            # It ended, or is being cancelled: there is what was wanted, or will be.
            if error.code == _NOT_RUNNING or (error.code == _NO_SUCH_IMPORT and self.observe().over):
                return
            raise

    def wait(self, observed: Observed) -> Observed:
        from .._progress import Sight, Watch

        def sights(seen: Observed) -> list[Sight]:
            return [Sight(self._request.instance_id, seen.instance.state or "unknown" if seen.instance else "gone")]

        return wait_until(
            self.observe,
            lambda seen: seen.over,
            self._request.patience,
            self._clock,
            waiting_for=f"the cancellation on {self._request.instance_id}",
            watch=Watch(self.name, self._request.instance_id, sights),
        )

    def facts(self, observed: Observed, rehearsed: Plan | None) -> dict[str, Any]:
        state = observed.instance.state if observed.instance else None
        if rehearsed is not None and rehearsed.steps:
            state = rds.RUNNING
        return {
            "instance_id": self._request.instance_id,
            "import_id": self._request.import_id,
            "instance_state": state or "unknown",
        }

    def _look_after(self, lost: AnswerLost) -> None:
        try:
            wait_until(
                self.observe,
                lambda seen: not seen.importing,
                self._request.patience.for_a_sign(self._request.settle),
                self._clock,
                waiting_for="the import",
            )
        except WaitTimeout:
            raise AnswerLost(
                f"{lost.message} The import still runs after {self._request.settle:g} seconds. The cancellation was "
                "not sent again.",
                code=lost.code,
                action=CANCEL,
                request_id=lost.request_id,
                http_status=lost.http_status,
                remedy="Run the playbook again: it cancels only what still runs.",
            ) from None


def check(request: Request, observed: Observed) -> Check:
    """Whether the instance is there and its state can be understood."""
    if observed.instance is None:
        return Check(
            "instance_exists",
            FAIL,
            f"{request.instance_id} was not found in this account and region.",
            "Correct instance_id, or use the access key of the account that owns it, or set region.",
        )
    state = observed.instance.state
    if observed.importing:
        if state == rds.RUNNING:
            # Where an import has only just begun, neither state nor list tells its source from its target.
            return Check(
                "import_running",
                UNKNOWN,
                f"an import runs into {request.instance_id}, or from it; which of them is not told.",
                "Check that instance_id is the instance that the databases are imported to.",
            )
        if rds.IMPORT in observed.running:
            detail = f"an import runs on {request.instance_id}; whether it is {request.import_id} is not told"
            return Check("import_running", PASS, detail)
        return Check(
            "import_running",
            UNKNOWN,
            f"{request.instance_id} is {state}. That is an import or a copy; a copy cannot be cancelled, and then the "
            "service refuses.",
            "Look at the instance's task list in the console.",
        )
    if state == rds.RUNNING and not observed.running:
        return Check("import_running", PASS, f"no import runs on {request.instance_id}")
    what = "a copy runs, which" if rds.COPY in observed.running else "this may be a copy, which"
    return Check(
        "import_running",
        UNKNOWN,
        f"{request.instance_id} is {state or 'in a state that the service did not tell'}; {what} cannot be cancelled.",
        "Look at the instance in the console.",
    )


def plan(request: Request, observed: Observed) -> Plan:
    """One step where an import runs; none where the instance is at rest; unknown otherwise. Pure."""
    state = observed.instance.state if observed.instance else None
    before = {"instance_id": request.instance_id, "state": state or "unknown"}
    if observed.importing:
        step = Step(
            action=CANCEL,
            target=request.instance_id,
            subject=(request.import_id,),
            why=f"an import runs on {request.instance_id}",
            parameters={"DBInstanceId": request.instance_id, "ImportId": int(request.import_id)},
        )
        after = {**before, "state": rds.RUNNING}
        return Plan(state="importing", steps=(step,), predicted_state="idle", before=before, after=after)
    if state == rds.RUNNING and not observed.running:
        return Plan(state="idle", predicted_state="idle", before=before, after=before)
    told = f"{request.instance_id} is {state}" if state else f"the state of {request.instance_id} is not told"
    return Plan(
        state="unknown",
        predicted_state="unknown",
        before=before,
        after=before,
        unknown=f"{told}. Only an import can be cancelled; a copy cannot.",
    )

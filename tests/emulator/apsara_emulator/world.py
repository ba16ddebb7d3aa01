# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The world: accounts, instances, and what is going on in them. Time passes in it only when somebody looks."""

from __future__ import annotations

import json
import math
import threading
import uuid
from collections import defaultdict, deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import documents, operations
from .calls import CallLog
from .clock import Clock, WallClock, utc_text
from .contracts import Contract, load_contracts
from .default_world import default_document
from .errors import ApiError, DocumentError
from .faults import FaultBook
from .model import Account, Instance, WorldState
from .mysql.fleet import Fleet as MysqlFleet
from .oss.library import ObjectLibrary
from .oss.storage import BlobStore
from .permissions.enforcement import require_for_call
from .permissions.ledger import PermissionLedger
from .permissions.system import check_attached_policies
from .postgresql.fleet import Fleet
from .registry import ACTIONS, Answer, Call
from .shapes import identified, shaped
from .stored_objects import LibraryObjects, ObjectStore
from .transmission.data_copy import Snapshot
from .transmission.mysql_events import Place
from .variants import Variants


class World:
    """A stand-in for the service, callable in process with `call`. Safe to use from several threads."""

    def __init__(
        self,
        document: Mapping[str, Any],
        clock: Clock | None = None,
        speed: float = 1.0,
        variants: Variants | None = None,
        store: BlobStore | None = None,
    ) -> None:
        """`document` is described in the README. `speed` divides durations. DocumentError if the document is wrong.

        `variants` are the values taken where the document names none. `store` keeps the data of OSS objects; without
        one it is a temporary folder.
        """
        if not (math.isfinite(speed) and speed > 0):
            raise DocumentError("speed: a number above zero is expected")
        self.clock: Clock = clock or WallClock()
        self.speed = speed
        self.calls = CallLog()
        self.faults = FaultBook()
        self.permissions = PermissionLedger()
        self.mysql = MysqlFleet()
        self.postgresql = Fleet()
        self.dts_passwords: dict[tuple[str, str], str] = {}
        """What DTS was told: (job id, source or target) to password. It is no part of a world document."""
        self.dts_lists: dict[tuple[str, str], deque[float]] = defaultdict(deque)
        self.dts_hosts: dict[str, Instance] = {}
        self.dts_snapshots: dict[str, Snapshot] = {}
        self.dts_places: dict[str, Place] = {}
        self.lock = threading.RLock()
        self.oss = ObjectLibrary(self, store or BlobStore())
        self.objects: ObjectStore = LibraryObjects(self.oss)
        self.state = WorldState()
        self._given_variants = variants or Variants()
        self._start_document: Mapping[str, Any] = document
        self._recent: dict[str, deque[float]] = defaultdict(deque)
        self._load(document)

    @classmethod
    def default(
        cls,
        clock: Clock | None = None,
        speed: float = 1.0,
        variants: Variants | None = None,
        store: BlobStore | None = None,
    ) -> World:
        """The world that is used when none is given: two accounts, some instances, a bucket."""
        return cls(default_document(), clock, speed, variants, store)

    @classmethod
    def from_file(
        cls,
        path: str | Path,
        clock: Clock | None = None,
        speed: float = 1.0,
        variants: Variants | None = None,
        store: BlobStore | None = None,
    ) -> World:
        """From a JSON or YAML file. DocumentError if it cannot be understood, OSError if it cannot be read."""
        return cls(read_world_file(Path(path)), clock, speed, variants, store)

    def to_document(self) -> dict[str, Any]:
        """The whole world as plain data; `World(world.to_document())` is the same world again."""
        with self.lock:
            operations.settle(self)
            self.state.variants = dict(self.variants)
            document: dict[str, Any] = documents.write(self.state)
            return document

    def merge(self, change: Mapping[str, Any]) -> None:
        """Lay a partial document over the world: mappings key by key (None removes), lists as a whole."""
        with self.lock:
            self._load(documents.merged(self.to_document(), _checked(change)))

    def reset(self, document: Mapping[str, Any] | None = None) -> None:
        """Back to the start (or to `document`, which is the start from then on); calls and faults are forgotten.

        The servers behind its instances are gone.
        """
        with self.lock:
            self.postgresql.reset()
            self.mysql.reset()
            self.dts_passwords.clear()
            if document is not None:
                self._load(document)
                self._start_document = document
            else:
                self._load(self._start_document)
            self.calls.clear()
            self.faults.replace([])
            self._recent.clear()
            self.dts_lists.clear()
            self.dts_hosts.clear()
            self.dts_snapshots.clear()
            self.dts_places.clear()

    def call(
        self,
        account: str,
        action: str,
        params: Mapping[str, Any] | None = None,
        *,
        service: str = "rds",
        access_key_id: str = "",
        identity: str = "account",
    ) -> dict[str, Any]:
        """One call of an account (its id), logged. Returns the answer; ApiError if the service refuses.

        `identity` is who calls: the account itself, user/NAME, or role/NAME/SESSION.
        """
        texts = {name: _as_text(value) for name, value in (params or {}).items() if value is not None}
        request = Call(account, service, action, texts, new_request_id(), access_key_id, identity)
        status, code = 200, ""
        try:
            return self.execute(request)
        except ApiError as error:
            status, code = error.http_status, error.code
            raise
        finally:
            self.log(request, status, code)

    def execute(self, call: Call) -> Answer:
        """Answer a call without logging it. ApiError if the service refuses; then nothing took effect."""
        with self.lock:
            try:
                self._throttle(call.account_id)
                contract = self._contract(call)
                contract.check(call.parameters, self.variants)
                contract.check_places(call.query_names, self.variants)
                operations.settle(self)
                require_for_call(self, call)
                known = ACTIONS[call.service, call.action]
                call.took_effect = known.mutating
                answer = known.handler(self, call)
                return shaped(identified(answer, call.request_id), contract.response, self.variants)
            except ApiError as error:
                call.took_effect = False
                error.request_id = call.request_id
                raise

    def log(self, call: Call, http_status: int, code: str, fault: str = "") -> None:
        """Put a call into the call log."""
        known = ACTIONS.get((call.service, call.action))
        self.calls.add(
            time=utc_text(self.clock.now()),
            service=call.service,
            action=call.action,
            account_id=call.account_id,
            access_key_id=call.access_key_id,
            mutating=known.mutating if known else False,
            parameters=call.parameters,
            http_status=http_status,
            code=code,
            request_id=call.request_id,
            took_effect=call.took_effect,
            fault=fault,
        )

    def instance(self, account_id: str, instance_id: str) -> Instance:
        """An instance of the account. ApiError if there is none, or it is somebody else's."""
        found = self.state.instances.get(instance_id)
        if found is None or found.account_id != account_id:
            raise self.variants.error("instance_not_found", f"The instance {instance_id[:64]} does not exist.")
        return found

    def account(self, account_id: str) -> Account | None:
        """An account by its id."""
        return self.state.accounts.get(account_id)

    def lasting(self, seconds: float) -> float:
        """Seconds of the service as seconds of this world's clock."""
        return seconds / self.speed

    def _contract(self, call: Call) -> Contract:
        contract = load_contracts().get(call.service, {}).get(call.action)
        retired = contract is not None and contract.retired and not self.state.switches.retired_actions
        if contract is None or retired or (call.service, call.action) not in ACTIONS:
            raise self.variants.error("unknown_action", f"The parameter Action is wrong: {call.action[:64]}.")
        return contract

    def _throttle(self, account_id: str) -> None:
        limit = self.state.quotas.requests_per_second
        recent = self._recent[account_id]
        now = self.clock.now()
        while recent and recent[0] <= now - 1.0:
            recent.popleft()
        if limit and len(recent) >= limit:
            raise self.variants.error("throttled", "Too many calls in this second.")
        recent.append(now)

    def _load(self, document: Mapping[str, Any]) -> None:
        state = documents.read(WorldState, _checked(document), self.clock.now(), "world")
        variants = Variants({**self._given_variants, **state.variants})
        for key, instance in state.instances.items():
            instance.id = instance.id or key
            if instance.id != key:
                raise DocumentError(f"world.instances.{key}: id is {instance.id!r}")
            if instance.account_id not in state.accounts:
                raise DocumentError(f"world.instances.{key}: there is no account {instance.account_id!r}")
        for key, instance in state.self_managed.items():
            instance.id = instance.id or key
        for key, account in state.accounts.items():
            if account.account_id != key:
                raise DocumentError(f"world.accounts.{key}: account_id is {account.account_id!r}")
        check_attached_policies(state)
        self.oss.adopt(state)
        self.oss.remove_unused(self.state, state)
        self.state = state
        self.variants = variants


def read_world_file(path: Path) -> Mapping[str, Any]:
    """The document in a JSON or YAML file. DocumentError if it is neither."""
    text = path.read_text(encoding="utf-8")
    try:
        if path.suffix == ".json":
            return _checked(json.loads(text))
        import yaml  # only needed here: the core works without it

        return _checked(yaml.safe_load(text))
    except (ValueError, RecursionError, ImportError) as error:
        raise DocumentError(f"{path}: {error}") from error
    except yaml.YAMLError as error:
        raise DocumentError(f"{path}: {error}") from error


def new_request_id() -> str:
    """A request id of the service's form."""
    return str(uuid.uuid4()).upper()


def _checked(document: Any) -> Mapping[str, Any]:
    """The document with accounts and instances as mappings, whichever of the two forms they came in."""
    if not isinstance(document, Mapping):
        raise DocumentError("world: a mapping is expected")
    result = dict(document)
    for key, name in (("instances", "id"), ("accounts", "account_id"), ("buckets", "name")):
        if isinstance(result.get(key), list):
            result[key] = _by_name(result[key], key, name)
    return result


def _by_name(entries: list[Any], key: str, name: str) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for index, entry in enumerate(entries):
        if not isinstance(entry, Mapping) or not isinstance(entry.get(name), str):
            raise DocumentError(f"world.{key}[{index}]: a mapping with {name!r} is expected")
        result[entry[name]] = entry
    return result


def _as_text(value: Any) -> str:
    """A parameter as the SDKs send it."""
    return value if isinstance(value, str) else str(value)

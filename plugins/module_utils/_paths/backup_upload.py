# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Backups of SQL Server from this host to a bucket.

What proves that one is there is an object of the same size whose metadata name the same backup set; an object without
them (uploaded by other means) is compared by its CRC-64. An unfinished upload of the same content is gone on with.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._alibaba import rds_instances
from .._alibaba.errors import ServiceError
from .._alibaba.oss_access import oss_client
from .._alibaba.oss_model import ObjectHead, Unfinished, default_endpoint, wrong_key
from .._alibaba.oss_parts import part_size_for
from .._failure import MigrationFailure
from .._plan import Check, Plan, Step
from .._waiting import SOCKET_VARIABLE
from .backup_upload_files import GUID, STRIPE, Local, find_files
from .backup_upload_plan import ABORT, ABSENT, OTHER, SAME, Observed, all_checks, plan, to_upload
from .backup_upload_request import Request

if TYPE_CHECKING:
    from .._alibaba.oss import OssClient
    from .._alibaba.oss_upload import Outcome
    from .._alibaba.oss_upload_pace import Pace
    from .._alibaba.services import Services
    from .._progress import Progress

Tell = Callable[[str, "Progress", bool], None]
# Reading of objects' metadata side by side: a folder may hold hundreds of small backups.
_READERS = 8
# Seconds. Inside the region the internal endpoint answers in milliseconds, outside it never does.
_PROBE = 0.5
_STATES: Mapping[str, str] = {ABSENT: "missing", SAME: "present", OTHER: "different"}


class BackupUpload:
    """The path as the door runs it."""

    name = "oss_backup_upload"

    def __init__(self, services: Services, request: Request) -> None:
        self._services = services
        self._request = request
        self._tell: Tell | None = None
        self._client: OssClient | None = None
        self._files: dict[str, Local] = {}
        self._seen = Observed(region=None)
        self._failure: MigrationFailure | None = None
        self._pace: Pace | None = None
        self._outcomes: dict[str, Outcome] = {}
        self._leftovers: list[Unfinished] = []
        self._aborted: list[Unfinished] = []

    def observe(self) -> Observed:
        request = self._request
        instance = rds_instances.instance(self._services.rds, request.instance_id) if request.instance_id else None
        missing = bool(request.instance_id) and instance is None
        files = tuple(find_files(request))
        self._files = {file.key: file for file in files}
        if missing and not request.region:
            return Observed(region=None, files=files, instance_missing=True)
        self._client = client = oss_client(self._services, (instance.region if instance else None) or "")
        self._pace = self._new_pace(client)
        seen = Observed(
            region=client.region,
            files=files,
            instance_missing=missing,
            instance_region=instance.region if instance else None,
            rehearsal=client.read_only,
        )
        self._seen = self._with_bucket(client, seen)
        return self._seen

    def check(self, observed: Observed) -> list[Check]:
        return all_checks(self._request, observed)

    def plan(self, observed: Observed) -> Plan:
        return plan(self._request, observed)

    def apply(self, step: Step) -> None:
        if self._client is None:
            raise MigrationFailure(f"{step.action} was asked for before anything was read.", code="not_observed")
        key = step.parameters["Key"]
        if step.action == ABORT:
            self._abort(self._client, [u for u in self._client.uploads(self._request.bucket, key) if u.key == key])
            return
        if self._tell is None:
            self._tell = teller(self._services, self._request, to_upload(self._request, self._seen))
        if key not in self._outcomes and self._failure is None:
            self._upload_with_others(self._client, self._files[key])
        if key not in self._outcomes and self._failure is not None:
            raise self._failure

    def wait(self, observed: Observed) -> Observed:
        """An upload is over when apply is; the objects are looked at once more."""
        heads, identity = dict(observed.objects), dict(observed.identity)
        found = self._heads(self._client, list(self._outcomes)) if self._client else {}
        for key, outcome in self._outcomes.items():
            head = found.get(key)
            if head is None or head.size != outcome.size or head.crc64 not in (None, outcome.crc64):
                identity[key] = OTHER if head else ABSENT
                continue
            heads[key], identity[key] = head, SAME
        return observed._replace(objects=heads, identity=identity)

    def facts(self, observed: Observed, rehearsed: Plan | None) -> dict[str, Any]:
        coming = {file.key for file in to_upload(self._request, observed)} if rehearsed is not None else set()
        fit = [file for file in observed.files if file.usable and not wrong_key(file.key)]
        return {
            "bucket": self._request.bucket,
            "region": observed.region,
            "uploads": [self._facts_of(file, observed, predicted=file.key in coming) for file in fit],
            "left_out": [
                {"path": file.path, "reason": file.unreadable or file.problem or wrong_key(file.key)}
                for file in observed.files
                if file not in fit
            ],
            "leftovers": [_unfinished(u, "aborted") for u in self._aborted]
            + [_unfinished(u, "left") for u in self._leftovers],
        }

    # Reading

    def _with_bucket(self, client: OssClient, seen: Observed) -> Observed:
        request = self._request
        try:
            found = client.bucket(request.bucket)
        except ServiceError as error:
            if error.code != "AccessDenied":
                raise
            return seen._replace(refused=error)
        if found is None:
            return seen
        seen = seen._replace(bucket=found, owned=client.owns(request.bucket))
        keys = {file.key for file in seen.files if file.usable and not wrong_key(file.key)}
        listed = {row.key: row.size for row in client.objects(request.bucket, request.prefix) if row.key in keys}
        heads = self._heads(client, sorted(listed))
        identity, compared = {}, {}
        for file in (f for f in seen.files if f.key in heads):
            identity[file.key], compared[file.key] = self._identify(file, heads[file.key])
        uploads = tuple(u for u in client.uploads(request.bucket, request.prefix) if u.key in keys)
        seen = seen._replace(objects=heads, identity=identity, compared=compared, uploads=uploads)
        return self._surroundings(client, seen) if to_upload(request, seen) else seen

    def _heads(self, client: OssClient, keys: list[str]) -> dict[str, ObjectHead]:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(_READERS, len(keys) or 1)) as readers:
            found = readers.map(lambda key: client.head(self._request.bucket, key), keys)
            return {key: head for key, head in zip(keys, found, strict=True) if head is not None}

    def _identify(self, file: Local, head: ObjectHead) -> tuple[str, str]:
        """SAME or OTHER, and what told it."""
        if file.planned:
            return SAME, "nothing to compare it with yet"
        if head.size != file.size:
            return OTHER, f"{head.size} bytes, the file has {file.size}"
        named = {name: head.metadata.get(name) for name in (GUID, STRIPE)}
        ours = {name: file.metadata.get(name) for name in (GUID, STRIPE)}
        if self._request.verify != "full" and ours[GUID] and named == ours:
            return SAME, "size and backup set"
        if head.crc64 is None:
            told = named == ours and bool(ours[GUID])
            return (SAME, "size and backup set; no CRC-64 is told") if told else (OTHER, "another backup set")
        from .._alibaba.oss_upload import file_crc64

        same = file_crc64(file.path, self._request.threads) == head.crc64
        return (SAME, "CRC-64") if same else (OTHER, "the same size and another CRC-64")

    def _surroundings(self, client: OssClient, seen: Observed) -> Observed:
        from .._alibaba.crc64 import is_fast

        public = client.endpoint == f"https://{default_endpoint(client.region)}"
        internal = client.answers(default_endpoint(client.region, internal=True), _PROBE) if public else None
        return seen._replace(internal=internal, fast_checksums=is_fast())

    # Writing

    def _new_pace(self, client: OssClient) -> Pace | None:
        """The limit is for all uploads of the task together."""
        if self._request.bandwidth_limit is None:
            return None
        from .._alibaba.oss_upload_pace import Pace

        return Pace(self._request.bandwidth_limit, client.clock)

    def _upload_with_others(self, client: OssClient, file: Local) -> None:
        """A file of one part has nothing that threads could share, so they share the files of that kind."""
        from .._alibaba.oss_upload_crew import Crew

        threads = self._request.threads
        waiting = [f for f in to_upload(self._request, self._seen) if f.key not in self._outcomes]
        small = [f for f in waiting if _has_one_part(self._request, f)]
        if threads == 1 or file not in small or len(small) == 1:
            self._upload(client, file, threads)
            return
        try:
            Crew(threads).work_on(small, lambda one, _buffer: self._upload(client, one, 1))
        except MigrationFailure as failure:
            # It belongs to one of the files, and is told when that one's turn comes.
            done = [f.key for f in small if f.key in self._outcomes]
            if done:
                failure.reword(f"{failure.message} Beside it, {len(done)} of {len(small)} small files were uploaded.")
            self._failure = failure

    def _upload(self, client: OssClient, file: Local, threads: int) -> None:
        from .._alibaba.oss_upload import Wish, upload

        request, tell = self._request, self._tell
        wish = Wish(
            path=file.path,
            bucket=request.bucket,
            key=file.key,
            metadata=file.metadata,
            replace=self._seen.state_of(file.key) == OTHER,
            part_size=request.part_size,
            threads=threads,
            unfinished=tuple(u for u in self._seen.uploads if u.key == file.key),
        )
        told = None if tell is None else lambda progress: tell(file.key, progress, False)
        outcome = upload(client, wish, told, self._pace)
        if tell is not None:
            from .._progress import Progress

            tell(file.key, Progress(outcome.size, outcome.size, outcome.rate or 0.0, 0.0, outcome.sent_bytes), True)
        self._outcomes[file.key] = outcome
        if request.abort_leftovers:
            self._abort(client, outcome.leftovers)
        else:
            self._leftovers += outcome.leftovers

    def _abort(self, client: OssClient, uploads: Any) -> None:
        for unfinished in uploads:
            client.abort_upload(self._request.bucket, unfinished.key, unfinished.upload_id)
            self._aborted.append(unfinished)

    # Telling

    def _facts_of(self, file: Local, observed: Observed, *, predicted: bool) -> dict[str, Any]:
        head, outcome = observed.objects.get(file.key), self._outcomes.get(file.key)
        state = _STATES[observed.state_of(file.key)]
        facts = file.facts()
        return {
            "path": facts.pop("path"),
            "bucket": self._request.bucket,
            **facts,
            "crc64": _text(outcome.crc64 if outcome else head.crc64 if head and state == "present" else None),
            "state": "uploaded" if outcome or predicted else state,
            "resumed_parts": outcome.resumed_parts if outcome else None,
            "sent_bytes": outcome.sent_bytes if outcome else None,
            "seconds": round(outcome.seconds, 3) if outcome else None,
            "rate": round(outcome.rate) if outcome and outcome.rate else None,
            "predicted": predicted or (file.planned and state != "present"),
        }


def teller(services: Services, request: Request, files: Sequence[Local]) -> Tell | None:
    """Called with the key, the progress, and whether it ended: once a second and at the end of each upload."""
    address = os.environ.get(SOCKET_VARIABLE)
    if not (request.progress_file or address):
        return None
    from .._progress import ProgressFile, UploadTeller

    name, clock = BackupUpload.name, services.clock
    file = ProgressFile(request.progress_file, name, clock) if request.progress_file else None
    sizes = {file.key: file.size or 0 for file in files}
    watcher = UploadTeller(address, name, request.instance_id or request.bucket, sizes, clock) if address else None

    def tell(key: str, progress: Progress, ended: bool) -> None:
        if file:
            file.tell(key, progress)
        if watcher:
            watcher.tell(key, progress, ended=ended)

    return tell


def _has_one_part(request: Request, file: Local) -> bool:
    return file.size is not None and file.size <= (request.part_size or part_size_for(file.size))


def _text(crc: int | None) -> str | None:
    """As the service writes it: a number of 64 bits does not survive every JSON reader."""
    return None if crc is None else str(crc)


def _unfinished(upload: Unfinished, state: str) -> dict[str, Any]:
    return {"key": upload.key, "upload_id": upload.upload_id, "state": state}

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The go/no-go items of an upload, and its plan. Pure functions of (request, observed)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from .._alibaba.oss_model import Bucket, ObjectHead, Unfinished, default_endpoint, wrong_key
from .._alibaba.oss_parts import LARGEST_OBJECT, part_size_for, wrong_part_size
from .._failure import MigrationFailure
from .._plan import FAIL, PASS, UNKNOWN, WARN, Check, Plan, Step
from .backup_upload_files import Local
from .backup_upload_request import Request
from .bucket_checks import bucket_checks, instance_checks

UPLOAD, ABORT = "UploadObject", "AbortMultipartUpload"
# What an object under a key is, compared with the file.
ABSENT, SAME, OTHER = "absent", "same", "other"
MISSING, PARTIAL, UPLOADED, UNTOLD = "missing", "partial", "uploaded", "unknown"
_TB = 1000**4
# The vendor's guide to backups: what RDS restores of one database.
_LARGEST_BACKUP = 3 * _TB


class Observed(NamedTuple):
    """files: all that are meant. objects: what is under their keys, `same` where that is the file's backup.

    compared: how that was found out, by key. uploads: unfinished ones of these keys. internal: whether the internal
    endpoint answers, None where it was not tried. rehearsal: nothing may be written.
    """

    region: str | None
    files: tuple[Local, ...] = ()
    bucket: Bucket | None = None
    refused: MigrationFailure | None = None
    owned: bool | None = None
    instance_missing: bool = False
    instance_region: str | None = None
    objects: Mapping[str, ObjectHead] = MappingProxyType({})
    identity: Mapping[str, str] = MappingProxyType({})
    compared: Mapping[str, str] = MappingProxyType({})
    uploads: tuple[Unfinished, ...] = ()
    internal: bool | None = None
    fast_checksums: bool = True
    rehearsal: bool = False

    def state_of(self, key: str) -> str:
        return self.identity.get(key, ABSENT)


def to_upload(request: Request, observed: Observed) -> list[Local]:
    """The usable files whose object is not there, or is another one that may be replaced."""
    wanted = {ABSENT, OTHER} if request.overwrite else {ABSENT}
    return [f for f in observed.files if f.usable and not wrong_key(f.key) and observed.state_of(f.key) in wanted]


def all_checks(request: Request, observed: Observed) -> list[Check]:
    items = instance_checks(request.instance_id, observed)
    region = observed.instance_region or observed.region
    if observed.region is not None:
        items += _of_bucket(request, observed, region)
    items += _of_files(request, observed)
    items += _of_keys(request, observed)
    items += _of_sizes(request, observed)
    items += _of_leftovers(request, observed)
    if to_upload(request, observed):
        items += [_internal_endpoint(observed.region or "")] if observed.internal else []
        items += [] if observed.fast_checksums else [_slow_checksums()]
    return items


def plan(request: Request, observed: Observed) -> Plan:
    """A step for each file that is still to be uploaded, and for leftovers that are to go."""
    if observed.bucket is None and (observed.refused or observed.instance_missing):
        return Plan(state=UNTOLD, predicted_state=UNTOLD, unknown=f"what is in {request.bucket} cannot be read")
    wanted = [f for f in observed.files if f.usable]
    missing = to_upload(request, observed)
    steps = [*_abortions(request, observed), *(_upload_step(request, observed, file) for file in missing)]
    before = {f.key: _SHOWN[observed.state_of(f.key)] for f in wanted}
    after = {**before, **{f.key: _SHOWN[SAME] for f in missing}}
    state = _together(before.values())
    return Plan(
        state=state,
        steps=tuple(steps),
        predicted_state=_together(after.values()),
        before={"bucket": request.bucket, "objects": before},
        after={"bucket": request.bucket, "objects": after},
    )


_SHOWN = {ABSENT: "missing", SAME: "present", OTHER: "another object"}


def _together(states: Iterable[str]) -> str:
    there = [state == _SHOWN[SAME] for state in states]
    return UPLOADED if there and all(there) else PARTIAL if any(there) else MISSING


def _upload_step(request: Request, observed: Observed, file: Local) -> Step:
    other = observed.state_of(file.key) == OTHER
    why = f"another object is under {file.key} and is replaced" if other else f"{file.key} is not in {request.bucket}"
    size = file.size if file.size is not None else file.told.get("size")
    part_size = request.part_size or (part_size_for(size) if size is not None and size <= LARGEST_OBJECT else None)
    return Step(
        action=UPLOAD,
        target=request.bucket,
        subject=(file.label,),
        why=why,
        parameters={"Key": file.key, "Path": file.path, "Size": size, "PartSize": part_size, "Replace": other},
        # Names of backups hold the time at which they were taken.
        chosen_at_run_time=frozenset({"Key", "Path", "Size", "PartSize"}),
        # What is left of other uploads of this key goes with it, also what a run leaves that is cut short.
        choices={
            **({"overwrite": True} if other else {}),
            **({"abort_leftovers": True} if request.abort_leftovers else {}),
        },
    )


def _abortions(request: Request, observed: Observed) -> list[Step]:
    """Of objects that are there. What is left of those that are still to come may be gone on with."""
    if not request.abort_leftovers:
        return []
    coming = {file.key for file in to_upload(request, observed)}
    keys = sorted({u.key for u in observed.uploads} - coming)
    labels = {file.key: file.label for file in observed.files}
    return [
        Step(
            action=ABORT,
            target=request.bucket,
            subject=(labels.get(key, key),),
            why=f"an unfinished upload of {key} is left over",
            parameters={"Key": key},
            chosen_at_run_time=frozenset({"Key"}),
            choices={"abort_leftovers": True},
        )
        for key in keys
    ]


def _of_files(request: Request, observed: Observed) -> Iterable[Check]:
    if not observed.files:
        patterns = ", ".join(request.patterns)
        yield Check(
            "backups_found", FAIL, f"No file in {request.path} fits {patterns}.", "Correct path, patterns or recurse."
        )
        return
    bad = FAIL if request.invalid_backups == "fail" else WARN
    left_out = "" if bad == FAIL else " It is left out."
    for file in observed.files:
        if file.unreadable:
            remedy = "Correct path or backups, or the file's permissions."
            yield Check("file_readable", bad, f"{file.unreadable}{left_out}", remedy)
        elif file.problem:
            remedy = "Take it out of the folder or correct patterns; invalid_backups: skip leaves such files out."
            yield Check("backup_file", bad, f"{file.path}: {file.problem}{left_out}", remedy)
        elif file.planned:
            status = UNKNOWN if observed.rehearsal else FAIL
            remedy = "Run the step that makes it first."
            yield Check("backup_exists", status, f"{file.path} is planned and does not exist yet.", remedy)
        elif file.header is not None and file.header.complete is None:
            text = f"{file.path}: whether it is complete cannot be told."
            yield Check("backup_complete", UNKNOWN, text, "Verify it with RESTORE VERIFYONLY.")
    fine = [file for file in observed.files if file.usable and not file.planned]
    if fine:
        yield Check("backups_found", PASS, f"{len(fine)} of {len(observed.files)} files are backups to be uploaded")
    yield from _of_stripes(fine)


def _of_stripes(files: list[Local]) -> Iterable[Check]:
    """Half a stripe cannot be restored by anybody."""
    sets: dict[str, tuple[int, set[int]]] = {}
    for file in files:
        header = file.header
        if header is not None and header.media_set_id and header.stripe and (header.stripes or 1) > 1:
            sets.setdefault(header.media_set_id, (header.stripes or 1, set()))[1].add(header.stripe)
    labels = {file.header.media_set_id: file.database or file.path for file in files if file.header}
    for media_set, (count, there) in sets.items():
        text = f"The backup of {labels[media_set]} was written to {count} files"
        lacking = sorted(set(range(1, count + 1)) - there)
        text += f", of which {', '.join(map(str, lacking))} are missing here." if lacking else "."
        yield Check("stripes", WARN, text, "RDS restores from one file: take the backup to a single file.")


def _of_keys(request: Request, observed: Observed) -> Iterable[Check]:
    usable = [file for file in observed.files if file.usable]
    keys = [file.key for file in usable]
    for key in sorted({key for key in keys if keys.count(key) > 1}):
        paths = ", ".join(file.path for file in usable if file.key == key)
        yield Check("object_keys", FAIL, f"{paths} would all become {key}.", "Rename them, or upload them one by one.")
    for file in usable:
        if wrong_key(file.key):
            yield Check("object_keys", FAIL, f"{file.path}: {wrong_key(file.key)}.", "Rename the file, or set prefix.")
        elif observed.state_of(file.key) == OTHER:
            text = f"Another object is under {file.key} ({observed.compared.get(file.key, 'it differs')})."
            if request.overwrite:
                yield Check("object_conflict", WARN, f"{text} It is replaced.", "Leave overwrite out to keep it.")
            else:
                remedy = "Set overwrite: true to replace it, or choose another prefix."
                yield Check("object_conflict", FAIL, text, remedy)


def _of_sizes(request: Request, observed: Observed) -> Iterable[Check]:
    by_database: dict[str, int] = {}
    for file in (f for f in observed.files if f.usable and f.size is not None):
        size = file.size or 0
        if request.part_size and wrong_part_size(request.part_size, size):
            text = f"{file.path}: {wrong_part_size(request.part_size, size)}."
            yield Check("part_size", FAIL, text, "Leave part_size out: one that fits is chosen.")
        if size > _LARGEST_BACKUP:
            text = f"{file.path} has {size / _TB:.1f} TB; RDS restores 3 TB of a database at most."
            yield Check("backup_size", FAIL, text, "Compress the backup, or use another way to migrate.")
            continue
        by_database[file.database or ""] = by_database.get(file.database or "", 0) + size
    for database, total in sorted(by_database.items()):
        if database and total > _LARGEST_BACKUP:
            text = f"The backups of {database} have {total / _TB:.1f} TB together; RDS restores 3 TB at most."
            yield Check("backup_size", WARN, text, "Upload only the backups that are restored.")


def _of_leftovers(request: Request, observed: Observed) -> Iterable[Check]:
    coming = {file.key for file in to_upload(request, observed)}
    for key in sorted({u.key for u in observed.uploads}):
        count = sum(u.key == key for u in observed.uploads)
        if key in coming and count == 1:
            yield Check(
                "unfinished_uploads", PASS, f"an unfinished upload of {key} is gone on with if it is of this file"
            )
        elif not request.abort_leftovers:
            text = f"{count} unfinished uploads of {key} are left over; their parts cost storage."
            yield Check("unfinished_uploads", WARN, text, "Set abort_leftovers: true to remove what is not needed.")


def _of_bucket(request: Request, observed: Observed, region: str | None) -> list[Check]:
    if observed.refused:
        return [Check("bucket_access", FAIL, observed.refused.message, observed.refused.remedy)]
    return bucket_checks(
        request.bucket,
        observed.bucket,
        region=region,
        owned=observed.owned,
        predicted=request.bucket_predicted and observed.rehearsal,
    )


def _internal_endpoint(region: str) -> Check:
    return Check(
        "internal_endpoint",
        WARN,
        f"This host is in {region}: the internal endpoint answers here, costs no traffic and is faster.",
        f"Set oss_endpoint: {default_endpoint(region, internal=True)}.",
    )


def _slow_checksums() -> Check:
    return Check(
        "checksum_library",
        WARN,
        "The Python package fastcrc is missing where the module runs: checksums take most of the time.",
        "Install it there: pip install fastcrc.",
    )

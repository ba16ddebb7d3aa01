# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The backup files that a call names: where they are, and whether the service can and will fetch them."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

from ..clock import parse_utc
from ..default_world import IMPORT_ROLE
from ..documents import Instant
from ..errors import ApiError
from ..model import Instance
from ..model_migrations import MigrateFile, MigrateTask
from ..registry import Call
from ..restore_rules import facts_of, is_2008_r2
from ..world import World

_EXTENSIONS = (".bak", ".diff", ".trn", ".log")
_ENDPOINT = re.compile(r"oss-([a-z0-9-]+?)(?:-internal)?\.aliyuncs\.com")
_MOST_BYTES = 3 * 1024**4


def named_files(world: World, call: Call, instance: Instance) -> list[MigrateFile]:
    """The files of a call, in the form that the version of the instance takes. ApiError if they cannot be used."""
    files = _by_urls(world, call, instance) if is_2008_r2(instance) else [_by_position(world, call, instance)]
    for file in files:
        if not file.key.lower().endswith(_EXTENSIONS):
            raise ApiError("IncorrectFileExtension", 400, f"The file {file.name[:64]} has a wrong extension.")
        if file.problem and world.variants["unusable_object"] != "task":
            raise world.variants.error("unusable_object", f"{file.name[:64]}: {file.problem}.")
    return files


def require_sizes(world: World, instance: Instance, files: list[MigrateFile], chain: MigrateTask | None) -> None:
    """ApiError if the files are too large together, or what is in them is too large for the instance."""
    earlier = sum(one.size for one in chain.files) if chain else 0
    if earlier + sum(file.size for file in files) > _MOST_BYTES:
        raise ApiError("BakFileSizeExceeded", 400, "The backup files are larger than 3 TB together.")
    limits = {"storage": instance.storage_gb * 1024**3, "free": instance.free}
    limit = limits.get(world.variants["restored_size"])
    found = world.objects.object(files[0].bucket, files[0].key)
    if limit is None or chain is not None or found is None:
        return
    if facts_of(found).required_storage > limit:
        raise ApiError("FileSizeExceeded", 400, "The database does not fit the storage of the instance.")


def _by_position(world: World, call: Call, instance: Instance) -> MigrateFile:
    """OssObjectPositions: endpoint, bucket and key with colons between them."""
    text = call.text("OssObjectPositions")
    if not text:
        raise ApiError("MissingParameter", 400, "The parameter OssObjectPositions is required.")
    parts = text.split(":")
    if len(parts) != 3 or not all(parts):
        raise ApiError("InvalidOssUrl", 400, "OssObjectPositions is ENDPOINT:BUCKET:KEY.")
    endpoint, bucket, key = parts
    known = _ENDPOINT.fullmatch(endpoint)
    if known is None or key.startswith("/"):
        raise ApiError("InvalidOssUrl", 400, f"{endpoint[:64]} is no endpoint, or the key begins with a slash.")
    file = _file(world, bucket, key)
    file.problem = _bucket_problem(world, instance, bucket, known.group(1)) or file.problem
    if IMPORT_ROLE not in world.state.accounts[instance.account_id].roles:
        file.problem = f"the role {IMPORT_ROLE} does not exist"
    return file


def _by_urls(world: World, call: Call, instance: Instance) -> list[MigrateFile]:
    """OSSUrls: signed URLs, URL-encoded as a whole, with vertical bars between them."""
    text = call.text("OSSUrls")
    if not text:
        raise ApiError("MissingParameter", 400, "The parameter OSSUrls is required.")
    return [_by_url(world, instance, url) for url in unquote(text).split("|")]


def _by_url(world: World, instance: Instance, url: str) -> MigrateFile:
    try:
        parts = urlsplit(url)
        bucket, _dot, endpoint = (parts.hostname or "").partition(".")
    except ValueError:
        raise ApiError("InvalidOssUrl", 400, "OSSUrls holds something that is no URL.") from None
    known = _ENDPOINT.fullmatch(endpoint)
    key = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in ("http", "https") or known is None or not key or not bucket:
        raise ApiError("InvalidOssUrl", 400, "OSSUrls holds something that is no URL of an object.")
    file = _file(world, bucket, key)
    file.problem = (
        _expiry_problem(parts.query, world.clock.now())
        or _bucket_problem(world, instance, bucket, known.group(1))
        or file.problem
    )
    return file


def _expiry_problem(query: str, now: float) -> str:
    """Why a signed URL gives no access any more. Its signature is not judged here."""
    given = dict(parse_qsl(query))
    try:
        if "Signature" in given:
            end = float(int(given["Expires"]))
        elif "x-oss-signature" in given:
            end = parse_utc(given["x-oss-date"], "%Y%m%dT%H%M%SZ") + int(given["x-oss-expires"])
        else:
            return "the URL is not signed"
    except (KeyError, ValueError):
        return "the URL is not signed in a form that is known"
    return "the URL has expired" if end < now else ""


def _file(world: World, bucket: str, key: str) -> MigrateFile:
    found = world.objects.object(bucket, key)
    file = MigrateFile(bucket, key, task_id="", migrate_task_id="", created=Instant(world.clock.now()))
    if found is None:
        file.problem = "there is no such object"
        return file
    file.size = found.size
    if found.storage_class != "Standard":
        file.problem = f"the storage class of the object is {found.storage_class}"
    elif found.encrypted:
        file.problem = "the object is encrypted"
    return file


def _bucket_problem(world: World, instance: Instance, name: str, endpoint_region: str) -> str:
    bucket = world.objects.bucket(name)
    if bucket is None:
        return "there is no such bucket"
    if bucket.account_id != instance.account_id:
        return "the bucket belongs to another account"
    if bucket.region != endpoint_region:
        return "the bucket is not at this endpoint"
    if bucket.region != instance.region:
        return "the bucket is in another region than the instance"
    if bucket.storage_class != "Standard":
        return f"the storage class of the bucket is {bucket.storage_class}"
    return "the bucket is encrypted" if bucket.encrypted else ""

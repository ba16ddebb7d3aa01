# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What a migration from backups is asked for, and whether that can be meant."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from .._alibaba.oss_model import folder
from .._failure import broken_texts, refuse_options
from .._waiting import Patience, wrong_times


class Given(NamedTuple):
    """One backup as the task names it. database, type: "" where the header is to tell. predicted: not uploaded yet."""

    key: str
    database: str = ""
    type: str = ""
    new_name: str = ""
    start: str = ""
    size: int | None = None
    required_storage: int | None = None
    stripes: int | None = None
    predicted: bool = False


class Request(NamedTuple):
    """What the task asks for. Times in seconds. given: None where the objects under prefix are taken."""

    instance_id: str
    bucket: str
    state: str
    bucket_predicted: bool = False
    prefix: str = ""
    recurse: bool = False
    given: tuple[Given, ...] | None = None
    new_names: Mapping[str, str] = {}
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    check_db_mode: str = "AsyncExecuteDBCheck"
    keep_cdc: bool | None = None
    over_quota: str = "fail"
    on_existing: str = "accept"
    migrate_task_id: str = ""
    applied_through: datetime | None = None
    url_lifetime: int = 28800
    settle: float = 60.0
    wait: bool = True
    patience: Patience = Patience(timeout=21600.0, interval=15.0)

    def wants(self, database: str) -> bool:
        """Whether include and exclude leave the database in. Case does not count, as on most servers."""
        name = database.casefold()
        if self.include and not any(fnmatch.fnmatchcase(name, p.casefold()) for p in self.include):
            return False
        return not any(fnmatch.fnmatchcase(name, p.casefold()) for p in self.exclude)


def read_request(options: Mapping[str, Any]) -> Request:
    """The module's options as a Request. Raises BadRequest with everything that is wrong at once."""
    refuse_options(broken_texts(options))
    problems: list[str] = []
    for name in ("instance_id", "bucket"):
        if not (options[name] or "").strip() and (name != "bucket" or options["state"] != "terminated"):
            problems.append(f"{name} must not be empty")
    given = _given(options, problems)
    problems += _contradictions(options)
    problems += wrong_times(options, ("wait_timeout", "poll_interval", "settle"))
    applied_through = _moment(options["applied_through"], problems)
    refuse_options(problems)
    return Request(
        instance_id=options["instance_id"].strip(),
        bucket=(options["bucket"] or "").strip(),
        state=options["state"],
        bucket_predicted=options["bucket_predicted"],
        prefix=folder(options["prefix"] or ""),
        recurse=options["recurse"],
        given=given,
        new_names=dict(options["new_names"] or {}),
        include=tuple(options["include"]),
        exclude=tuple(options["exclude"]),
        check_db_mode=options["check_db_mode"],
        keep_cdc=options["keep_cdc"],
        over_quota=options["over_quota"],
        on_existing=options["on_existing"],
        migrate_task_id=(options["migrate_task_id"] or "").strip(),
        applied_through=applied_through,
        url_lifetime=options["url_lifetime"],
        settle=options["settle"],
        wait=options["wait"],
        patience=Patience(options["wait_timeout"], options["poll_interval"]),
    )


def _contradictions(options: Mapping[str, Any]) -> Iterable[str]:
    state = options["state"]
    if state == "terminated":
        if not (options["include"] or options["migrate_task_id"]):
            yield 'state: terminated needs include (["*"] means all of the instance) or migrate_task_id'
    elif (options["prefix"] is None) == (options["backups"] is None):
        yield "one of prefix and backups is needed, and not both"
    if options["url_lifetime"] < 60:
        yield "url_lifetime must be at least 60 seconds"
    if any(not isinstance(new, str) or not new for new in (options["new_names"] or {}).values()):
        yield "new_names maps names of databases to new names; quote what looks like a number"


def _given(options: Mapping[str, Any], problems: list[str]) -> tuple[Given, ...] | None:
    if options["backups"] is None:
        return None
    found: list[Given] = []
    for number, item in enumerate(options["backups"], 1):
        found += _given_item(f"backups item {number}", item, options["bucket"], problems)
    keys = [one.key for one in found]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice and not any(one.new_name for one in found):
        problems.append(f"backups names an object more than once: {', '.join(twice)}")
    if not found and not problems and options["state"] != "terminated":
        problems.append("backups is empty")
    return tuple(found)


def _given_item(where: str, item: Mapping[str, Any], bucket: str | None, problems: list[str]) -> list[Given]:
    """One item; a chain, given as keys, becomes several."""
    keys = item.get("keys") or ([item["key"]] if item.get("key") else [])
    if not isinstance(keys, list) or not all(isinstance(key, str) and key.strip("/") for key in keys):
        problems.append(f"{where} needs key, the object's name in the bucket, or keys, a list of them in their order")
        return []
    if not keys:
        hint = " (upload it first: oss_backup_upload returns the keys)" if item.get("path") else ""
        problems.append(f"{where} has neither key nor keys{hint}")
        return []
    type_ = str(item.get("type") or "").lower()
    if item.get("bucket") not in (None, "", bucket):
        problems.append(f"{where} lies in the bucket {item['bucket']}, not in {bucket}")
        return []
    texts = {name: item.get(name) or "" for name in ("database", "new_name")}
    wrong = [name for name, value in texts.items() if not isinstance(value, str)]
    if wrong:
        problems.append(f"{where}: {' and '.join(wrong)} must be text; quote what looks like a number")
        return []
    alone = len(keys) == 1
    return [
        Given(
            key=key.lstrip("/"),
            database=texts["database"],
            type=type_ if alone else "",
            new_name=texts["new_name"],
            start=str(item.get("start") or "") if alone else "",
            size=_whole(item.get("size")) if alone else None,
            required_storage=_whole(item.get("required_storage")) if alone else None,
            stripes=_whole(item.get("stripes")) if alone else None,
            predicted=bool(item.get("predicted")),
        )
        for key in keys
    ]


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _moment(text: str | None, problems: list[str]) -> datetime | None:
    """ISO 8601, with or without an offset, as backup headers are shown."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        problems.append(f"applied_through is not a time of the form 2026-01-31T23:59:59: {text}")
        return None

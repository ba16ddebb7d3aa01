# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What an upload of backups is asked for, and whether that can be meant."""

from __future__ import annotations

import ntpath
import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from .._alibaba.oss_model import folder, wrong_bucket_name
from .._alibaba.oss_parts import LARGEST_PART, SMALLEST_PART
from .._alibaba.oss_session import MOST_CONNECTIONS
from .._failure import refuse_options

PATTERNS = ("*.bak", "*.diff", "*.trn", "*.log")


class Given(NamedTuple):
    """A backup that an earlier task told of. told: its item as it came. predicted: it may not exist yet."""

    path: str
    told: Mapping[str, Any] = MappingProxyType({})
    predicted: bool = False


class Request(NamedTuple):
    """What the task asks for. given: None where `path` decides. prefix: the beginning of each key. Sizes in bytes."""

    bucket: str
    prefix: str
    path: str = ""
    patterns: tuple[str, ...] = PATTERNS
    recurse: bool = False
    given: tuple[Given, ...] | None = None
    instance_id: str = ""
    region: str = ""
    part_size: int | None = None
    threads: int = 4
    bandwidth_limit: int | None = None
    verify: str = "size"
    overwrite: bool = False
    abort_leftovers: bool = False
    invalid_backups: str = "fail"
    progress_file: str = ""
    bucket_predicted: bool = False


def read_request(options: Mapping[str, Any]) -> Request:
    """The module's options as a Request. Raises BadRequest with everything that is wrong at once."""
    problems: list[str] = []
    path = options["path"] or ""
    if not path and options["backups"] is None:
        problems.append("one of path and backups is needed")
    if wrong_bucket_name(options["bucket"]):
        problems.append(f"bucket: {wrong_bucket_name(options['bucket'])}")
    if not 1 <= options["threads"] <= MOST_CONNECTIONS:
        problems.append(f"threads must be 1 to {MOST_CONNECTIONS}, not {options['threads']}")
    part_size, limit = options["part_size"], options["bandwidth_limit"]
    if part_size is not None and not SMALLEST_PART <= part_size <= LARGEST_PART:
        problems.append(f"part_size must be {SMALLEST_PART} to {LARGEST_PART} bytes, not {part_size}")
    if limit is not None and limit < 1:
        problems.append(f"bandwidth_limit must be a number of bytes per second, not {limit}")
    if not options["patterns"]:
        problems.append("patterns is empty")
    given = _given(options["backups"], path, problems)
    refuse_options(problems)
    return Request(
        bucket=options["bucket"],
        prefix=folder(options["prefix"]),
        path=path,
        patterns=tuple(options["patterns"]),
        recurse=options["recurse"],
        given=given,
        instance_id=(options["instance_id"] or "").strip(),
        region=(options["region"] or "").strip(),
        part_size=part_size,
        threads=options["threads"],
        bandwidth_limit=limit,
        verify=options["verify"],
        overwrite=options["overwrite"],
        abort_leftovers=options["abort_leftovers"],
        invalid_backups=options["invalid_backups"],
        progress_file=options["progress_file"] or "",
        bucket_predicted=options["bucket_predicted"],
    )


def _given(items: Any, place: str, problems: list[str]) -> tuple[Given, ...] | None:
    """The backups an earlier task told of, each file once. With `path`, they are looked for there by their name: SQL
    Server tells paths of its own host."""
    if items is None:
        return None
    found: dict[str, Given] = {}
    for number, item in enumerate(items, 1):
        path = item.get("path")
        if not isinstance(path, str) or not path:
            state = item.get("state")
            problems.append(f"backups item {number} has no path" + (f" (its state is {state})" if state else ""))
            continue
        here = os.path.join(place, ntpath.basename(path)) if place else path
        found.setdefault(here, Given(here, item, bool(item.get("predicted"))))
    if not found and not problems:
        problems.append("backups is empty")
    return tuple(found.values())

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The go/no-go items about the files of a backup: where they go, whether they fit, what they are called. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from .._alibaba.reserved_names import RESERVED_DATABASE_NAMES
from .._databases.sqlserver_backup_statements import LONGEST_PATH, safe_stem
from .._databases.sqlserver_source import Database
from .._plan import FAIL, PASS, UNKNOWN, WARN, Check, listed
from .sqlserver_backup_plan import Observed, path_of
from .sqlserver_backup_request import Request

_GIB = 1024**3


def in_order(names: Iterable[str]) -> str:
    return listed(sorted(names), 20)


def folder(request: Request, observed: Observed) -> Check:
    name, style = "folder", observed.server.style
    place = style.tidy(request.folder)
    if not style.is_absolute(request.folder):
        example = "D:\\backup or \\\\host\\share" if style.windows else "/var/opt/mssql/backup"
        return Check(name, FAIL, f"{request.folder} is no full path of the server.", f"Write folder like {example}.")
    if observed.folder is None:
        return Check(name, UNKNOWN, f"The server did not tell whether {place} exists.", "Look whether it is there.")
    if observed.folder.folder:
        return Check(name, PASS, f"{place} exists")
    if observed.folder.file:
        return Check(name, FAIL, f"{place} is a file.", "Choose another folder.")
    if observed.root is not None and not observed.root.folder:
        detail = f"{style.root(place)} does not exist for the server, so {place} cannot be made."
        return Check(name, FAIL, detail, "Correct folder; it is a path of the server's machine, not of this one.")
    if not observed.server.sysadmin:
        detail = f"{place} does not exist, and the login, no member of sysadmin, can hardly make it."
        return Check(name, WARN, detail, "Make the folder, or use such a login.")
    return Check(name, PASS, f"{place} will be made")


def free_space(request: Request, observed: Observed, to_do: list[Database]) -> Check:
    name = "free_space"
    expected = [observed.expected.get(d.name) for d in to_do]
    sizes = [e.size for e in expected if e is not None and e.size is not None]
    if observed.free is None or len(sizes) < len(to_do):
        what = "how much is free on the volume" if observed.free is None else "how large the backups will be"
        return Check(name, UNKNOWN, f"The server did not tell {what}.", "Look at the volume of the folder.")
    needed, exact = sum(sizes), all(e is not None and e.exact for e in expected)
    detail = f"{observed.free / _GIB:.1f} GiB are free, the backups take up to {needed / _GIB:.1f} GiB"
    if needed < observed.free:
        return Check(name, PASS, detail)
    compressed = request.wish.compression or (request.wish.compression is None and observed.server.compresses)
    return Check(
        name,
        FAIL if exact and not compressed else WARN,
        detail + (" before compression." if compressed else "."),
        "Free space, choose another folder, or set compression: true.",
    )


def file_names(to_do: list[Database]) -> Check:
    changed = [f"{d.name} becomes {safe_stem(d.name)}" for d in to_do if safe_stem(d.name) != d.name]
    if not changed:
        return Check("file_names", PASS, "all names can stand in file names")
    return Check(
        "file_names",
        WARN,
        f"Not every character can stand in a file name: {in_order(changed)}. The backups keep the true names.",
        "Nothing, where this collection uploads and restores them. Tools that take the name from the file will not.",
    )


def path_lengths(request: Request, observed: Observed, to_do: list[Database]) -> Check:
    long = [d.name for d in to_do if len(path_of(request, observed, d)) > LONGEST_PATH]
    if not long:
        return Check("path_length", PASS, "all paths are short enough")
    detail = f"The paths of {in_order(long)} are longer than {LONGEST_PATH} characters."
    return Check("path_length", FAIL, detail, "Choose a folder with a shorter path.")


def target_names(to_do: list[Database]) -> Check:
    odd = [d.name for d in to_do if d.name.casefold() in RESERVED_DATABASE_NAMES or any(c in d.name for c in "@|")]
    if not odd:
        return Check("target_names", PASS, "no name is reserved at RDS")
    remedy = "Nothing for the backup. Restore them under other names."
    return Check("target_names", WARN, f"RDS does not take these as names of databases: {in_order(odd)}.", remedy)

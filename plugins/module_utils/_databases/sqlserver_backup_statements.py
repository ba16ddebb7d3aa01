# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The statements of a backup, the names of its files, and paths as the server writes them. Pure.

Syntax: Microsoft's pages on BACKUP, RESTORE VERIFYONLY and DBCC CHECKDB (SQL Server 2008 and later). File names: the
form that ApsaraDB RDS demands, DatabaseName_TYPE_yyyymmddhhmmss.bak.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import NamedTuple

from .sqlserver_language import quoted_name, quoted_text

FULL, DIFFERENTIAL, LOG = "full", "differential", "log"
# In the name of a file, and in msdb.dbo.backupset.type.
WORDS = {FULL: "FULL", DIFFERENTIAL: "DIFF", LOG: "LOG"}
LETTERS = {FULL: "D", DIFFERENTIAL: "I", LOG: "L"}
# No file may be named with these on Windows, and RDS refuses @ and |.
_NOT_IN_FILE_NAMES = re.compile(r'[\\/:*?"<>|@\x00-\x1f\x7f]')
# Windows counts UTF-16 units, Linux bytes; both end at 255, of which type, time and ending need 24.
_LONGEST_STEM = 200
LONGEST_PATH = 259


class Wish(NamedTuple):
    """What to back up and how. compression: None leaves it to the server's configuration."""

    kind: str = FULL
    copy_only: bool = True
    checksum: bool = True
    compression: bool | None = None


def backup_statement(database: str, path: str, wish: Wish, *, name: str) -> str:
    """NOINIT: should the file be there after all, the backup is put behind what it holds, and nothing is lost.

    name: at most 128 characters; msdb keeps it, which is how the backup is found again after a lost answer.
    """
    options = ["NOFORMAT", "NOINIT"]
    if wish.kind == DIFFERENTIAL:
        options.append("DIFFERENTIAL")
    if wish.copy_only:
        options.append("COPY_ONLY")
    options.append("CHECKSUM" if wish.checksum else "NO_CHECKSUM")
    if wish.checksum:
        options.append("STOP_ON_ERROR")
    if wish.compression is not None:
        options.append("COMPRESSION" if wish.compression else "NO_COMPRESSION")
    options += [f"NAME = {quoted_text(name)}", "STATS = 5"]
    what = "LOG" if wish.kind == LOG else "DATABASE"
    return f"BACKUP {what} {quoted_name(database)} TO DISK = {quoted_text(path)} WITH {', '.join(options)}"


def verify_statement(path: str, *, checksum: bool) -> str:
    options = " WITH CHECKSUM" if checksum else ""
    return f"RESTORE VERIFYONLY FROM DISK = {quoted_text(path)}{options}"


def check_statement(database: str) -> str:
    return f"DBCC CHECKDB ({quoted_text(database)}) WITH NO_INFOMSGS, ALL_ERRORMSGS"


def create_folder_statement(folder: str) -> str:
    return f"EXEC master.dbo.xp_create_subdir {quoted_text(folder)}"


def safe_stem(database: str) -> str:
    """The database's name as it stands in file names: itself wherever possible.

    Where not, what cannot stand there becomes an underscore and six digits of the name's checksum follow, so that no
    two databases share a file. The backup itself keeps the true name.
    """
    stem = _NOT_IN_FILE_NAMES.sub("_", database)
    while len(stem.encode("utf-8", "surrogatepass")) > _LONGEST_STEM:
        stem = stem[:-1]
    # A leading space or dot is legal, and is lost or hidden by half of the tools that copy files.
    stem = re.sub(r"^[ .]", "_", stem)
    if stem == database:
        return stem
    return f"{stem}-{hashlib.sha256(database.encode('utf-8', 'surrogatepass')).hexdigest()[:6]}"


def file_name(database: str, kind: str, moment: datetime) -> str:
    """In the form that RDS demands. moment: of the server's clock."""
    return f"{safe_stem(database)}_{WORDS[kind]}_{moment:%Y%m%d%H%M%S}.bak"


def is_file_name_of(name: str, database: str, kind: str) -> bool:
    pattern = re.escape(f"{safe_stem(database)}_{WORDS[kind]}_") + r"\d{14}\.bak"
    return re.fullmatch(pattern, name, re.IGNORECASE) is not None


class PathStyle(NamedTuple):
    """How the server writes paths, whatever system we run on."""

    windows: bool

    @property
    def separator(self) -> str:
        return "\\" if self.windows else "/"

    def is_absolute(self, folder: str) -> bool:
        if self.windows:
            return re.match(r"[A-Za-z]:[\\/]|[\\/]{2}[^\\/]+[\\/][^\\/]+", folder) is not None
        return folder.startswith("/")

    def tidy(self, folder: str) -> str:
        """In one form: the server's separators, none of them at the end but in a root."""
        if not self.windows:
            return "/" + "/".join(part for part in folder.split("/") if part)
        share = re.match(r"[\\/]{2}", folder) is not None
        parts = [part for part in re.split(r"[\\/]+", folder) if part]
        joined = ("\\\\" if share else "") + "\\".join(parts)
        return joined + "\\" if re.fullmatch(r"[A-Za-z]:", joined) else joined

    def join(self, folder: str, name: str) -> str:
        tidied = self.tidy(folder)
        return tidied + name if tidied.endswith(self.separator) else tidied + self.separator + name

    def split(self, path: str) -> tuple[str, str]:
        """(folder, name) of a path of the server."""
        cut = max(path.rfind(sign) for sign in (self.separator, "/"))
        return self.tidy(path[: cut + 1]), path[cut + 1 :]

    def same(self, one: str, other: str) -> bool:
        """Windows does not tell upper from lower case."""
        one, other = self.tidy(one), self.tidy(other)
        return one.casefold() == other.casefold() if self.windows else one == other

    def root(self, folder: str) -> str:
        """The drive, share or root that a folder can be made in."""
        tidied = self.tidy(folder)
        if not self.windows:
            return "/"
        if tidied.startswith("\\\\"):
            return "\\\\" + "\\".join(tidied[2:].split("\\")[:2])
        return tidied[:3]

    def lies_on(self, folder: str, mount: str) -> bool:
        """Whether a folder is on the volume that is mounted there."""
        folder, mount = self.tidy(folder), self.tidy(mount)
        if self.windows:
            folder, mount = folder.casefold(), mount.casefold()
        return folder == mount or folder.startswith(mount.rstrip(self.separator) + self.separator)

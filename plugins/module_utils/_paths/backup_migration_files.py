# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Which backups belong to which database, and in which order they are applied. Pure.

The header of a backup is believed before its name. What was only predicted has no header yet; for that the task's word
counts until the file is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .backup_migration_request import Given, Request

FULL, DIFFERENTIAL, LOG = "full", "differential", "log"
EXTENSIONS = (".bak", ".diff", ".trn", ".log")
_OLDEST = datetime.min.replace(tzinfo=timezone.utc)


class Backup(NamedTuple):
    """One object of the bucket. header: what read_backup() found; None while the object was not read.

    unreadable: why it was not. found: None where nobody looked. position: its place in the task's own list.
    """

    key: str
    given: Given
    size: int | None = None
    found: bool | None = True
    header: Any = None
    unreadable: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    position: int = 0

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return self.key.rpartition("/")[2]

    @property
    def first_set(self) -> Any:
        """The header's first backup set, or None."""
        return self.header.sets[0] if self.header is not None and self.header.sets else None

    @property
    def database(self) -> str:
        """ "" where neither header nor task tell it."""
        return (self.first_set.database if self.first_set else None) or self.given.database

    @property
    def type(self) -> str:
        known = self.first_set.type if self.first_set and self.first_set.type != "unknown" else ""
        return known or self.given.type

    @property
    def start(self) -> str | None:
        return (self.first_set.start if self.first_set else None) or self.given.start or None

    @property
    def finish(self) -> str | None:
        return (self.first_set.finish if self.first_set else None) or self.start

    @property
    def required_storage(self) -> int | None:
        told = self.first_set.required_storage if self.first_set else self.given.required_storage
        sizes = [size for size in (told, self.size) if size is not None]
        return max(sizes) if told is not None else None

    @property
    def when(self) -> datetime:
        """For ordering: the finish, as an instant where the header has an offset."""
        return moment_of(self.finish) or _OLDEST

    def value_of_tag(self, name: str) -> str:
        return dict(self.tags).get(name, "")


class DatabaseBackups(NamedTuple):
    """The backups of one database that lead to one target. base: the full backup, if there is one.

    later: what is applied after it, in order. superseded: what is not needed, because something newer is.
    """

    database: str
    target: str
    base: Backup | None
    later: tuple[Backup, ...] = ()
    superseded: tuple[Backup, ...] = ()

    @property
    def used(self) -> tuple[Backup, ...]:
        return (self.base, *self.later) if self.base else self.later


class Sorted(NamedTuple):
    """databases: by target name. loose: backups of no known database. left_out: by include and exclude."""

    databases: tuple[DatabaseBackups, ...]
    loose: tuple[Backup, ...]
    left_out: tuple[Backup, ...]


def moment_of(text: str | None) -> datetime | None:
    """An ISO 8601 time; without an offset it is taken as UTC, which is enough for an order."""
    try:
        found = datetime.fromisoformat((text or "").replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def sort_backups(request: Request, backups: Iterable[Backup], alive: Iterable[str] = ()) -> Sorted:
    """Puts backups to their databases. alive: keys of full backups whose chain on the instance is still open."""
    groups: dict[tuple[str, str], list[Backup]] = {}
    loose, left_out, living = [], [], frozenset(alive)
    for backup in backups:
        if not _wanted(request, backup):
            left_out.append(backup)
            continue
        if not backup.database:
            loose.append(backup)
            continue
        target = backup.given.new_name or request.new_names.get(backup.database) or backup.database
        groups.setdefault((backup.database, target), []).append(backup)
    found = [_of_one_database(name, target, group, living) for (name, target), group in groups.items()]
    return Sorted(tuple(sorted(found, key=lambda d: (d.target, d.database))), tuple(loose), tuple(left_out))


def _wanted(request: Request, backup: Backup) -> bool:
    """Patterns name a database, or a file: some tell no database. Either is enough to include, and to exclude."""
    names = [name for name in (backup.database, backup.name) if name]
    only_included = request._replace(exclude=())
    only_excluded = request._replace(include=())
    return any(map(only_included.wants, names)) and all(map(only_excluded.wants, names))


def _of_one_database(database: str, target: str, group: Sequence[Backup], living: frozenset[str]) -> DatabaseBackups:
    in_order = sorted(group, key=lambda b: (b.when, b.position))
    fulls = [b for b in in_order if b.type == FULL]
    base = next((b for b in reversed(fulls) if b.key in living), fulls[-1] if fulls else None)
    rest = [b for b in in_order if b.type != FULL]
    if base is None:
        return DatabaseBackups(database, target, None, tuple(rest))
    differentials = [b for b in rest if b.type == DIFFERENTIAL and _after(b, base)]
    newest = differentials[-1:]
    since = newest[0] if newest else base
    logs = [b for b in rest if b.type == LOG and _after(b, since)]
    # A type that RDS does not restore stays in, so that a check can name it.
    strange = [b for b in rest if b.type not in (DIFFERENTIAL, LOG)]
    later = (*newest, *logs, *strange)
    superseded = tuple(b for b in in_order if b is not base and b not in later)
    return DatabaseBackups(database, target, base, later, superseded)


def _after(backup: Backup, base: Backup) -> bool:
    """Whether the backup holds anything that the base does not. Without times the order of the task's list counts."""
    if moment_of(backup.finish) is None or moment_of(base.finish) is None:
        return backup.position > base.position
    if backup.when == base.when:
        return _lsn(backup) > _lsn(base)
    return backup.when > base.when


def _lsn(backup: Backup) -> int:
    text = (backup.first_set.last_lsn if backup.first_set else None) or ""
    return int(text) if text.isdecimal() else 0

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""What is in the bucket, and which open chains belong to it: the reading part of a migration from backups."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from .._alibaba import rds
from .._alibaba import rds_backup_tasks as api
from .._alibaba.errors import ServiceError
from .._alibaba.rpc import RpcClient
from .backup_migration_files import EXTENSIONS, Backup, DatabaseBackups, Sorted, sort_backups
from .backup_migration_request import Given, Request
from .backup_migration_seen import Chain, Observed
from .backup_migration_steps import chain_tag

if TYPE_CHECKING:
    from .._alibaba.oss import OssClient
    from .._alibaba.oss_model import Bucket

T = TypeVar("T")
# Requests to OSS in flight for each one to RDS: it takes thousands per second, so that only its distance counts.
_MORE_OF_OSS = 4


class BackupReading:
    """workers: how many requests are sent to RDS at a time."""

    def __init__(self, client: RpcClient, oss: OssClient, request: Request, workers: int) -> None:
        self._client = client
        self._oss = oss
        self._request = request
        self._workers = workers

    def with_backups(self, seen: Observed) -> Observed:
        """Adds the bucket, its backups with their headers, and the chains that are open."""
        bucket, refused = self._bucket()
        if bucket is None:
            planned = self._listed()[0] if self._request.given is not None else []
            return seen._replace(backups=sort_backups(self._request, planned), bucket_refused=refused)
        listed, skipped = self._listed()
        read = self._parallel(lambda backup: self._with_header(seen, backup), listed, _MORE_OF_OSS)
        found = self._with_tags(seen, sort_backups(self._request, read))
        chains = self.chains(seen, found.databases)
        return seen._replace(
            backups=self._with_bases_of(chains, found),
            skipped=skipped,
            bucket=bucket,
            bucket_owned=unless_refused(lambda: self._oss.owns(self._request.bucket)),
            chains=chains,
        )

    def _bucket(self) -> tuple[Bucket | None, ServiceError | None]:
        """(the bucket, the service's refusal to show it); neither where there is no bucket of this name."""
        try:
            return self._oss.bucket(self._request.bucket), None
        except ServiceError as error:
            if error.code != "AccessDenied":
                raise
            return None, error

    def _listed(self) -> tuple[list[Backup], tuple[str, ...]]:
        """The objects to look at, and the keys under the prefix that are no backups by their extension."""
        request = self._request
        if request.given is not None:
            return [Backup(g.key, g, g.size, found=None, position=n) for n, g in enumerate(request.given)], ()
        backups: list[Backup] = []
        skipped: list[str] = []
        for row in self._oss.objects(request.bucket, request.prefix):
            rest = row.key[len(request.prefix) :]
            if not rest or rest.endswith("/") or ("/" in rest and not request.recurse):
                continue
            if rest.lower().endswith(EXTENSIONS):
                backups.append(Backup(row.key, Given(row.key), row.size, position=len(backups)))
            else:
                skipped.append(row.key)
        return backups, tuple(skipped)

    def _with_header(self, seen: Observed, backup: Backup) -> Backup:
        """Reads the header in at most three requests, unless the database is known to be there already."""
        target = backup.given.new_name or self._request.new_names.get(backup.given.database) or backup.given.database
        if target and seen.state_on_target(target) == rds.DATABASE_RUNNING:
            return backup
        from .._databases.sqlserver_backup_header import Windows, read_backup

        try:
            if backup.found is None:
                head = self._oss.head(self._request.bucket, backup.key)
                if head is None:
                    return backup._replace(found=None if backup.given.predicted and seen.rehearsal else False)
                backup = backup._replace(found=True, size=head.size)
            reader = self._oss.reader(self._request.bucket, backup.key, backup.size)
            return backup._replace(header=read_backup(Windows(reader)))
        except ServiceError as error:
            if error.inconclusive:
                raise
            if error.code in ("NoSuchKey", "NoSuchBucket"):
                return backup._replace(found=False)
            return backup._replace(unreadable=error.message)

    # Chains

    def _with_tags(self, seen: Observed, found: Sorted) -> Sorted:
        """The tags of full backups that a chain may have begun with."""
        wanted = [
            b
            for one in found.databases
            if self._may_have_chain(seen, one)
            for b in (*one.used, *one.superseded)
            if b.type == "full" and b.found
        ]
        tags = {b.key: told for b, told in zip(wanted, self._parallel(self._tags, wanted, _MORE_OF_OSS), strict=True)}
        if not tags:
            return found
        return found._replace(
            databases=tuple(
                one._replace(
                    base=_tagged(one.base, tags) if one.base else None,
                    superseded=tuple(_tagged(b, tags) for b in one.superseded),
                )
                for one in found.databases
            )
        )

    def _may_have_chain(self, seen: Observed, one: DatabaseBackups) -> bool:
        on_target = seen.state_on_target(one.target)
        if on_target == rds.DATABASE_RUNNING:
            return False
        return on_target is not None or self._request.state == "staged" or bool(one.later)

    def _tags(self, backup: Backup) -> tuple[tuple[str, str], ...]:
        told = unless_refused(lambda: self._oss.object_tags(self._request.bucket, backup.key))
        return tuple(sorted((told or {}).items()))

    def _with_bases_of(self, chains: Mapping[str, Chain], found: Sorted) -> Sorted:
        """A chain goes on from the full backup that it began with, although there may be a newer one."""
        ids = {chain.task.id for chain in chains.values()}
        alive = {key for key, task_id in _keys_by_chain(self._request, found) if task_id in ids}
        if not alive:
            return found
        every = [*(b for one in found.databases for b in (*one.used, *one.superseded)), *found.loose, *found.left_out]
        return sort_backups(self._request, every, alive)

    def chains(
        self, seen: Observed, databases: Sequence[DatabaseBackups], ours: Mapping[str, str] = MappingProxyType({})
    ) -> dict[str, Chain]:
        """The open chains of databases that are not online, by target. ours: ids that this run knows, by target."""
        wanted = [one for one in databases if seen.state_on_target(one.target) != rds.DATABASE_RUNNING]
        chains = self._parallel(lambda one: self._chain(seen, one, ours.get(one.target, "")), wanted)
        return {one.target: chain for one, chain in zip(wanted, chains, strict=True) if chain is not None}

    def _chain(self, seen: Observed, one: DatabaseBackups, ours: str) -> Chain | None:
        gone = seen.state_on_target(one.target) is None
        for task_id in self._chain_ids(seen, one, ours):
            task = unless_refused(functools.partial(api.task, self._client, self._request.instance_id, task_id))
            if task is None or task.database.casefold() != one.target.casefold():
                continue
            if gone and task.ended_badly:
                continue  # it was ended; one that shows Success may wait, with a database that is not listed yet
            rows = functools.partial(api.file_rows, self._client, self._request.instance_id, task.id)
            told = unless_refused(rows)
            return Chain(task, None if told is None else tuple(told))
        return None

    def _chain_ids(self, seen: Observed, one: DatabaseBackups, ours: str) -> list[str]:
        """Where the id of a chain may be known from: the task, this run, the full backup's tag, the listing."""
        tag = chain_tag(self._request.instance_id, one.target)
        tags = [b.value_of_tag(tag) for b in (*one.used, *one.superseded)]
        rows = [
            t.id for t in (seen.tasks.of(one.target) if seen.tasks else ()) if t.mode == api.CHAIN and not t.ended_badly
        ]
        return [i for i in dict.fromkeys([self._request.migrate_task_id, ours, *tags, *rows]) if i]

    def _parallel(self, function: Callable[[Any], T], items: Sequence[Any], times: int = 1) -> list[T]:
        if len(items) < 2 or self._workers < 2:
            return [function(item) for item in items]
        with ThreadPoolExecutor(min(self._workers * times, len(items))) as pool:
            return list(pool.map(function, items))


def unless_refused(read: Callable[[], T]) -> T | None:
    """None where the service refuses a reading: what needs it becomes unknown."""
    try:
        return read()
    except ServiceError as error:
        if error.inconclusive:
            raise
        return None


def _tagged(backup: Backup, tags: Mapping[str, tuple[tuple[str, str], ...]]) -> Backup:
    return backup._replace(tags=tags.get(backup.key, ()))


def _keys_by_chain(request: Request, found: Sorted) -> list[tuple[str, str]]:
    """(key of a full backup, id of the chain that it began)."""
    return [
        (b.key, b.value_of_tag(chain_tag(request.instance_id, one.target)))
        for one in found.databases
        for b in (*one.used, *one.superseded)
        if b.tags
    ]

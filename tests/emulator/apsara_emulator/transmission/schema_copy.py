# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Schema migration for real: pg_dump and pg_restore; new names by way of a database that is dropped afterwards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..postgresql.home import home
from ..postgresql.server import Server
from ..postgresql.sql import one_line, quoted
from ..servers.errors import ServerError
from .ends import Pair
from .servers import RealEnds, connection

# What a second dump into a database says that has things in it already, and a newer program to an older server.
_HARMLESS = re.compile(r'schema ".*" already exists|extension ".*" already exists|unrecognized configuration parameter')
_OPTIONS = ("--format=custom", "--schema-only", "--no-owner", "--no-privileges", "--no-publications")


def copy_schema(ends: RealEnds, pair: Pair, tables: Sequence[tuple[str, str]], existing: set[str], owner: str) -> None:
    """Make what is selected on the target, but for tables that `existing` has; they belong to `owner`.

    `tables` are all selected ones with their new names. ServerError if a program refuses.
    """
    wanted = [(old, new) for old, new in tables if new not in existing]
    left_out = [old for old, new in tables if new in existing]
    renamed = [one for one in wanted if one[0] != one[1]] or any(old != new for old, new in pair.schemas)
    if renamed:
        _by_scratch(ends, pair, wanted, left_out)
    else:
        for selection in _selections(pair, wanted, left_out):
            _transfer(ends.source, pair.source, ends.target, pair.target, selection)
    _hand_over(ends.target, pair.target, [new for _old, new in wanted], owner)


def _selections(pair: Pair, wanted: list[tuple[str, str]], left_out: list[str]) -> list[list[str]]:
    """Options of each dump: -n does not go together with -t."""
    without = [f"--exclude-table={_pattern(one)}" for one in left_out]
    if pair.tables is None:
        return [without]
    schemas = [f"--schema={quoted(old)}" for old, _new in pair.schemas]
    named = [f"--table={_pattern(old)}" for old, _new in wanted if (old, _new) in pair.tables]
    return [*([schemas + without] if schemas else []), *([named] if named else [])]


def _by_scratch(ends: RealEnds, pair: Pair, wanted: list[tuple[str, str]], left_out: list[str]) -> None:
    scratch = "dts_scratch"
    with ends.target.admin() as admin:
        admin.run(f"drop database if exists {quoted(scratch)}")
        admin.run(f"create database {quoted(scratch)} template template0")
    try:
        for schema in sorted({old.partition(".")[0] for old, _new in wanted}):
            _create_schema(ends.target, scratch, schema)
        for selection in _selections(pair, wanted, left_out):
            _transfer(ends.source, pair.source, ends.target, scratch, selection)
        with connection(ends.target, scratch) as target:
            _rename(target, pair, wanted)
        for schema in sorted({new.partition(".")[0] for _old, new in wanted}):
            _create_schema(ends.target, pair.target, schema)
        _transfer(ends.target, scratch, ends.target, pair.target, [])
    finally:
        with ends.target.admin() as admin:
            admin.run(f"drop database if exists {quoted(scratch)}")


def _rename(target: object, pair: Pair, wanted: list[tuple[str, str]]) -> None:
    schemas = dict(pair.schemas)
    for old, new in wanted:
        schema, _dot, name = old.partition(".")
        new_schema, _dot, new_name = new.partition(".")
        if name != new_name:
            _run(target, f"alter table {quoted(schema)}.{quoted(name)} rename to {quoted(new_name)}")
        if schema != new_schema and schemas.get(schema) != new_schema:
            _run(target, f"create schema if not exists {quoted(new_schema)}")
            _run(target, f"alter table {quoted(schema)}.{quoted(new_name)} set schema {quoted(new_schema)}")
    for schema, new_schema in pair.schemas:
        if schema != new_schema:
            _run(target, f"alter schema {quoted(schema)} rename to {quoted(new_schema)}")


def _run(target: Any, statement: str) -> None:
    target.execute(statement)


def _create_schema(server: Server, database: str, schema: str) -> None:
    with server.admin(database) as admin:
        admin.run(f"create schema if not exists {quoted(schema)}")


def _transfer(source: Server, database: str, target: Server, new_database: str, selection: list[str]) -> None:
    """Dump and restore. The newer of both programs is used: it knows the older server."""
    programs = max((source.binaries, target.binaries), key=lambda one: one.major)
    file = target.folder / "schema.dump"
    dump = [programs.program("pg_dump"), *_OPTIONS, *_where(source, database), f"--file={file}", *selection]
    answer = home().run(dump)
    if answer.returncode:
        raise ServerError(f"pg_dump: {one_line(answer.stderr)}")
    try:
        restore = [programs.program("pg_restore"), *_where(target, new_database), "--no-owner", "--no-privileges"]
        answer = home().run([*restore, str(file)])
    finally:
        file.unlink(missing_ok=True)
    errors = [line for line in answer.stderr.splitlines() if "error:" in line and not _HARMLESS.search(line)]
    if errors:
        raise ServerError(f"pg_restore: {one_line(errors[0])}")


def _where(server: Server, database: str) -> list[str]:
    where = [f"--host={server.folder}", f"--port={server.port}", f"--username={server.superuser}"]
    return [*where, f"--dbname={database}"]


def _pattern(table: str) -> str:
    schema, _dot, name = table.partition(".")
    return f"{quoted(schema)}.{quoted(name)}"


def _hand_over(server: Server, database: str, tables: list[str], owner: str) -> None:
    """What DTS makes belongs to the account that it was given."""
    with server.admin(database) as admin:
        if not admin.value("select count(*) from pg_roles where rolname = %s", owner):
            return
        for schema in sorted({one.partition(".")[0] for one in tables}):
            admin.run(f"grant usage, create on schema {quoted(schema)} to {quoted(owner)}")
        for table in tables:
            admin.run(f"alter table {_pattern(table)} owner to {quoted(owner)}")

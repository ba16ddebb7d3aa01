# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Schema and data between MariaDB servers by mariadb-dump, under the names that the job asks for."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO

from ..mysql.server import Server
from ..mysql.sql import quoted
from ..postgresql.home import home
from ..servers.errors import ServerError
from .ends import Pair
from .mysql_events import Place
from .mysql_servers import MysqlEnds

_ALL_TABLES = "select table_name as name from information_schema.tables where table_schema = %s"
_CHARACTERS = """
select default_character_set_name as characters, default_collation_name as collation
  from information_schema.schemata where schema_name = %s
"""
# What is there already on a second try, or beside the tables that were there: table, routine, trigger, event.
_THERE_ALREADY = re.compile(rb"^ERROR (1050|1304|1359|1537) ")
_DEFINER = re.compile(rb"DEFINER\s*=\s*`(?:[^`]|``)*`@`(?:[^`]|``)*`")
_INSERT = re.compile(rb"INSERT +(?:IGNORE +)?INTO `((?:[^`]|``)*)`")
_USE = re.compile(rb"USE `((?:[^`]|``)*)`;")
_PLACE = re.compile(rb"-- CHANGE MASTER TO MASTER_LOG_FILE='([^']+)', MASTER_LOG_POS=([0-9]+);")
_SCHEMA = ("--no-data", "--skip-triggers", "--skip-add-drop-table", "--single-transaction")
_TRIGGERS = ("--no-data", "--no-create-info", "--triggers", "--skip-routines")
_DATA = ("--no-create-info", "--no-create-db", "--skip-triggers", "--skip-add-locks", "--skip-disable-keys")
_LINES_BETWEEN_LOOKS = 200


@dataclass(frozen=True)
class Selection:
    """A pair of databases with its tables: their names on the source and on the target."""

    pair: Pair
    tables: Sequence[tuple[str, str]]
    conditions: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """Whether the database was selected with all that is in it, views and routines too."""
        return self.pair.tables is None


@dataclass(frozen=True)
class SchemaOptions:
    """`owner` becomes the definer of what is made, unless `keep_definer`.

    `scratch` is a name for a database in passing.
    """

    owner: str
    scratch: str
    keep_definer: bool = False
    events: bool = False


def copy_schema(ends: MysqlEnds, selection: Selection, options: SchemaOptions) -> None:
    """Make what is selected on the target, but triggers, and tables that are there. ServerError if that fails."""
    pair = selection.pair
    _create_database(ends, pair)
    existing = {str(row["name"]) for row in ends.target.sql(_ALL_TABLES, pair.target)}
    if selection.is_whole:
        left_out = [f"--ignore-table={pair.source}.{name}" for name in sorted(existing)]
        kinds = ["--routines", *(["--events"] if options.events else []), *left_out]
        _transfer(ends, [*_SCHEMA, *kinds, pair.source], pair.target, options)
        return
    wanted = [(old, new) for old, new in selection.tables if new not in existing]
    if not wanted:
        return
    dump = [*_SCHEMA, pair.source, *(old for old, _new in wanted)]
    if all(old == new for old, new in wanted):
        _transfer(ends, dump, pair.target, options)
    else:
        _by_scratch(ends, dump, pair.target, wanted, options)


def copy_triggers(ends: MysqlEnds, selection: Selection, options: SchemaOptions) -> None:
    """The triggers of a whole database. They come after the data, which they would act on."""
    if selection.is_whole:
        _transfer(ends, [*_TRIGGERS, selection.pair.source], selection.pair.target, options)


def copy_data(
    ends: MysqlEnds,
    selections: Sequence[Selection],
    *,
    with_place: bool,
    keep_existing: bool,
    progress: Callable[[int], None],
) -> Place | None:
    """Copy all rows in one transaction, as of one moment; the place of that moment in the source's binary log.

    `keep_existing`: rows of the target win. `progress` is told how many tables are done, again and again, and may raise
    to end it all; then nothing of it stays. ServerError if a program refuses.
    """
    place: Place | None = None
    with _loading(ends.target) as load:
        pump = _Pump(selections, load, progress)
        load.write(b"set autocommit = 0;\n")
        for command in _data_dumps(ends.source, selections, with_place, keep_existing):
            with _dumping(ends.source, command) as dump:
                place = pump.run(dump) or place
        progress(pump.done)
        load.write(b"commit;\n")
    if with_place and place is None:
        raise ServerError("mariadb-dump does not say where the binary log stood")
    return place


class _Pump:
    """Hands a dump on under the target's names."""

    def __init__(self, selections: Sequence[Selection], load: IO[bytes], progress: Callable[[int], None]) -> None:
        self._names = {(one.pair.source, old): (one.pair.target, new) for one in selections for old, new in one.tables}
        self._load = load
        self._progress = progress
        self._seen: dict[tuple[str, str], None] = {}
        self._database = ""

    @property
    def done(self) -> int:
        """How many tables have begun."""
        return len(self._seen)

    def run(self, dump: IO[bytes]) -> Place | None:
        """All lines of a dump. Each INSERT is a line, and no text in it has a line break of its own."""
        place = None
        for number, line in enumerate(dump):
            if number % _LINES_BETWEEN_LOOKS == 0:
                self._progress(max(0, self.done - 1))
            if line.startswith(b"INSERT"):
                line = self._renamed(line)
            elif used := _USE.match(line):
                self._database = _name(used[1])
                continue
            elif found := _PLACE.match(line):
                place = (found[1].decode(), int(found[2]))
            self._load.write(line)
        return place

    def _renamed(self, line: bytes) -> bytes:
        found = _INSERT.match(line)
        if found is None:
            raise ServerError("mariadb-dump has written something that the emulator does not know")
        key = (self._database, _name(found[1]))
        self._seen[key] = None
        if key not in self._names:
            raise ServerError(f"{'.'.join(key)} was made after the job has looked at what there is")
        word = b"INSERT IGNORE" if b" IGNORE " in found[0] else b"INSERT"
        return word + b" INTO " + quoted(*self._names[key]).encode() + line[found.end() :]


def _create_database(ends: MysqlEnds, pair: Pair) -> None:
    with ends.source.admin() as source:
        row = source.row(_CHARACTERS, pair.source)
    ends.target.sql(
        f"create database if not exists {quoted(pair.target)}"
        f" character set {row['characters']} collate {row['collation']}"
    )


def _by_scratch(
    ends: MysqlEnds, dump: list[str], database: str, wanted: Sequence[tuple[str, str]], options: SchemaOptions
) -> None:
    """Under their old names in a database of their own; then all at once, so that foreign keys go along."""
    moves = [f"{quoted(options.scratch, old)} to {quoted(database, new)}" for old, new in wanted]
    ends.target.sql(f"create or replace database {quoted(options.scratch)}")
    try:
        _transfer(ends, dump, options.scratch, options)
        ends.target.sql(f"rename table {', '.join(moves)}")
    finally:
        ends.target.sql(f"drop database if exists {quoted(options.scratch)}")


def _transfer(ends: MysqlEnds, dump: list[str], database: str, options: SchemaOptions) -> None:
    with _dumping(ends.source, dump) as reader:
        text = reader.read()
    if not options.keep_definer:
        text = _DEFINER.sub(b"DEFINER=" + f"{quoted(options.owner)}@`%`".encode().replace(b"\\", rb"\\"), text)
    command = _client(ends.target, "mariadb", "--force", f"--database={database}")
    with home().open(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        _out, errors = process.communicate(text)
    refused = [one for one in errors.splitlines() if one.startswith(b"ERROR") and not _THERE_ALREADY.match(one)]
    if refused or (process.returncode and not errors):
        raise ServerError(f"mariadb: {refused[0].decode(errors='replace') if refused else process.returncode}")


def _data_dumps(
    server: Server, selections: Sequence[Selection], with_place: bool, keep_existing: bool
) -> Iterator[list[str]]:
    """Options of the dumps: one for all tables, so that it is of one moment, and one for each with a condition."""
    common = [*_DATA, "--single-transaction", "--hex-blob", *(["--insert-ignore"] if keep_existing else [])]
    place = ["--master-data=2"] if with_place else []
    left_out = []
    for one in selections:
        left_out += _all_but(server, one.pair.source, {old for old, _new in one.tables if old not in one.conditions})
    yield [*common, *place, *left_out, "--databases", *(one.pair.source for one in selections)]
    for one in selections:
        for table, condition in one.conditions.items():
            left_out = _all_but(server, one.pair.source, {table})
            yield [*common, f"--where={condition}", *left_out, "--databases", one.pair.source]


def _all_but(server: Server, database: str, wanted: Collection[str]) -> list[str]:
    """Options that leave out everything else of a database."""
    names = [str(row["name"]) for row in server.sql(_ALL_TABLES, database)]
    return [f"--ignore-table={database}.{name}" for name in names if name not in wanted]


@contextmanager
def _dumping(server: Server, options: Sequence[str]) -> Iterator[IO[bytes]]:
    """What mariadb-dump writes. ServerError if it ends with an error."""
    with tempfile.TemporaryFile() as errors:
        command = _client(server, "mariadb-dump", *options)
        with _ended(home().open(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)) as process:
            assert process.stdout is not None
            yield process.stdout
            if process.wait():
                raise ServerError(f"mariadb-dump: {_last_line(errors)}")


@contextmanager
def _loading(server: Server) -> Iterator[IO[bytes]]:
    """Where a client takes statements. ServerError if one of them is refused."""
    with tempfile.TemporaryFile() as errors:
        command = _client(server, "mariadb", "--binary-mode")
        with _ended(home().open(command, stdin=subprocess.PIPE, stdout=errors, stderr=errors)) as process:
            assert process.stdin is not None
            try:
                yield process.stdin
                process.stdin.close()
            except BrokenPipeError:
                process.wait()
                raise ServerError(f"mariadb: {_last_line(errors)}") from None
            if process.wait():
                raise ServerError(f"mariadb: {_last_line(errors)}")


def _client(server: Server, program: str, *options: str) -> list[str]:
    return [
        server.binaries.program(program),
        f"--defaults-file={server.login_file()}",
        "--default-character-set=utf8mb4",
        *options,
    ]


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is ended with the block, at the latest."""
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None and not stream.closed:
                _close(stream)


def _close(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except BrokenPipeError:
        return


def _last_line(file: IO[bytes]) -> str:
    file.seek(0)
    lines = file.read().decode(errors="replace").splitlines()
    return lines[-1].strip() if lines else "it ended without a word"


def _name(text: bytes) -> str:
    return text.replace(b"``", b"`").decode()

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading a source's binary log as a replica does, from a place on."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Any

from ..mysql.server import Server
from ..mysql.sql import SqlError
from .mysql_events import Event, LoggedTransaction, Place, Transactions, plain

# Bytes of events that are read at a time; a transaction comes as a whole.
_AT_A_TIME = 4_000_000
# Seconds after which a source that says nothing counts as one that is away.
_PATIENCE = 5
_DUMP = 0x12
_UNTIL_THE_END = 1


@dataclass(frozen=True)
class Reading:
    """Transactions, whether that was all there was, the place after them, and what row events need to be understood."""

    transactions: list[LoggedTransaction]
    drained: bool
    place: Place
    format: Event | None = None


def current_place(server: Server) -> Place:
    """Where the source's binary log ends. ServerError if it writes none, or does not answer."""
    with server.admin(read_timeout=_PATIENCE) as admin:
        rows = admin.rows("show master status")
    if not rows:
        raise SqlError("the source writes no binary log")
    return str(rows[0]["File"]), int(rows[0]["Position"])


def read_changes(server: Server, place: Place, reader: str) -> Reading:
    """The transactions after a place. `reader` tells readers apart. ServerError if the source does not have them."""
    if current_place(server) == place:
        return Reading([], True, place)
    with server.admin(read_timeout=_PATIENCE) as admin:
        # What a reader has to know that is told everything: checksums, and MariaDB's own events as they are.
        admin.run("set @master_binlog_checksum = @@global.binlog_checksum")
        admin.run("set @mariadb_slave_capability = 4")
        return _read(admin.dump(_DUMP, _request(place, reader)), Transactions(place))


def _request(place: Place, reader: str) -> bytes:
    """A server ends what a reader of the same number was given before."""
    number = 0x80000000 | zlib.crc32(reader.encode())
    return struct.pack("<IHI", place[1], _UNTIL_THE_END, number) + place[0].encode()


def _read(packets: Any, open_ones: Transactions) -> Reading:
    done: list[LoggedTransaction] = []
    size = 0
    for packet in packets:
        event = plain(Event(packet[1:]), open_ones.format)
        size += len(event.data)
        finished = open_ones.add(event)
        done += [finished] if finished is not None else []
        if size > _AT_A_TIME and open_ones.is_between and done:
            return Reading(done, False, open_ones.place, open_ones.format)
    return Reading(done, True, open_ones.place, open_ones.format)

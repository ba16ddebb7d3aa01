# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the changes of a real job come from: a publication of its tables and a replication slot on the source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..postgresql.server import Server
from .change_stream import Decoder, Transaction
from .data_copy import table_name
from .servers import connection

# Changes that are read at a time; transactions come as a whole.
_AT_A_TIME = 2000
_KEYLESS = """
select c.oid::regclass::text as name from pg_class c
 where c.oid = any(%s::regclass[]) and c.relkind = 'r' and c.relreplident = 'd'
   and not exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)
"""


class ChangeSlot:
    """A slot and a publication called `name` in a database. Every method raises ServerError if the server refuses."""

    def __init__(self, source: Server, database: str, name: str) -> None:
        self.source = source
        self._database = database
        self._name = name
        self._decoder = Decoder()

    def create(self, tables: Sequence[str], conditions: Mapping[str, str]) -> None:
        """What is committed to the tables from now on will be read; of some only the rows that meet a condition."""
        self.drop()
        with connection(self.source, self._database) as source:
            # Without a key the whole row is needed to tell which one is meant, and writes would be refused.
            keyless = source.execute(_KEYLESS, ([table_name(one) for one in tables],)).fetchall()
            for (name,) in keyless:
                source.execute(f"alter table {name} replica identity full")
            published = ", ".join(_published(one, conditions.get(one, "")) for one in tables)
            source.execute(f'create publication "{self._name}"' + (f" for table {published}" if tables else ""))
        # A slot is made in a transaction that has written nothing.
        with connection(self.source, self._database) as source:
            source.execute("select pg_create_logical_replication_slot(%s, 'pgoutput')", (self._name,))

    def read(self) -> tuple[list[Transaction], bool]:
        """The next transactions, and whether that is all there is. They come again until `advance` is called."""
        with connection(self.source, self._database) as source:
            rows = source.execute(
                "select data from pg_logical_slot_peek_binary_changes(%s, null, %s, 'proto_version', '1',"
                " 'publication_names', %s)",
                (self._name, _AT_A_TIME, self._name),
            ).fetchall()
        return self._decoder.transactions(row[0] for row in rows), len(rows) < _AT_A_TIME

    def advance(self, position: int) -> None:
        """What lies before a position has been dealt with."""
        text = f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"
        with connection(self.source, self._database) as source:
            source.execute("select pg_replication_slot_advance(%s, %s::pg_lsn)", (self._name, text))

    def drop(self) -> None:
        """Remove both, if they are there: a slot that nobody reads would keep the source's log for ever."""
        with connection(self.source, self._database) as source:
            slot = "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s"
            source.execute(slot, (self._name,))
            source.execute(f'drop publication if exists "{self._name}"')


def _published(table: str, condition: str) -> str:
    return f"only {table_name(table)}" + (f" where ({condition})" if condition else "")

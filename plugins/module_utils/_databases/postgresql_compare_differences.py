# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""In what the sequences of two servers differ. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .comparison import DIFFERENT, Difference, Key, shown
from .postgresql_compare_inventory import SequenceValue


def of_sequences(
    database: str, source: Mapping[Key, SequenceValue | None], target: Mapping[Key, SequenceValue | None]
) -> Iterator[Difference]:
    """Of sequences that are on both sides and could be read on both."""
    for key in sorted(source.keys() & target.keys()):
        here, there = source[key], target[key]
        if here is not None and there is not None and not follows(here, there):
            yield Difference(database, "sequence_values", shown(key), DIFFERENT, _value(here), _value(there))


def follows(source: SequenceValue, target: SequenceValue) -> bool:
    """Whether the target goes on where the source stopped.

    The WAL knows a sequence as up to 32 values ahead (log_cnt tells how many are left), so a standby, once promoted,
    goes on after those. A gap is what sequences allow; a value that is given twice is not.
    """
    if (source.last_value, source.is_called) == (target.last_value, target.is_called):
        return True
    if not (source.is_called and target.is_called):
        return False
    ahead = (target.last_value - source.last_value) * (1 if source.increment > 0 else -1)
    return 0 <= ahead <= source.log_cnt * abs(source.increment)


def _value(sequence: SequenceValue) -> str:
    return f"{sequence.last_value}, {'called' if sequence.is_called else 'not called'}"

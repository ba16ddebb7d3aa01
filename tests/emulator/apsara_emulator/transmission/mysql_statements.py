# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Statements of the source's binary log that define tables and other objects, as the target is to be told."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..mysql.sql import quoted
from .ends import Pair
from .mysql_events import Names, Statement

_NAME = r"(?:`(?:[^`]|``)+`|[0-9A-Za-z_$\x80-\U0010ffff]+)"
_IF = r"(?:if\s+(?:not\s+)?exists\s+)?"
_OF_ONE_TABLE = re.compile(
    r"(\s*(?:"
    rf"alter\s+(?:online\s+|ignore\s+)*table\s+{_IF}"
    rf"|create\s+(?:or\s+replace\s+)?table\s+{_IF}"
    rf"|drop\s+table\s+{_IF}"
    r"|truncate\s+(?:table\s+)?"
    rf"|(?:create\s+(?:or\s+replace\s+)?(?:unique\s+|fulltext\s+|spatial\s+)?|drop\s+)index\s+{_IF}{_NAME}\s+on\s+"
    rf"))({_NAME})(?:\s*\.\s*({_NAME}))?(?!\s*,)",
    re.IGNORECASE,
)
_OF_THE_SERVER = re.compile(
    r"\s*(?:create|alter|drop|rename)\s+(?:or\s+replace\s+)?(?:user|role|database|schema|server|temporary)\b",
    re.IGNORECASE,
)


def carried_over(statement: Statement, pairs: Sequence[Pair], names: Names) -> Statement | None:
    """What the target is to be told; nothing for what is not about the selected objects, or cannot be told.

    What is about one table follows it to its new name. All else is for databases that were selected as a whole, and
    only if no database is named in it that is called otherwise on the target.
    """
    if _OF_THE_SERVER.match(statement.text):
        return None
    found = _OF_ONE_TABLE.match(statement.text)
    if found is not None:
        place = (_plain(found[2]), _plain(found[3])) if found[3] else (statement.database, _plain(found[2]))
        new = names(*place)
        return None if new is None else Statement(new[0], found[1] + quoted(*new) + statement.text[found.end() :])
    whole = {one.source: one.target for one in pairs if one.tables is None}
    if statement.database not in whole or any(_names_database(statement.text, one) for one in pairs):
        return None
    return Statement(whole[statement.database], statement.text)


def _names_database(text: str, pair: Pair) -> bool:
    """Whether a database is named that has another name on the target."""
    name = re.escape(pair.source)
    return pair.source != pair.target and re.search(rf"(?<![\w$])`?{name}`?\s*\.", text) is not None


def _plain(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name

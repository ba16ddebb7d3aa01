# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""Just enough of Transact-SQL: quoting, words, and which statements can only read. Pure."""

from __future__ import annotations

import functools
import re

# In the order in which SQL Server reads them: a quote in a comment is no quote, a comment in a string no comment.
_TOKEN = re.compile(
    r"""
      (?P<comment> --[^\n]* | /\*.*?\*/ )
    | (?P<string> [Nn]?'(?:[^']|'')*' )
    | (?P<name> \[(?:[^\]]|\]\])*\] | "(?:[^"]|"")*" )
    | (?P<word> [^\W\d][\w@$\#]* | [@\#][\w@$\#]* )
    | (?P<number> \d[\w.]* )
    | (?P<space> \s+ )
    | (?P<sign> . )
    """,
    re.VERBOSE | re.DOTALL,
)

# T-SQL needs no separator between statements, so one of these words anywhere may begin one that writes, or turn a
# SELECT into a write. Names of columns that look like them have to be quoted.
_WRITING_WORDS = frozenset(
    """
    ADD ALTER BACKUP BEGIN BULK CHECKPOINT CLOSE COMMIT CREATE DBCC DEALLOCATE DECLARE DELETE DENY DISABLE DROP ENABLE
    EXEC EXECUTE FETCH GO GOTO GRANT IF INSERT INTO KILL LINENO MERGE MOVE NEXT OPEN OPENDATASOURCE OPENQUERY OPENROWSET
    PRINT RAISERROR RECEIVE RECONFIGURE RESTORE RETURN REVERT REVOKE ROLLBACK SAVE SEND SET SETUSER SHUTDOWN THROW
    TRUNCATE UPDATE UPDATETEXT USE WAITFOR WHILE WRITETEXT
    """.split()
)
# Extended procedures that only look, in the one form that is sent.
_READING_PROCEDURES = (
    re.compile(r"EXEC master\.dbo\.xp_fileexist N'(?:[^']|'')*'"),
    re.compile(r"EXEC master\.dbo\.xp_fixeddrives"),
)


def quoted_name(name: str) -> str:
    """An identifier, whatever characters it holds."""
    return "[" + name.replace("]", "]]") + "]"


def quoted_text(text: str) -> str:
    """A Unicode string literal."""
    return "N'" + text.replace("'", "''") + "'"


def tokens(statement: str) -> list[tuple[str, str]]:
    """(kind, text) of everything but space and comments. Kinds: string, name, word, number, sign."""
    found = ((str(match.lastgroup), match.group()) for match in _TOKEN.finditer(statement))
    return [(kind, text) for kind, text in found if kind not in ("space", "comment")]


# A module sends a few statements, each of them many times.
@functools.lru_cache(maxsize=64)
def only_reads(statement: str) -> bool:
    """Whether nothing on the server can be changed by it. A statement that is not understood is taken to write."""
    if any(procedure.fullmatch(statement) for procedure in _READING_PROCEDURES):
        return True
    found = tokens(statement)
    if not found or found[0][0] != "word" or found[0][1].upper() != "SELECT":
        return False
    # A quote or bracket that is not closed, or a second statement, is nothing we ever send.
    if any(kind == "sign" and text in ("'", '"', "[", "]", ";") for kind, text in found):
        return False
    return not any(kind == "word" and text.upper() in _WRITING_WORDS for kind, text in found)


def split_names(text: str) -> list[str]:
    """Names in a text, parted by commas or semicolons; [brackets] keep those that hold such characters.

    Raises ValueError, saying where, for a bracket that is not closed and for anything after a closing one.
    """
    names: list[str] = []
    rest = text
    while rest.strip():
        rest = rest.lstrip()
        if rest.startswith("["):
            bracketed = re.match(r"\[((?:[^\]]|\]\])*)\]\s*(?:[,;]|$)", rest, re.DOTALL)
            if bracketed is None:
                raise ValueError(f"the bracketed name at {rest[:40]!r} does not end with ] and a comma or semicolon")
            names.append(bracketed[1].replace("]]", "]"))
            rest = rest[bracketed.end() :]
        else:
            plain = re.match(r"([^,;]*)([,;]?)(.*)", rest, re.DOTALL)
            name, _separator, rest = plain.groups()  # type: ignore[union-attr]  # the expression fits every text
            if name.strip():
                names.append(name.strip())
    return names

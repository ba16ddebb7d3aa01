# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write the page that says how faithful the emulator is, from its code. --check: only say whether it is so."""

from __future__ import annotations

import pathlib
import re
import sys
from collections.abc import Iterable, Sequence

from apsara_emulator import (
    variants,
    variants_backups,
    variants_dts,
    variants_oss,
    variants_permissions,
    variants_postgresql,
)
from apsara_emulator.contracts import load_contracts
from apsara_emulator.variant import Variant
from emulator_parameters import Fidelity, fidelity
from generated_page import write_or_check

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "docsite" / "rst" / "emulator.rst"
FRAME = pathlib.Path(__file__).with_name("emulator_page.rst")
# What this many actions have and none looks at is told once.
MANY = 10
SERVICES = {"rds": "RDS", "dts": "DTS", "ram": "RAM", "sts": "STS"}
DOUBTS: dict[str, Sequence[Variant]] = {
    "States, and how long they take to show": variants._STATES,
    "Answers of RDS": variants._ANSWERS,
    "Lists of tasks": variants._TASKS,
    "Refusals of RDS": variants._REFUSALS,
    "Signatures, tokens, and calls too many": variants._GATEWAY,
    "Backups of SQL Server": variants_backups.BACKUPS,
    "Migration of PostgreSQL": variants_postgresql.POSTGRESQL,
    "DTS, roles, and temporary credentials": variants_dts.DTS,
    "OSS": variants_oss.OSS,
    "Permissions": variants_permissions.PERMISSIONS,
}


def table(widths: str, titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A list table."""
    lines = [".. list-table::", "   :header-rows: 1", f"   :widths: {widths}", ""]
    for row in (titles, *rows):
        lines += [f"   {'*' if index == 0 else ' '} - {cell}".rstrip() for index, cell in enumerate(row)]
    return "\n".join(lines)


def code(names: Iterable[str]) -> str:
    return ", ".join(f"``{name}``" for name in names)


def heading(title: str, text: str) -> str:
    return f"{title}\n{'~' * len(title)}\n\n{text}"


def everywhere(rows: Sequence[Fidelity]) -> list[str]:
    """What many actions have and none looks at."""
    used = {name for row in rows for name in row.used}
    ignored = [name for row in rows for name in row.ignored if name not in used]
    return sorted(name for name in set(ignored) if ignored.count(name) >= MANY)


def action_row(row: Fidelity, told: Sequence[str]) -> list[str]:
    needed = [f"**{name}**" for name in row.used if name in row.required]
    rest = code(name for name in row.used if name not in row.required)
    # A required parameter is checked for being there, whatever becomes of its value.
    ignored = [f"**{name}**" if name in row.required else f"``{name}``" for name in row.ignored if name not in told]
    marks = "*" * row.writes + " (retired)" * row.retired
    known = len(row.used) + len(row.ignored)
    return [
        f"``{row.action}``{marks and ' ' + marks.strip().replace('*', chr(92) + '*')}",
        str(known),
        ", ".join([*needed, *filter(None, [rest])]),
        ", ".join(ignored),
    ]


def actions(rows: Sequence[Fidelity]) -> str:
    """A table for each service."""
    told, titles = everywhere(rows), ("Action", "Known", "Looked at", "Ignored")
    contracts = load_contracts()
    parts = []
    for service, name in SERVICES.items():
        version = next(iter(contracts[service].values())).version
        lines = [action_row(row, told) for row in rows if row.service == service]
        parts.append(heading(f"{name} {version}", table("25 7 43 25", titles, lines)))
    return "\n\n".join(parts)


def plain(text: str) -> str:
    """Text in which no character means anything to Sphinx."""
    return re.sub(r"([\\`*|_])", r"\\\1", text)


def assumptions() -> str:
    """A table for each kind of doubt."""
    missing = set(variants.VARIANTS) - {one.name for group in DOUBTS.values() for one in group}
    if missing:
        raise ValueError(f"variants without a place on the page: {', '.join(sorted(missing))}")
    titles = ("Variant", "Values", "What it is about", "Why it is open")
    return "\n\n".join(
        heading(
            title,
            table(
                "20 25 30 25",
                titles,
                [(f"``{one.name}``", code(one.values), plain(one.about), plain(one.source)) for one in group],
            ),
        )
        for title, group in DOUBTS.items()
    )


def page() -> str:
    """The whole page: the frame, with what the code says where it has the name of something."""
    rows = fidelity()
    used, known = sum(len(row.used) for row in rows), sum(len(row.used) + len(row.ignored) for row in rows)
    counts = f"{used} are looked at and {known - used} are ignored."
    texts = {
        "COUNTS": f"{len(rows)} actions have {known} parameters, of which {counts}",
        "EVERYWHERE": code(everywhere(rows)),
        "ACTIONS": actions(rows),
        "VARIANTS": f"There are {len(variants.VARIANTS)} of them.",
        "ASSUMPTIONS": assumptions(),
    }
    return re.sub(r"@([A-Z]+)@", lambda name: texts[name[1]], FRAME.read_text())


if __name__ == "__main__":
    sys.exit(write_or_check(PAGE, page(), how="emulator-page", description=__doc__))

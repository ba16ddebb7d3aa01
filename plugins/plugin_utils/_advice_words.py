# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This plugin util is private to the collection.

"""The advice as text, and the command that goes on from it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from ._advice_rule import BACKUPS, CLOUD, DTS, IMPORT
from ._advice_situation import RDS, Situation

_TITLES = {
    IMPORT: "instance import",
    BACKUPS: "backup migration",
    CLOUD: "cloud migration",
    DTS: "DTS migration",
}
_FITS = {"yes": "fits", "with_changes": "fits after changes", "unknown": "may fit", "no": "does not fit"}
_ROLES = {IMPORT: "instance_import", BACKUPS: "sqlserver_backup", CLOUD: "postgresql_cloud", DTS: "dts_cross_account"}
# What stands on a command line as it is. Anything else might be taken for a template, or for nothing at all.
_PLAIN = re.compile(r"[\w./:\\ -]{1,256}")
_LONGEST = 1000


def on_one_line(text: str) -> str:
    """A name or message of somebody else on one line, without characters that steer a terminal."""
    one_line = " ".join(str(text).split())
    shown = "".join(letter if letter.isprintable() else "?" for letter in one_line)
    return shown if len(shown) <= _LONGEST else shown[:_LONGEST] + " ..."


def playbook_of(path: str, situation: Situation) -> str | None:
    """None where the way needs a play of one's own: the playbook for DTS is for instances of another account."""
    if path == DTS and (situation.kind != RDS or situation.same_account):
        return None
    return f"apsaradb.migration.{_ROLES[path]}"


def command_of(path: str, situation: Situation, settings: Mapping[str, Any]) -> str:
    """The rehearsal. Accounts and passwords belong to the inventory, and so does what is not plain."""
    playbook = playbook_of(path, situation)
    if playbook is None:
        return "ansible-doc apsaradb.migration.dts_migration"
    role = _ROLES[path]
    told = {"instance_id": situation.target_id, "region": situation.region, **_of_path(path, situation)}
    known = {f"{role}_{name}": value for name, value in {**told, **settings}.items() if _is_plain(value)}
    words = ["ansible-playbook", playbook, "-i", "inventory.yml", "--check", "--diff", "-e", json.dumps(known)]
    return shlex.join(words)


def _of_path(path: str, situation: Situation) -> dict[str, Any]:
    if path == IMPORT:
        return {"source_instance_id": situation.source_id, "databases": list(situation.databases)}
    if path == BACKUPS:
        return {"path": situation.path}
    return {}


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(_is_plain(one) for one in value)
    return bool(_PLAIN.fullmatch(value)) if isinstance(value, str) else value is not None


def lines_of(
    paths: Sequence[Mapping[str, Any]], recommended: str | None, better: Sequence[str], notes: Sequence[str]
) -> list[str]:
    """A paragraph for each way, the one that is recommended first. better: ways that may fit better."""
    first = f"Recommended: {_TITLES[recommended]}." if recommended else "No way is sure to fit."
    may = [f"Find out about {_TITLES[path]} first, which may fit better." for path in better]
    return [first, *may, *notes, *(line for one in paths for line in _paragraph(one))]


def _paragraph(one: Mapping[str, Any]) -> list[str]:
    title = _TITLES[one["path"]]
    lines = ["", f"{title[0].upper()}{title[1:]} {_FITS[one['fits']]}."]
    lines += [f"  {text}" for text in one["because"]]
    lines += [f"  To change: {text}" for text in one["to_change"]]
    if one["fits"] == "no":
        return lines
    looked = f"Looked at with {', '.join(one['looked'])}." if one["looked"] else "Nothing was looked at for it."
    return [*lines, f"  Downtime: {one['downtime']}", f"  {looked}", f"  Next: {one['next_command']}"]

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say in one table what runs of nox did, and end with the verdict.

Reads nox's reports, and beside them what sessions left under their own name: stages as JSON, or results of pytest.
"""

from __future__ import annotations

import json
import pathlib
import sys

import core_tests

# Skipping nothing but a core without a Python is planned, so any other end than these is a failure.
GOOD = {"success": "passed", "skipped": "skipped"}


def rows(folder: pathlib.Path) -> list[tuple[str, str, str, float]]:
    """Collect name, result, detail and seconds of every session, and of the stages of those that have some."""
    table = []
    reports = (json.loads(path.read_text()) for path in sorted(folder.glob("report*.json")))
    for session in (session for report in reports for session in report["sessions"]):
        name = session["name"]
        result = GOOD.get(session["result"], "FAILED")
        stages = folder / f"{name}.json"
        junit = folder / f"{name}.xml"
        if stages.exists():
            for stage in json.loads(stages.read_text()):
                result = "FAILED" if stage["result"] == "failed" else stage["result"]
                table.append((stage["what"], result, stage["detail"], stage["seconds"]))
            continue
        detail = session.get("reason") or ""
        if junit.exists() and result == "passed":
            detail = core_tests.count_junit(folder, junit.name)
        table.append((name, result, detail, session.get("duration", 0.0)))
    return table


def main() -> int:
    table = rows(pathlib.Path(sys.argv[1]))
    width = max((len(row[0]) for row in table), default=0)
    print("\nWhat ran:")
    for name, result, detail, seconds in table:
        print(f"  {name:{width}}  {result:7}  {seconds:6.0f} s  {detail}".rstrip())
    results = [row[1] for row in table]
    if not results or "passed" not in results:
        print("Nothing passed.")
        return 1
    failed = results.count("FAILED")
    print(f"{failed} of {len(results)} failed." if failed else "No failures.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say in one table what runs of nox did, and end with the verdict.

Reads nox's reports, and beside them what sessions left under their own name: stages as JSON, or results of pytest.
"""

from __future__ import annotations

import json
import pathlib
import re
import sys
from xml.etree import ElementTree

import core_tests

WIDTH, LAST_LINES = 200, 12
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


def why(folder: pathlib.Path) -> list[str]:
    """What went wrong in the sessions that failed: their failed tests, or the last lines that they printed."""
    lines = []
    for path in sorted(folder.glob("report*.json")):
        for session in json.loads(path.read_text())["sessions"]:
            name = session["name"]
            if session["result"] in GOOD:
                continue
            tests = failed_tests(folder / f"{name}.xml") or failed_tests_of_log(folder / f"{name}.log")
            lines += [f"  {name}:", *(f"    {line[:WIDTH]}" for line in tests)]
    return lines


def second_tries(folder: pathlib.Path) -> list[str]:
    """Tests that failed once and passed then: a machine that was too busy, or a fault that shows seldom."""
    logs = sorted(folder.glob("*.log"))
    return [
        line.removeprefix("RERUN ")
        for log in logs
        for line in log.read_text(errors="replace").splitlines()
        if line.startswith("RERUN ")
    ]


def failed_tests(junit: pathlib.Path) -> list[str]:
    """The name of each failed test of a result file of pytest, with the first line of the reason."""
    try:
        cases = list(ElementTree.parse(junit).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return []
    return [
        f"{case.get('classname')}::{case.get('name')}: {fault.get('message', '').strip().splitlines()[:1]}"
        for case in cases
        for fault in (*case.findall("failure"), *case.findall("error"))
    ]


def failed_tests_of_log(log: pathlib.Path) -> list[str]:
    """The lines that name a failure, else the last ones."""
    if not log.exists():
        return ["it left no output"]
    lines = [line.rstrip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    named = [line for line in lines if re.match(r"(FAILED |ERROR[: ]|fatal: |E   )", line)]
    return (named or lines)[-LAST_LINES:]


def main() -> int:
    table = rows(pathlib.Path(sys.argv[1]))
    width = max((len(row[0]) for row in table), default=0)
    print("\nWhat ran:")
    for name, result, detail, seconds in table:
        print(f"  {name:{width}}  {result:7}  {seconds:6.0f} s  {detail}".rstrip())
    for line in second_tries(pathlib.Path(sys.argv[1])):
        print(f"  tried a second time: {line[:WIDTH]}")
    results = [row[1] for row in table]
    failed = results.count("FAILED")
    if failed:
        print("\n".join(["Why:", *why(pathlib.Path(sys.argv[1]))]))
    if "passed" not in results:
        print("Nothing passed.")
        return 1
    print(f"{failed} of {len(results)} failed." if failed else "No failures.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

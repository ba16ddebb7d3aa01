# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is private to the collection.

"""The report of a PostgreSQL cloud migration, as checks.

The service tells the outcome of an assessment, and of a migration's own checks, in one text. Its documented lines are a
section in square brackets, `Check NAME: success`, `warning(...)` or `error...`, and one closing line of a report that
passed. Samples have real line breaks, or a backslash and the letter n. Lines are read by their form and not by known
names, because the list of checks grows; what has none of these forms belongs to the check above it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from .._plan import FAIL, PASS, UNKNOWN, WARN

PASSED, FAILED, PENDING = "passed", "failed", "pending"

_STATUS = {"success": PASS, "warning": WARN, "error": FAIL}
_LINE_BREAK = r"\r\n|\n|\r|\\r\\n|\\n"
_CLOSING = r"\*+ {0,4}migrate check (\w{1,40}) {0,4}\*+"
# Stages write lines such as `2026-01-31 10:00:00 --- error: ...` into the same text.
_EVENT = r"(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d )?--- ?(.*)"

_REMEDIES: tuple[tuple[str, str], ...] = (
    (
        r"rds (databases|empty)",
        "Migrate to an instance that holds only template0, template1 and postgres: delete its other databases, or "
        "give another instance_id.",
    ),
    (
        r"(ip|port) connectable",
        "Check source.host and source.port, listen_addresses = '*', and that firewall and security group let the "
        "target's VPC in.",
    ),
    (
        r"database connectable",
        "Check source.account and source.password, and that pg_hba.conf lets the account in from the target's VPC, for "
        "all databases and for replication.",
    ),
    (r"replication privilege", "On the source: ALTER ROLE the migration account REPLICATION."),
    (r"createrole privilege", "On the source: ALTER ROLE the migration account CREATEROLE."),
    (r"monitor privilege", "On the source: GRANT pg_monitor TO the migration account."),
    (
        r"glibc",
        "Physical streaming copies indexes byte by byte; under another glibc, indexes on texts may be in the wrong "
        "order and return wrong rows. postgresql_source lists these indexes: REINDEX them on the target after the "
        "switch and refresh the collation versions, then accept this check.",
    ),
    (r"version", "Migrate to an instance of the source's major version, and upgrade it afterwards."),
    (r"disk size|storage", "Enlarge the target's storage above the size of the source."),
    (r"wal keep", "Raise wal_keep_size (wal_keep_segments before version 13) on the source."),
    (r"spec param", "Use a larger class for the target, or lower these parameters on the source."),
    (r"user conflict|rds user", "Rename or drop the roles on the source whose names the service reserves."),
    (r"extension", "Drop the extensions on the source that the target does not offer, or use a newer minor version."),
    (r"trigger", "Drop the event triggers on the source; the service's accounts cannot own them."),
    (r"user function", "Drop the functions on the source that need a library; the library is not migrated."),
    (r"system catalog", "Move what users made in pg_catalog to another schema."),
    (r"role permission", "Revoke the roles that reach beyond the database from the users on the source."),
)
_OTHER_REMEDY = "Correct what the text says on the source or the target."


class ReportCheck(NamedTuple):
    """One line of a report. group: its section. status: pass, warn, fail, or unknown for a word nobody documented."""

    group: str
    name: str
    status: str
    detail: str = ""
    remedy: str = ""


class Report(NamedTuple):
    """checks in their order. closing: the word of the closing line (`success`), if there is one.

    events: the lines that stages wrote, without their time stamps. lines: how many it has, which shows whether it grew.
    """

    checks: tuple[ReportCheck, ...] = ()
    closing: str = ""
    events: tuple[str, ...] = ()
    lines: int = 0

    @property
    def failures(self) -> list[ReportCheck]:
        return [check for check in self.checks if check.status == FAIL]

    @property
    def error_events(self) -> list[str]:
        return [event for event in self.events if re.match(r"(error|fatal|failed)\b", event, re.IGNORECASE)]

    @property
    def outcome(self) -> str:
        """passed, failed or pending. Without an error and without the closing line nothing is concluded."""
        if self.failures or self.error_events or self.closing in ("failed", "fail", "error"):
            return FAILED
        return PASSED if self.closing == "success" else PENDING

    def masked(self, mask: Callable[[str], str]) -> Report:
        """The report with every text passed through `mask`."""
        checks = (c._replace(group=mask(c.group), name=mask(c.name), detail=mask(c.detail)) for c in self.checks)
        return self._replace(checks=tuple(checks), events=tuple(mask(event) for event in self.events))


def read_report(text: str | None) -> Report:
    """The report in a Detail of the service. Any text is read; an empty one is a report that is pending."""
    checks: list[ReportCheck] = []
    events: list[str] = []
    group = closing = ""
    continued = False
    lines = [line.strip() for line in re.split(_LINE_BREAK, text or "")]
    for line in lines:
        ending, event = re.fullmatch(_CLOSING, line, re.IGNORECASE), re.fullmatch(_EVENT, line)
        found = _check(group, line)
        if found is not None:
            checks.append(found)
        elif ending is not None:
            closing = ending[1].lower()
        elif event is not None:
            events.append(event[1])
        elif line.startswith("[") and line.endswith("]"):
            group = re.sub(r"^Check ", "", line[1:-1].strip())
        elif line and continued:
            checks[-1] = checks[-1]._replace(detail=f"{checks[-1].detail} {line}")
        # Only what stands right below a check can belong to it.
        continued = found is not None or (continued and bool(line) and not (ending or event or line.startswith("[")))
    return Report(tuple(map(_finished, checks)), closing, tuple(events), sum(map(bool, lines)))


def accept_names(checks: Iterable[ReportCheck]) -> list[str]:
    """For each check, in order, the name under which it stands among the module's checks and in `accept`."""
    listed = list(checks)
    short = [f"assessment_{_slug(check.name)}" for check in listed]
    names: list[str] = []
    for check, name in zip(listed, short, strict=True):
        full = f"assessment_{_slug(check.group)}_{_slug(check.name)}" if short.count(name) > 1 else name
        number = 2
        candidate = full
        while candidate in names:
            candidate, number = f"{full}_{number}", number + 1
        names.append(candidate)
    return names


def _check(group: str, line: str) -> ReportCheck | None:
    if not line.startswith("Check "):
        return None
    verdict = re.search(r": {0,4}(success|warning|error)\b", line, re.IGNORECASE)
    if verdict is not None:
        name, rest = line[6 : verdict.start()], line[verdict.end() :]
        return ReportCheck(group, name.strip(), _STATUS[verdict[1].lower()], rest.strip())
    name, colon, rest = line[6:].partition(":")
    return ReportCheck(group, name.strip(), UNKNOWN, rest.strip()) if colon else None


def _finished(check: ReportCheck) -> ReportCheck:
    """With the text taken out of its wrapping, `(warning:TEXT)` or `:TEXT`, and the remedy for what did not pass."""
    text = check.detail
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1]
    text = re.sub(r"^\s*(?:(?:warning|error)\b)?\s*[:,]?\s*", "", text, count=1, flags=re.IGNORECASE)
    remedy = "" if check.status == PASS else _remedy(check.name) or _remedy(check.group) or _OTHER_REMEDY
    return check._replace(detail=text.strip(), remedy=remedy)


def _remedy(name: str) -> str:
    return next((text for pattern, text in _REMEDIES if re.search(pattern, name, re.IGNORECASE)), "")


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "check"

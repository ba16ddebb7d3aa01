# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Faults, killed runs, load and hostile input, across all paths. What was tried is shown as figures at the end.

Helpers are those of the unit tests. ansible-test does not come here: nothing of this depends on the ansible-core.
"""

from __future__ import annotations

import pytest
from ansible_collections.apsaradb.migration.tests.reliability.figure_tables import table

# Fixtures of the unit tests, and their settings of Hypothesis.
from ansible_collections.apsaradb.migration.tests.unit.conftest import run, stage

__all__ = ["run", "stage"]

FIGURES, CELLS = "figures", "cells"


def pytest_configure(config):
    config.addinivalue_line("markers", "soak: runs long; make soak runs it, make test does not")
    config.addinivalue_line("markers", "playbooks: goes through ansible-playbook, so a case takes seconds")
    config.addinivalue_line("markers", "worlds: of stories of the unit tests that are told here again")


@pytest.fixture
def figures(record_property):
    """figures("title", ["line", …]) shows these lines under this title when the session ends, whatever the worker."""

    def show(title, lines):
        record_property(FIGURES, [title, list(lines)])

    return show


@pytest.fixture
def cells(record_property):
    """cells("title", "row", {head: mark, …}, ["legend", …]) adds a row to the table of this title, from any worker.

    Marks are those of figure_tables.py. What is told later about the same row replaces what was told before.
    """

    def show(title, row, marks, legend=()):
        record_property(CELLS, [title, row, dict(marks), list(legend)])

    return show


def pytest_terminal_summary(terminalreporter):
    """Show what tests told with the fixture figures, a section for each title."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    told, tables = {}, {}
    for report in sorted(reports, key=lambda report: report.nodeid):
        for name, value in getattr(report, "user_properties", ()):
            if name == FIGURES:
                title, lines = value
                told.setdefault(title, []).extend(lines)
            elif name == CELLS:
                title, row, marks, legend = value
                rows, _legend = tables.setdefault(title, ({}, legend))
                rows[row] = marks
    for title, (rows, legend) in tables.items():
        told[title] = [*told.get(title, []), *table(sorted(rows.items()), legend)]
    for title, lines in told.items():
        terminalreporter.section(title)
        for line in lines:
            terminalreporter.line(line)

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports are read by the form of their lines, whatever the lines are about, and nothing is guessed."""

from __future__ import annotations

import random

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.assessment import (
    FAILED,
    PASSED,
    PENDING,
    Report,
    accept_names,
    read_report,
)
from hypothesis import given, settings, strategies

GOOD = """[Check rds empty]
Check rds databases: success
[Check source connectivity]
Check ip connectable: success
Check port connectable: success
[Check source glibc version]
Check source glibc version compatible: warning(warning:source glibc version is not compatible with rds pg)
[Check triggers]
Check triggers compatible: success
*Migrate check success*"""
WORDS = [
    "[",
    "]",
    "Check ",
    ": ",
    "success",
    "warning",
    "error",
    "(",
    ")",
    "*Migrate check success*",
    "--- error: ",
    " ",
]


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\\n", "\\r\\n"])
def test_a_good_report(line_break):
    report = read_report(GOOD.replace("\n", line_break))
    assert report.outcome == PASSED
    assert [(c.group, c.name, c.status) for c in report.checks] == [
        ("rds empty", "rds databases", "pass"),
        ("source connectivity", "ip connectable", "pass"),
        ("source connectivity", "port connectable", "pass"),
        ("source glibc version", "source glibc version compatible", "warn"),
        ("triggers", "triggers compatible", "pass"),
    ]
    warned = report.checks[3]
    assert warned.detail == "source glibc version is not compatible with rds pg"
    assert "postgresql_source" in warned.remedy
    assert "REINDEX" in warned.remedy
    assert [c.remedy for c in report.checks if c.status == "pass"] == ["", "", "", ""]


@pytest.mark.parametrize("text", [None, "", "\n\n", "[Check rds empty]", GOOD.rpartition("\n")[0], "working on it"])
def test_without_a_closing_line_and_without_an_error_nothing_is_concluded(text):
    assert read_report(text).outcome == PENDING


@pytest.mark.parametrize(
    "line",
    [
        "Check major version consistent: error:source version is 16, rds version is 15",
        "Check major version consistent: error(error:source version is 16, rds version is 15)",
        "Check major version consistent: ERROR source version is 16, rds version is 15",
        "Check major version consistent:error,source version is 16, rds version is 15",
        "Check major version consistent: error(source version is 16, rds version is 15)",
    ],
)
@pytest.mark.parametrize("closing", ["", "*Migrate check failed*", "*Migrate check success*"])
def test_an_error_fails_a_report_however_it_is_put(line, closing):
    report = read_report(f"[Check source version]\n{line}\n{closing}")
    assert report.outcome == FAILED
    (found,) = report.failures
    assert (found.group, found.name) == ("source version", "major version consistent")
    assert found.detail == "source version is 16, rds version is 15"
    assert "major version" in found.remedy


def test_an_error_on_several_lines():
    text = (
        'Check database connectable: error(error:connection failed: FATAL:  no pg_hba.conf entry for "x"\nFATAL: more)'
    )
    (found,) = read_report(text + "\n[Check next]\nnot part of it").checks
    assert found.detail == 'connection failed: FATAL:  no pg_hba.conf entry for "x" FATAL: more'


def test_checks_and_words_that_are_not_known_yet():
    report = read_report(
        "[Check the moon]\nCheck moon phase: skipped\nCheck tides: warning(high)\n*Migrate check success*"
    )
    assert [(c.name, c.status, c.detail) for c in report.checks] == [
        ("moon phase", "unknown", "skipped"),
        ("tides", "warn", "high"),
    ]
    assert report.outcome == PASSED
    assert all(c.remedy for c in report.checks)


def test_what_the_stages_write():
    stages = "[Copy data]\n2026-01-31 10:00:00 --- Copy data from source\n--- error: disk full"
    report = read_report(GOOD.replace("*Migrate check success*", stages))
    assert report.events == ("Copy data from source", "error: disk full")
    assert report.error_events == ["error: disk full"]
    assert report.failures == []
    assert report.outcome == FAILED


def test_names_for_accept():
    report = read_report(
        "[Check a]\nCheck Wal-keep  SIZE (MB): success\nCheck it: success\n"
        "[Check b]\nCheck it: success\nCheck it: success\nCheck 版本: success\n"
    )
    assert accept_names(report.checks) == [
        "assessment_wal_keep_size_mb",
        "assessment_a_it",
        "assessment_b_it",
        "assessment_b_it_2",
        "assessment_check",
    ]


def test_masked_everywhere():
    report = read_report("[Check s3]\nCheck s3 x: error:is s3\n--- said s3").masked(
        lambda text: text.replace("s3", "*")
    )
    assert "s3" not in str(report)
    assert report.checks[0].detail == "is *"


def test_a_long_line_is_read_at_once():
    assert read_report("Check " + " :" * 200_000 + "\n" + "(" * 200_000).outcome == PENDING


@pytest.mark.parametrize("seed", range(300))
def test_any_mixture_of_its_words_is_read(seed):
    chosen = random.Random(seed)
    text = "".join(chosen.choice([*WORDS, "\n", "\\n", "ä", "x"]) for _word in range(chosen.randrange(60)))
    _is_well_formed(read_report(text))


@settings(max_examples=400, deadline=None, database=None)
@given(
    strategies.text()
    | strategies.lists(strategies.sampled_from([*WORDS, "\n", "\\n"]) | strategies.text(max_size=5)).map("".join)
)
def test_any_text_is_read(text):
    _is_well_formed(read_report(text))


def _is_well_formed(report):
    assert isinstance(report, Report)
    assert report.outcome in (PASSED, FAILED, PENDING)
    names = accept_names(report.checks)
    assert len(set(names)) == len(names) == len(report.checks)
    for check in report.checks:
        assert check.status in ("pass", "warn", "fail", "unknown")
        assert bool(check.remedy) == (check.status != "pass")
    if report.outcome == PASSED:
        assert not report.failures
        assert report.closing == "success"

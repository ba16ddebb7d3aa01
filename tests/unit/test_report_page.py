# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report's files: written in one step, only when something changed, and safe to open."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import os
import re
import time

import jinja2
import pytest
from ansible_collections.apsaradb.migration.plugins.plugin_utils import (
    _report_folder,
    _report_page,
    _report_words,
    _whole_file,
)
from ansible_collections.apsaradb.migration.plugins.plugin_utils._report_chart import Axis, bars
from ansible_collections.apsaradb.migration.plugins.plugin_utils._report_files import made_in
from ansible_collections.apsaradb.migration.plugins.plugin_utils._report_page import page_of
from ansible_collections.apsaradb.migration.tests.unit.report_stage import (
    HOST,
    HOSTILE,
    OVERRIDE,
    check,
    entry,
    names,
    record,
    rehearsal,
    report,
    run,
)


@pytest.fixture
def folder(tmp_path):
    for document in (rehearsal(["a"]), run(["a"])):
        put(tmp_path, document)
    return tmp_path


def put(folder, document):
    path = folder / document["host"] / f"{document['kind']}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def written(folder):
    """Which files they are, and when they were written."""
    told = [(folder / name).stat() for name in ("report.html", "report.json")]
    return [(one.st_ino, one.st_mtime_ns) for one in told]


class Page(html.parser.HTMLParser):
    """What a page holds, as a browser would take it apart."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.words, self.scripts = [], [], [], []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self._inside = tag

    def handle_data(self, data):
        if self._inside in ("script", "style"):
            self.scripts.append((self._inside, data))
            self._inside = ""
        else:
            self.words.append(data)


class TestFolder:
    def test_a_second_report_of_the_same_changes_nothing(self, folder, monkeypatch):
        told, changed = made_in(folder, "Title")
        assert (changed, told["outcome"]) == (True, "unfinished")
        before = written(folder)
        monkeypatch.setattr(time, "gmtime", lambda: time.struct_time((2030, 1, 1, 0, 0, 0, 1, 1, 0)))
        told, changed = made_in(folder, "Title")
        assert (changed, "2030" in told["created"]) == (False, False)
        assert written(folder) == before

    def test_templates_are_translated_once_in_a_playbook(self, folder, tmp_path_factory, monkeypatch):
        """Each of its tasks is a process of its own. They share a folder."""
        translations = str(tmp_path_factory.mktemp("translations"))
        made_in(folder, "Title", translations)
        before = written(folder)
        _report_page._environment.cache_clear()
        monkeypatch.setattr(jinja2.Environment, "compile", None)
        assert not made_in(folder, "Title", translations)[1]
        assert written(folder) == before

    def test_other_records_another_title_or_a_lost_page_make_it_anew(self, folder):
        made_in(folder, "Title")
        assert made_in(folder, "Other")[1]
        put(folder, run(["a"], failing=["a"]))
        told, changed = made_in(folder, "Other")
        assert (changed, told["outcome"]) == (True, "failed")
        (folder / "report.html").unlink()
        assert made_in(folder, "Other")[1]
        (folder / "report.json").write_text("[" * 100_000)
        assert made_in(folder, "Other")[1]
        assert not made_in(folder, "Other")[1]

    def test_the_data_are_what_the_page_was_made_of(self, folder):
        told, _changed = made_in(folder, "Title")
        assert json.loads((folder / "report.json").read_text()) == told

    def test_only_its_owner_reads_it_and_nothing_else_is_left(self, folder):
        made_in(folder, "Title")
        assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.json", HOST]
        assert (folder / "report.html").stat().st_mode & 0o777 == 0o600

    def test_half_a_report_is_never_seen(self, folder, monkeypatch):
        made_in(folder, "Title")
        before = (folder / "report.html").read_text()

        def full(*_arguments):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "replace", full)
        with pytest.raises(OSError, match="No space"):
            _whole_file.write(folder / "report.html", "half")
        assert (folder / "report.html").read_text() == before
        assert len(list(folder.iterdir())) == 3

    def test_what_is_no_file_is_told_and_not_waited_for(self, folder):
        (folder / "pipe").mkdir()
        os.mkfifo(folder / "pipe" / "run.json")
        (folder / "odd" / "rehearsal.json").mkdir(parents=True)
        told, _changed = made_in(folder, "Title")
        assert [(one["file"], one["reason"]) for one in told["unreadable"]] == [
            ("odd/rehearsal.json", "it is not a file."),
            ("pipe/run.json", "it is not a file."),
        ]

    def test_a_file_that_is_far_too_large_is_not_read(self, folder, monkeypatch):
        monkeypatch.setattr(_report_folder, "LARGEST", 10)
        told, _changed = made_in(folder, "Title")
        assert len(told["unreadable"]) == 2

    def test_without_a_folder_there_is_no_report(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            made_in(tmp_path / "none", "Title")


class TestPage:
    def test_it_is_one_file_with_a_policy_that_lets_in_only_its_own_script_and_style(self):
        page = Page(page_of(report(rehearsal(["a"]), run(["a"]))))
        policy = _policy(page)
        assert policy.startswith("default-src 'none'")
        for kind, text in page.scripts:
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert f"{kind}-src 'sha256-{digest}'" in policy
        assert [kind for kind, _text in page.scripts] == ["style", "script"]
        assert not {"img", "iframe", "link", "object", "base"} & set(page.tags)
        assert not [name for name, _value in page.attributes if name in ("src", "style") or name.startswith("on")]
        assert {value[0] for name, value in page.attributes if name == "href"} == {"#"}

    def test_names_of_others_stay_names(self):
        tame = Page(page_of(report(run(["a"] * len(HOSTILE), ["a"]))))
        document = {**run(HOSTILE, HOSTILE), "role": HOSTILE[0], "guidance": {"next": HOSTILE, "cutover": HOSTILE}}
        document["entries"].append(
            entry(checks=[check(name, "fail", name, name) for name in HOSTILE], module=HOSTILE[1])
        )
        text = page_of(report(document, title=HOSTILE[0] + OVERRIDE))
        page = Page(text)
        assert {tag for tag in page.tags if tag not in tame.tags} <= {"article", "code", "details", "summary", "pre"}
        assert page.tags.count("script") == 1
        assert not [character for character in text if character in (OVERRIDE, "\x00", "\x07")]
        assert "U+202E" in "".join(page.words)

    @pytest.mark.parametrize(
        "documents",
        [
            [],
            [record()],
            [record(entry(began=None, ended=None))],
            [rehearsal([])],
            [run(["a"], host=f"host-{number}") for number in range(9)],
            [rehearsal(names(3)), run(names(3), names(3))],
        ],
    )
    def test_it_is_made_of_whatever_there_is(self, documents):
        page = Page(page_of(report(*documents)))
        assert page.tags.count("h1") == 1
        assert page.tags.count("main") == 1

    def test_a_broken_file_is_seen(self):
        assert "x/run.json" in page_of(report(_report_folder.File("x/run.json", b"{")))

    def test_five_hundred_databases_take_little_time_and_room(self):
        start = time.monotonic()
        text = page_of(report(rehearsal(names(500)), run(names(500), names(500)[:7])))
        assert time.monotonic() - start < 10
        assert len(text) < 2_000_000
        assert text.count('data-state="failed"') == 7


def _policy(page):
    found = [value for name, value in page.attributes if name == "content" and value.startswith("default-src")]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        (_report_words.size(None), "-"),
        (_report_words.size(0), "0 B"),
        (_report_words.size(1536), "1.5 KiB"),
        (_report_words.size(3 * 2**50), "3072.0 TiB"),
        (_report_words.rate(2**20), "1.0 MiB/s"),
        (_report_words.duration(0), "0 s"),
        (_report_words.duration(3.25), "3.2 s"),
        (_report_words.duration(59.7), "1 min 00 s"),
        (_report_words.duration(3600), "1 h 00 min"),
        (_report_words.duration(90000), "1 d 1 h"),
        (_report_words.tick(1800), "30 min"),
        (_report_words.tick(90), "1 min 30 s"),
        (_report_words.count(1, "host"), "1 host"),
        (_report_words.count(2000, "host"), "2,000 hosts"),
        (_report_words.name(f"a{OVERRIDE}<"), '<bdi>a<span class="number">U+202E</span>&lt;</bdi>'),
        (_report_words.prose("a\nb\r"), '<bdi>a\nb<span class="number">U+000D</span></bdi>'),
        (_report_words.plain("a\x00"), "aU+0000"),
    ],
)
def test_words(written, wanted):
    assert written == wanted


class TestTimeline:
    @staticmethod
    def phase(began, ended):
        moments = [
            None if minute is None else f"2026-01-01T{minute // 60:02d}:{minute % 60:02d}:00Z"
            for minute in (began, ended)
        ]
        seconds = None if None in (began, ended) else 60 * (ended - began)
        return {"began": moments[0], "ended": moments[1], "seconds": seconds, "phase": "x", "failed": False}

    def test_bars_stand_where_time_stood(self):
        phases = [self.phase(0, 10), self.phase(10, 40)]
        drawn = bars(Axis(phases), phases)
        assert [(one.x, one.width) for one in drawn] == [(0, 25), (25, 75)]

    def test_idle_hours_are_cut_and_the_cut_is_drawn(self):
        phases = [self.phase(0, 10), self.phase(600, 610)]
        axis = Axis(phases)
        first, last = bars(axis, phases)
        assert first.width == pytest.approx(last.width)
        assert first.width > 45
        assert (len(axis.cuts), axis.ticks) == (1, [])
        assert first.width < axis.cuts[0] < last.x

    def test_a_moment_can_be_seen_and_nothing_leaves_the_chart(self):
        phases = [self.phase(0, 600), self.phase(600, 600)]
        moment = bars(Axis(phases), phases)[1]
        assert moment.width > 0
        assert moment.x <= 100

    def test_phases_without_times_have_no_bar(self):
        phases = [self.phase(None, 10), self.phase(5, 6)]
        assert len(bars(Axis(phases), phases)) == 1
        assert Axis([]).ticks


def test_the_script_names_nothing_that_could_run_a_text():
    text = page_of(report())
    assert not re.search(r"innerHTML|outerHTML|document\.write|eval\(|insertAdjacentHTML|fetch\(|XMLHttp", text)

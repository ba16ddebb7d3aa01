# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How progress is shown: as lines, as bars, and never in the way of what Ansible prints."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import threading
import types

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._progress import (
    HOST_VARIABLE,
    TASK_VARIABLE,
    send,
)
from ansible_collections.apsaradb.migration.plugins.module_utils._waiting import SOCKET_VARIABLE
from ansible_collections.apsaradb.migration.plugins.plugin_utils import _progress_words as words
from ansible_collections.apsaradb.migration.plugins.plugin_utils._progress_bars import Bars
from ansible_collections.apsaradb.migration.plugins.plugin_utils._progress_hidden import (
    target_of,
    tells_progress,
    why_hidden,
)
from ansible_collections.apsaradb.migration.plugins.plugin_utils._progress_lines import Lines
from ansible_collections.apsaradb.migration.plugins.plugin_utils._progress_listener import Listener
from ansible_collections.apsaradb.migration.plugins.plugin_utils._progress_terminal import Terminal
from ansible_collections.apsaradb.migration.plugins.plugin_utils._progress_watcher import LinesView, Watcher
from ansible_collections.apsaradb.migration.plugins.plugin_utils._progress_works import Works, read_event

UPLOAD = {
    "kind": "upload",
    "module": "oss_backup_upload",
    "instance": "rm-1",
    "host": "h1",
    "task": "t1",
    "subject": "in/sales.bak",
    "unit": "bytes",
    "done": 450e6,
    "total": 1e9,
    "rate": 110e6,
    "eta": 5.0,
}
WAIT = {
    "kind": "wait",
    "module": "rds_cloud_migration",
    "host": "h1",
    "task": "t1",
    "subject": "10.0.0.1:5432",
    "stage": "increment streaming",
    "lag_bytes": 3_100_000,
    "lag_seconds": 2,
    "waiting_for": "a small lag",
    "elapsed": 720,
    "timeout": 21600,
    "next": 15,
}


def packed(event, **changes):
    return json.dumps({"version": 1, **event, **changes}).encode()


def taken(*events, now=0.0, works=None):
    works = works or Works()
    works.take([packed(event) for event in events], now)
    return works


# What comes in


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b'{"version": 2, "kind": "wait", "subject": "a"}',
        packed({"kind": "wait"}),
        b"[" * 9999,
        packed({"subject": "a"}),
        packed(UPLOAD, kind=7),
        b"\xff\xfe",
    ],
)
def test_what_is_no_event_is_passed_over(datagram):
    assert read_event(datagram, 0.0) is None


def test_values_of_another_type_are_left_out():
    work = read_event(packed(UPLOAD, done="1", total=True, rate=None, eta=-1, stage=["x"], lag_bytes=float("nan")), 0.0)
    assert (work.done, work.total, work.rate, work.eta, work.stage, work.lag_bytes) == (
        None,
        None,
        None,
        None,
        "",
        None,
    )


@pytest.mark.parametrize(
    "name", ["\x1b[2J\x1b[31mred", "a\nb", "a\r", "\u202egnp.exe", "\x9b1m", "\u2028", "[bold]x[/bold]"]
)
def test_names_steer_no_terminal(name):
    works = taken({**UPLOAD, "subject": name, "stage": name, "module": name, "host": name})
    [line] = Lines(30).news(works, 0.0)
    assert line.isprintable()
    pytest.importorskip("rich")
    rows = Bars(encoding="utf-8", color=False).rows(works.going(), 0.0, 200, 50)
    assert all(row.isprintable() for row in rows)
    if name.startswith("["):
        assert "[bold]x[/bold]" in "".join(rows)


def test_a_flood_is_bounded():
    works = taken(*({**UPLOAD, "subject": str(n)} for n in range(6000)))
    assert len(works.going()) == 5000


def test_what_ended_goes_and_what_its_task_left_goes_with_it():
    works = taken(UPLOAD, WAIT, {**UPLOAD, "host": "h2"}, {**UPLOAD, "ended": "done"})
    assert [(w.host, w.kind) for w in works.going()] == [("h1", "wait"), ("h2", "upload")]
    works.end_task("h1", "t1")
    assert [w.host for w in works.going()] == ["h2"]


def test_a_task_in_the_background_that_was_killed_is_forgotten():
    works = taken(UPLOAD, WAIT)
    works.forget_stale(350.0)
    assert len(works.going()) == 2
    works.forget_stale(361.0)
    assert [w.kind for w in works.going()] == ["upload"]


# Words


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.7, "1.0 kB"),
        (1500, "1.5 kB"),
        (110e6, "110 MB"),
        (99.96e6, "100 MB"),
        (2.7e9, "2.7 GB"),
        (5e18, "5000 PB"),
    ],
)
def test_sizes(count, shown):
    assert words.size(count) == shown


def test_all_but_a_byte_is_not_all():
    assert words.amount(read_event(packed(UPLOAD, done=999_999_999), 0.0)).startswith("99 %")


def test_no_time_left_without_a_rate():
    unknown = {name: value for name, value in UPLOAD.items() if name not in ("rate", "eta")}
    [line] = Lines(30).news(taken(unknown), 0.0)
    assert line == "h1 oss_backup_upload: in/sales.bak: 45 % (450 MB of 1.0 GB)"


def test_an_old_rate_is_not_shown_as_if_it_were_new():
    works = taken(UPLOAD)
    lines = Lines(30)
    lines.news(works, 0.0)
    [line] = lines.news(works, 60.0)
    assert line.endswith("45 % (450 MB of 1.0 GB), no news for 0:01:00")


# Lines


def test_lines_of_an_upload_and_of_a_wait():
    assert Lines(30).news(taken(UPLOAD, WAIT), 0.0) == [
        "h1 rds_cloud_migration: 10.0.0.1:5432: increment streaming, 3.1 MB, 2 s behind, "
        "waiting 0:12:00 of 6:00:00 for a small lag",
        "h1 oss_backup_upload: in/sales.bak: 45 % (450 MB of 1.0 GB), 110 MB/s, 0:00:05 left",
    ]


def test_one_line_per_change_and_per_interval():
    lines, works = Lines(30), taken(WAIT)
    said = {}
    for second in range(100):
        stage = "basebackup" if second < 50 else "increment"
        taken({**WAIT, "stage": stage}, now=float(second), works=works)
        for line in lines.news(works, float(second)):
            said[second] = line
    assert sorted(said) == [0, 30, 50, 60 + 30]
    assert "increment" in said[50]


def test_a_task_that_tells_nothing_more_is_not_silent():
    """A statement of six hours: one event, and lines all the time."""
    works = taken({name: value for name, value in WAIT.items() if name != "next"})
    lines = Lines(30)
    said = [line for second in range(0, 6 * 3600, 10) for line in lines.news(works, float(second))]
    assert len(said) == 6 * 120
    assert "waiting 6:11:30 of 6:00:00" in said[-1]


def test_a_large_batch_is_summed_up():
    lines = Lines(30)
    batch = [{**WAIT, "subject": f"db{n:03}", "stage": "restoring"} for n in range(100)]
    together = {**WAIT, "subject": "all", "stage": "100 on their way", "done": 3, "total": 103, "unit": "databases"}
    works = taken(*batch, together)
    first = lines.news(works, 0.0)
    assert len(first) == 5
    assert "all together: 100 on their way, 3 of 103 databases" in first[0]
    assert lines.news(works, 10.0) == []
    assert lines.news(works, 30.0)[-1] == "h1 rds_cloud_migration: and 96 more"


def test_the_end_of_what_was_told_is_told():
    lines, works = Lines(30), taken(WAIT, UPLOAD)
    lines.news(works, 0.0)
    taken({**WAIT, "ended": "done", "elapsed": 730}, {**UPLOAD, "ended": "done", "done": 1e9}, works=works)
    taken({**UPLOAD, "subject": "never told", "ended": "done"}, works=works)
    assert [line.rsplit(": ", 1)[1] for line in lines.news(works, 1.0)] == [
        "increment streaming, done after 0:12:10",
        "100 % (1.0 GB of 1.0 GB), done",
    ]


# Bars


@pytest.fixture
def bars():
    pytest.importorskip("rich")
    return Bars(encoding="utf-8", color=False)


def test_bars_of_several_hosts(bars):
    works = taken(UPLOAD, {**WAIT, "host": "h2"}, {**WAIT, "host": "h3", "missed": 2, "stage": "basebackup"})
    rows = bars.rows(works.going(), 0.0, 160, 40)
    assert re.match("h1 in/sales.bak +━━━━━━━━━.*45 % .450 MB of 1.0 GB., 110 MB/s, 0:00:05 left", rows[0])
    assert re.match(
        "h2 10.0.0.1:5432 +increment streaming, 3.1 MB, 2 s behind, waiting 0:12:00 of 6:00:00 for a small lag", rows[1]
    )
    assert "the last 2 looks failed" in rows[2]


def test_bars_of_one_task_name_it_once(bars):
    rows = bars.rows(taken(UPLOAD, {**UPLOAD, "subject": "in/crm.bak"}).going(), 0.0, 160, 40)
    assert rows[0] == "h1 oss_backup_upload"
    assert [row.split()[0] for row in rows[1:]] == ["in/crm.bak", "in/sales.bak"]


@pytest.mark.parametrize("width", [20, 40, 79, 200])
@pytest.mark.parametrize("height", [2, 10, 60])
def test_bars_fit_the_terminal(bars, width, height):
    events = [
        {**UPLOAD, "subject": f"{n} \u4e2d\u6587" + "x" * 80, "stage": "y" * 80, "host": f"h{n}"} for n in range(40)
    ]
    rows = bars.rows(taken(*events).going(), 0.0, width, height)
    assert 1 <= len(rows) <= max(height // 2, 1) + 1
    assert all(len(row) <= width for row in rows)


def test_a_terminal_without_these_characters(bars):
    pytest.importorskip("rich")
    rows = Bars(encoding="ascii", color=False).rows(taken(UPLOAD).going(), 0.0, 120, 40)
    assert "".join(rows).isascii()


# The terminal


@pytest.fixture
def screen():
    """A terminal, and what was written to it."""
    master, slave = pty.openpty()

    def read():
        found = b""
        while select.select([master], [], [], 0.1)[0]:
            found += os.read(master, 65536)
        return found.decode()

    with open(slave, "w", buffering=1, encoding="utf-8") as stream:
        yield types.SimpleNamespace(stream=stream, read=read, lock=threading.RLock())
    os.close(master)


@pytest.fixture
def terminal(screen):
    terminal = Terminal(screen.lock, [screen.stream])
    terminal.attach()
    yield terminal
    terminal.detach()


def test_rows_are_erased_before_anything_is_printed(screen, terminal):
    terminal.draw(["one", "two"])
    assert screen.read() == "one\r\ntwo\r\n"
    screen.stream.write("ok: [h1]\n")
    assert screen.read() == "\x1b[2A\r\x1b[Jok: [h1]\r\n"
    terminal.draw(["three"])
    terminal.draw(["three"])
    assert screen.read() == "three\r\n"
    terminal.draw([])
    assert screen.read() == "\x1b[1A\r\x1b[J"


def test_nothing_is_drawn_behind_half_a_line(screen, terminal):
    screen.stream.write("Password: ")
    screen.stream.flush()
    terminal.draw(["one"])
    screen.stream.write("\n")
    terminal.draw(["two"])
    assert screen.read() == "Password: \r\ntwo\r\n"


def test_nothing_is_drawn_while_ansible_holds_the_display(screen, terminal):
    def hold():
        with screen.lock:
            held.set()
            free.wait(10)

    held, free = threading.Event(), threading.Event()
    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    terminal.draw(["one"])
    free.set()
    thread.join()
    terminal.draw(["two"])
    assert screen.read() == "two\r\n"


def test_a_worker_that_took_the_stream_along_erases_nothing(screen, terminal, monkeypatch):
    terminal.draw(["one"])
    screen.read()
    owner = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: owner + 1)
    screen.stream.write("from a worker\n")
    assert screen.read() == "from a worker\r\n"


def test_the_end_leaves_the_streams_as_they_were(screen):
    before = screen.stream.buffer.write
    terminal = Terminal(screen.lock, [screen.stream])
    terminal.attach()
    assert screen.stream.buffer.write != before
    terminal.draw(["one"])
    terminal.detach()
    assert screen.stream.buffer.write == before
    assert screen.read() == "one\r\n\x1b[1A\r\x1b[J"


def test_a_terminal_that_became_narrower_has_wrapped_the_rows(screen, terminal, monkeypatch):
    terminal.draw(["x" * 50, "\x1b[1mshort\x1b[0m"])
    screen.read()
    monkeypatch.setattr(os, "get_terminal_size", lambda fd: os.terminal_size((20, 24)))
    terminal.draw([])
    assert screen.read() == "\x1b[4A\r\x1b[J"


# The socket and the thread


def test_the_socket_is_private_named_and_removed():
    listener = Listener()
    folder = os.path.dirname(listener.path)
    assert os.environ[SOCKET_VARIABLE] == listener.path
    assert os.stat(folder).st_mode & 0o777 == 0o700
    listener.introduce("h1", "t1")
    send(listener.path, {"kind": "wait", "subject": "a"})
    listener.wake()
    [datagram] = listener.receive(1.0)
    assert json.loads(datagram) == {"version": 1, "kind": "wait", "subject": "a", "host": "h1", "task": "t1"}
    listener.close()
    assert not os.path.exists(folder)
    assert not {SOCKET_VARIABLE, HOST_VARIABLE, TASK_VARIABLE} & set(os.environ)


def test_a_long_name_of_the_temporary_folder(tmp_path, monkeypatch):
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    listener = Listener()
    assert len(listener.path) < 100
    listener.close()
    assert list(deep.iterdir()) == []


def test_events_of_a_task_are_shown_before_its_result_takes_them_away():
    listener, said = Listener(), []
    watcher = Watcher(listener, LinesView(Lines(30), said.append), clock=lambda: 0.0)
    try:
        send(listener.path, WAIT)
        watcher.turn(0.2)
        assert len(said) == 1
        watcher.end_task("h1", "t1")
        watcher.turn(0.0)
        send(listener.path, {**WAIT, "task": "t2"})
        watcher.turn(0.2)
        assert len(said) == 2
    finally:
        listener.close()


# Where the socket does not reach


def task(**values):
    return types.SimpleNamespace(**{"action": "apsaradb.migration.dts_migration", "connection": "local", **values})


@pytest.mark.parametrize(
    ("values", "variables", "why"),
    [
        ({}, {}, ""),
        ({"connection": "ssh"}, {}, "the connection ssh"),
        ({"connection": "ssh"}, {"ansible_connection": "local"}, ""),
        ({"connection": "{{ x }}"}, {}, ""),
        ({"become": True}, {}, "become with sudo"),
        ({"become": True}, {"ansible_become": "no"}, ""),
        ({"become": True, "become_method": "su"}, {}, ""),
        ({"become": "{{ x }}"}, {}, ""),
        ({}, {"ansible_become": "yes", "ansible_become_method": "doas"}, "become with doas"),
        ({"become": True, "environment": [{SOCKET_VARIABLE: "/x"}]}, {}, ""),
    ],
)
def test_why_it_is_hidden(values, variables, why):
    assert why_hidden(task(**values), variables) == why


def test_only_tasks_that_tell_are_spoken_of():
    assert tells_progress(task())
    assert tells_progress(task(action="dts_migration", resolved_action="apsaradb.migration.dts_migration"))
    assert not tells_progress(task(action="apsaradb.migration.rds_instance_info"))
    assert not tells_progress(task(action="ansible.builtin.debug"))
    assert [target_of(task(delegate_to=to), "h1") for to in (None, "h2", "{{ x }}")] == ["h1", "h2", ""]

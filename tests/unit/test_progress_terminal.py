# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Progress is never in the way of what Ansible prints; the socket, the thread, and tasks that do not reach it."""

from __future__ import annotations

import json
import os
import pty
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
from ansible_collections.apsaradb.migration.plugins.plugin_utils._progress_hidden import (
    target_of,
    tells_progress,
    why_hidden,
)
from ansible_collections.apsaradb.migration.plugins.plugin_utils._progress_lines import Lines
from ansible_collections.apsaradb.migration.plugins.plugin_utils._progress_listener import Listener
from ansible_collections.apsaradb.migration.plugins.plugin_utils._progress_terminal import Terminal
from ansible_collections.apsaradb.migration.plugins.plugin_utils._progress_watcher import LinesView, Watcher
from ansible_collections.apsaradb.migration.tests.unit.progress_stage import WAIT

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

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: notification
short_description: Show the progress of uploads and waits while their tasks run
version_added: 1.0.0
author:
  - The apsaradb.migration contributors (@apsaradb-migration)
description:
  - Ansible shows nothing of a task before it has ended, and an upload or a migration takes hours. This callback
    shows how far they are, with the rate, the time that is left, the stage and the lag, as the modules of this
    collection tell it.
  - On a terminal it draws bars below the output, several at a time for a batch and for several hosts. They are
    taken away before Ansible prints and come back afterwards.
  - Elsewhere, such as in AWX, in CI or in a file, it prints a line when a stage changes and one per O(interval), so
    that no task is silent for long.
  - The time that is left comes from the rate that was measured. Where nothing was measured, none is shown.
  - It stands beside the callback for standard output, and does not replace it.
requirements:
  - enable it, for example with E(ANSIBLE_CALLBACKS_ENABLED=apsaradb.migration.progress)
  - rich >= 13.0.0 (Python library, on the controller) for bars; it is optional, without it lines are printed
notes:
  - Modules send their progress to a socket on the controller, whose name they find in the environment. Tasks with
    C(become) or with another connection than C(local) do not get that environment; the callback says so once. With
    C(become) on the controller itself, pass it on with the task's keyword C(environment) (see the examples).
  - Nobody but the user who runs the playbook, and root, can send to that socket. What is shown are names, states and
    numbers, never an option of a task.
options:
  mode:
    description:
      - How progress is shown.
      - V(auto) draws bars where standard output is a terminal, C(rich) is installed, and nothing hints at AWX (the
        callback for standard output is C(awx_display)) or CI (E(CI) is set, E(TERM) is V(dumb)). Otherwise it
        prints lines.
      - V(bars) draws bars without looking for hints, and prints lines where there is no terminal or no C(rich).
      - V(lines) prints lines.
    type: str
    choices:
      - auto
      - bars
      - lines
    default: auto
    env:
      - name: APSARADB_PROGRESS_MODE
    ini:
      - section: callback_apsaradb_progress
        key: mode
  interval:
    description:
      - Seconds between two lines of a task that goes on without a change. Bars do not use it.
    type: float
    default: 30
    env:
      - name: APSARADB_PROGRESS_INTERVAL
    ini:
      - section: callback_apsaradb_progress
        key: interval
  stream:
    description:
      - Where lines go. Choose V(stderr) when something reads standard output, for example as JSON. Bars do not use it.
    type: str
    choices:
      - stdout
      - stderr
    default: stdout
    env:
      - name: APSARADB_PROGRESS_STREAM
    ini:
      - section: callback_apsaradb_progress
        key: stream
"""

EXAMPLES = r"""
ansible.cfg: |
  # Enable it for all playbooks
  [defaults]
  callbacks_enabled = apsaradb.migration.progress

  [callback_apsaradb_progress]
  interval = 60

playbook.yml: |
  # A task that runs as another user of the controller gets the socket only if it is passed on
  - name: Upload backups that only root may read
    become: true
    environment:
      APSARADB_PROGRESS_SOCKET: "{{ lookup('ansible.builtin.env', 'APSARADB_PROGRESS_SOCKET') }}"
      APSARADB_PROGRESS_HOST: "{{ lookup('ansible.builtin.env', 'APSARADB_PROGRESS_HOST') }}"
      APSARADB_PROGRESS_TASK: "{{ lookup('ansible.builtin.env', 'APSARADB_PROGRESS_TASK') }}"
    apsaradb.migration.oss_backup_upload:
      path: /var/backups
      bucket: sales-migration-2026
"""

import atexit
import os
import sys
from typing import Any

from ansible import constants as C
from ansible.plugins.callback import CallbackBase
from ansible_collections.apsaradb.migration.plugins.plugin_utils._progress_hidden import (
    target_of,
    tells_progress,
    why_hidden,
)
from ansible_collections.apsaradb.migration.plugins.plugin_utils._progress_lines import Lines
from ansible_collections.apsaradb.migration.plugins.plugin_utils._progress_listener import Listener
from ansible_collections.apsaradb.migration.plugins.plugin_utils._progress_watcher import (
    BarsView,
    LinesView,
    Watcher,
)

_HIDDEN = (
    "The progress of {module} on {host} is not shown: {why} does not pass the environment on. See "
    "ansible-doc -t callback apsaradb.migration.progress."
)


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "apsaradb.migration.progress"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._process = os.getpid()
        self._listener: Listener | None = None
        self._watcher: Watcher | None = None
        self._bars: BarsView | None = None
        self._variables: Any = None
        self._said_hidden = False

    def v2_playbook_on_play_start(self, play):
        self._variables = play.get_variable_manager()
        if self._watcher is None:
            self._begin()
        if self._bars:
            self._bars.paused = False

    def v2_playbook_on_vars_prompt(self, *args, **kwargs):
        if self._bars:
            self._bars.paused = True

    def v2_runner_on_start(self, host, task):
        """Called just before the worker of the task is forked."""
        if self._watcher is None or self._listener is None:
            return
        self._listener.introduce(host.name, task._uuid)
        if not self._said_hidden and tells_progress(task):
            self._say_hidden(host.name, task)

    def v2_runner_on_ok(self, result):
        self._end_task(result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._end_task(result)

    def v2_runner_on_unreachable(self, result):
        self._end_task(result)

    def v2_playbook_on_stats(self, stats):
        self._end()

    def _begin(self):
        try:
            self._listener = Listener()
        except OSError as error:
            self._display.warning(f"No progress will be shown: the socket for it cannot be made ({error}).")
            self.disabled = True
            return
        self._bars = self._new_bars()
        view = self._bars or LinesView(Lines(max(self.get_option("interval"), 1.0)), self._print_line)
        self._watcher = Watcher(self._listener, view)
        # Where the play is interrupted, its end is not called.
        atexit.register(self._end)
        self._watcher.start()

    def _end(self):
        if self._watcher is None or os.getpid() != self._process:
            return
        watcher, self._watcher, self._bars = self._watcher, None, None
        watcher.stop()
        atexit.unregister(self._end)

    def _new_bars(self):
        if not _may_draw(self.get_option("mode")):
            return None
        from ansible_collections.apsaradb.migration.plugins.plugin_utils._progress_bars import Bars
        from ansible_collections.apsaradb.migration.plugins.plugin_utils._progress_terminal import Terminal

        try:
            bars = Bars(encoding=sys.stdout.encoding or "utf-8", color=not C.ANSIBLE_NOCOLOR)
        except ImportError:
            self._display.vv("Progress is shown as lines: the Python library rich is not installed.")
            return None
        streams = [stream for stream in (sys.stdout, sys.stderr) if stream.isatty()]
        return BarsView(bars, Terminal(self._display._lock, streams))

    def _print_line(self, line):
        to_stderr = self.get_option("stream") == "stderr"
        with self._display._lock:
            self._display.display(line, stderr=to_stderr)
            # A file or a pipe would get it when much more has come together.
            (sys.stderr if to_stderr else sys.stdout).flush()

    def _end_task(self, result):
        if self._watcher is not None:
            self._watcher.end_task(result._host.name, result._task._uuid)

    def _say_hidden(self, host, task):
        target = self._variables._inventory.get_host(target_of(task, host))
        if target is None:
            return
        why = why_hidden(task, self._variables.get_vars(host=target))
        if why:
            self._said_hidden = True
            self._display.warning(_HIDDEN.format(module=task.action, host=target.name, why=why))


def _may_draw(mode):
    if mode == "lines" or not sys.stdout.isatty():
        return False
    hints = (
        os.environ.get("CI") or os.environ.get("TERM", "dumb") == "dumb" or C.DEFAULT_STDOUT_CALLBACK == "awx_display"
    )
    return mode == "bars" or not hints

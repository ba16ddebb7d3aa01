# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-playbook with the progress callback: in a pipe, or in a terminal whose screen can be read."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import pathlib
import pty
import select
import shutil
import struct
import subprocess
import sys
import termios
import time

from ansible_collections.apsaradb.migration.plugins.module_utils import _plan

# A wait, as a module tells it.
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

PLAYBOOK = shutil.which("ansible-playbook", path=os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]]))
# Where ansible_collections is.
COLLECTIONS = pathlib.Path(_plan.__file__).parents[5]

# A module that tells of uploads and then waits, without a service.
TELLING = """
from __future__ import annotations
import os, time
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.apsaradb.migration.plugins.module_utils import _progress as progress
from ansible_collections.apsaradb.migration.plugins.module_utils import _waiting as waiting

CLOCK = waiting.Clock()

def tell(seconds, files):
    address, sizes = os.environ[waiting.SOCKET_VARIABLE], dict.fromkeys(files, 1000)
    teller = progress.UploadTeller(address, "tell", "rm-1", sizes, CLOCK)
    rounds = max(int(seconds / 0.05), 1)
    for number in range(1, rounds + 1):
        for file in files:
            done = 1000 * number // rounds
            teller.tell(file, progress.Progress(done, 1000, 100.0, 1.0, done), ended=number == rounds)
        time.sleep(0.05)

def main():
    module = AnsibleModule({"seconds": {"type": "float"}, "files": {"type": "int"}})
    heard = waiting.SOCKET_VARIABLE in os.environ
    if heard:
        tell(module.params["seconds"], [f"file{number}.bak" for number in range(module.params["files"])])
    looks = iter(range(100))
    watch = progress.Watch("tell", "rm-1", lambda seen: [progress.Sight("crm", f"stage {seen}")])
    patience = waiting.Patience(60, module.params["seconds"] / 5)
    waiting.wait_until(lambda: next(looks), lambda seen: seen == 4, patience, CLOCK, waiting_for="it", watch=watch)
    module.exit_json(changed=False, heard=heard)

main()
"""


@dataclasses.dataclass
class Seen:
    """code: how it ended. text: all lines that are left on the screen and above it, or in the pipe.

    shots: the screen while it ran, at each change. raw: what was written. left: folders of sockets that were left.
    """

    code: int
    text: str
    shots: list[str]
    raw: bytes
    left: list[str]


class Plays:
    def __init__(self, folder):
        self.folder = folder
        (folder / "library").mkdir()
        (folder / "library" / "tell.py").write_text(TELLING)
        # The path of a socket is short; that of a test's folder is not. Only what is made here is looked for there.
        self.temporary = pathlib.Path("/tmp", f"plays-{os.getpid()}-{time.monotonic_ns()}")
        self.temporary.mkdir()

    def close(self):
        shutil.rmtree(self.temporary)

    def command(self, tasks, hosts=("localhost",), **play):
        variables = {"ansible_python_interpreter": sys.executable}
        play = {"hosts": "all", "connection": "local", "gather_facts": False, "vars": variables, **play, "tasks": tasks}
        file = self.folder / "play.json"
        file.write_text(json.dumps([play]))
        (self.folder / "hosts").write_text("\n".join(hosts) + "\n")
        return [PLAYBOOK, "-i", str(self.folder / "hosts"), "-f", str(len(hosts)), str(file)]

    def environment(self, **changes):
        """None takes a variable away."""
        names = ("CI", "NO_COLOR", "COLUMNS", "ANSIBLE_CALLBACKS_ENABLED")
        kept = {name: value for name, value in os.environ.items() if name not in names}
        ours = {
            "ANSIBLE_CALLBACKS_ENABLED": "apsaradb.migration.progress",
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            "TERM": "xterm-256color",
            "TMPDIR": str(self.temporary),
        }
        return {name: value for name, value in {**kept, **ours, **changes}.items() if value is not None}

    def left(self):
        return [path.name for path in self.temporary.iterdir() if path.name.startswith("apsaradb-")]

    def in_a_pipe(self, command, limit=120, **environment):
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.environment(**environment),
            timeout=limit,
            check=False,
        )
        return Seen(done.returncode, done.stdout.decode(), [], done.stdout, self.left())

    def in_a_terminal(self, command, *, limit=120, columns=120, lines=40, interrupt_at="", **environment):
        """interrupt_at: Ctrl-C is pressed when this is on the screen."""
        import pyte

        class Screen(pyte.HistoryScreen):
            # Without the wrapper of every access that paging needs; nobody turns pages here.
            __getattribute__ = pyte.Screen.__getattribute__

        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        screen = Screen(columns, lines, history=1_000_000, ratio=1e-6)
        stream, raw, rows, shots, pressed = pyte.ByteStream(screen), b"", [""] * lines, [""], False
        controlling = (
            "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
        )
        with subprocess.Popen(
            [sys.executable, "-c", controlling, *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=self.environment(**environment),
            start_new_session=True,
        ) as process:
            os.close(slave)
            deadline = time.monotonic() + limit
            while True:
                if not select.select([master], [], [], max(deadline - time.monotonic(), 0))[0]:
                    _end(process)
                    raise TimeoutError(f"The play stands still. Last on the screen:\n{shots[-1]}")
                data = _read(master)
                if not data:
                    break
                raw += data
                stream.feed(data)
                for number in screen.dirty:
                    rows[number] = _text(screen.buffer[number], columns)
                screen.dirty.clear()
                shot = "\n".join(rows).rstrip()
                if "\u2501" in shot and shot != shots[-1]:
                    shots.append(shot)
                if interrupt_at and interrupt_at in shot and not pressed:
                    pressed = bool(os.write(master, b"\x03"))
        os.close(master)
        text = "\n".join([*(_text(row, columns) for row in screen.history.top), *rows])
        return Seen(process.returncode, text, shots[1:], raw, self.left())


def _text(row, columns):
    return "".join(row[column].data for column in range(columns)).rstrip()


def _end(process):
    """Its workers are ended by itself, as long as it can."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()


def _read(master):
    try:
        return os.read(master, 65536)
    except OSError:
        # The other end is closed.
        return b""

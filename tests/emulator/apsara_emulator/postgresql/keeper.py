# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends servers whose emulator is gone, however it went. A program of its own: `python keeper.py FOLDER`.

It waits until its standard input is closed, which happens at the latest when the emulator's process ends, by SIGKILL
too. Then it ends every process that was started for the folder and removes the folder. It imports nothing of the
emulator, so that it starts at once.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path

_GRACE = 5.0


def clear(folder: Path) -> None:
    """End the processes of a folder and remove it. Nothing happens if it is not there."""
    # Twice: what was just being started when the first look was taken is there at the second.
    for _turn in range(2):
        processes = running(folder)
        for process in processes:
            _signal(process, signal.SIGQUIT)
        _wait(processes)
        for process in processes:
            _signal(process, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.2)


def running(folder: Path) -> list[int]:
    """The processes that were started for a folder: those whose ids lie in it and whose command line names it."""
    found: list[int] = []
    for file in [*folder.glob("*/data/postmaster.pid"), *folder.glob("*.process")]:
        try:
            process = int(file.read_text(encoding="utf-8").split("\n", 1)[0])
        except (OSError, ValueError):
            continue
        if process > 1 and names(process, str(folder)):
            found.append(process)
    return found


def names(process: int, text: str) -> bool:
    """Whether the command line of a process has `text` in it, so that a number used again is not mistaken."""
    try:
        return text.encode() in Path(f"/proc/{process}/cmdline").read_bytes()
    except FileNotFoundError:
        # Without /proc the number alone has to do.
        return not Path("/proc").exists() and alive(process)
    except OSError:
        return False


def alive(process: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _signal(process: int, number: signal.Signals) -> None:
    try:
        os.kill(process, number)
    except (ProcessLookupError, PermissionError):
        return


def _wait(processes: list[int]) -> None:
    deadline = time.monotonic() + _GRACE
    while any(_is_running(one) for one in processes) and time.monotonic() < deadline:
        time.sleep(0.02)


def _is_running(process: int) -> bool:
    """A process that has ended, but was not yet collected by its parent, counts as ended."""
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return not Path("/proc").exists() and alive(process)
    except OSError:
        return False


def main() -> int:
    folder = Path(sys.argv[1])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    clear(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run sessions of nox, a few at a time, and leave nox's reports for summary.py: those that are named, or its default.

Most of them keep one processor busy only. What a session prints is shown when it ends, so that none interrupts another.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOX = [sys.executable, "-m", "nox", "--no-error-on-missing-interpreters"]
# The long ones first: a long one begun last would run alone. What is not named here follows in nox's order.
LONG = "integration units sanity core-oldest core-newest emulator reliability some-mutations".split()
# They do one thing after the other and take as long as all others together take on the other processor, so these wait.
FIRST, LATER = ("integration", "soak-stories-dts", "soak-stories-roles"), ["nice", "-n", "10"]
# antsibull-nox's name for others that are in the list themselves.
META = "Meta session"


class Lanes:
    """Sessions side by side; a stop ends those that run and begins no other."""

    def __init__(self, results: pathlib.Path) -> None:
        self._results = results
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False

    def run(self, name: str) -> None:
        """Run a session. How it ended stands in nox's report; without one it did not get that far."""
        with self._lock:
            if self._stopped:
                return
            print(f"{name}: begins", flush=True)
            # A group of its own: a stop has to reach what nox has started. No session of its own: systems share
            # processors out among sessions first, and "nice" would say nothing.
            process = subprocess.Popen(
                [*([] if name in FIRST else LATER), *NOX, "--report", str(report_of(self._results, name)), "-e", name],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                process_group=0,
            )
            self._running.add(process)
        start = time.monotonic()
        assert process.stdout is not None
        output = process.stdout.read()
        _pid, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        log_of(self._results, name).write_text(output)
        # What lanes share is processors; servers that a session left to run are not counted.
        took = f"{time.monotonic() - start:.0f} s, {usage.ru_utime + usage.ru_stime:.0f} s of CPU"
        with self._lock:
            self._running.discard(process)
            print(f"\n==== {name} ====\n{output.rstrip()}\n==== {name}: {took} ====\n", flush=True)

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            for process in self._running:
                os.killpg(process.pid, signal.SIGTERM)


def report_of(results: pathlib.Path, name: str) -> pathlib.Path:
    """Where nox reports on a session."""
    return results / f"report-{name}.json"


def log_of(results: pathlib.Path, name: str) -> pathlib.Path:
    """Where everything is that a session printed."""
    return results / f"{name}.log"


def default_sessions() -> list[str]:
    """Name what nox runs when it is not told what to run, the long ones first."""
    command = [*NOX, "--list", "--json"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [row["session"] for row in json.loads(listed) if not row["description"].startswith(META)]
    return sorted(names, key=lambda name: LONG.index(name) if name in LONG else len(LONG))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=pathlib.Path)
    # One more than two processors: a session that waits for a server or a clock leaves its turn to another.
    parser.add_argument("--at-once", type=int, default=3)
    parser.add_argument("sessions", nargs="*")
    arguments = parser.parse_args()

    # What ends this ends the sessions too; they are in groups of their own and hear nothing.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    names = arguments.sessions or default_sessions()
    lanes = Lanes(arguments.results.resolve())
    with concurrent.futures.ThreadPoolExecutor(arguments.at_once) as pool:
        try:
            list(pool.map(lanes.run, names))
        except KeyboardInterrupt:
            lanes.stop()
            return 130
    for name in names:
        report = report_of(arguments.results, name)
        if not report.exists():
            report.write_text(json.dumps({"sessions": [{"name": name, "result": "no report"}]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())

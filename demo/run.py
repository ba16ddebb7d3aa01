# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows a newcomer what the collection does, on the emulator: rehearse, repair, run, run again, take back.

Every chapter is a command that can be typed in the same way against the real service. After each, the emulator is asked
what was written; the demo ends with 0 only if every chapter did what it says. Parts have nothing to do with each other
and run two at a time, each on an emulator of its own; what they print stands one after the other.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import os
import pathlib
import queue
import re
import shutil
import subprocess
import sys
import sysconfig
import textwrap
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from dts_part import PART as DTS_PART
from postgresql_part import PART as POSTGRESQL_PART
from story import BIN, OUTPUT, ROOT, CannotRun, Chapter, Outcome, Part, Service

FILES, BACKUP_FILES = pathlib.Path("demo/instance_import"), pathlib.Path("demo/sqlserver_backup")
SPEED = 60
WIDTH = 116
PARTS_AT_ONCE = 2

Say = Callable[[str], None]

IMPORT_PLAYBOOK = ["ansible-playbook", "apsaradb.migration.instance_import", "-i", f"{FILES}/inventory.yml"]
TARGET, SMALL = ["--limit", "rm-bp1sqltarget00001"], ["--limit", "rm-bp1sqlsmall000001"]

IMPORT_CHAPTERS = [
    Chapter(
        "Rehearse",
        "Two databases are to go to another instance. The rehearsal reads both instances and finds everything that is "
        "wrong with the wish, with what to change, before anything is written.",
        [*IMPORT_PLAYBOOK, *SMALL, "-e", f"@{FILES}/first-wish.yml", "--check", "--diff"],
        lambda outcome: (
            outcome.code != 0
            and outcome.writes == []
            and all(name in outcome.text for name in ("free_storage", "source_databases", "target_names", "family"))
        ),
    ),
    Chapter(
        "Rehearse again, repaired",
        "Another target and better names. The same command now says what a real run would do.",
        [*IMPORT_PLAYBOOK, *TARGET, "-e", f"@{FILES}/wish.yml", "--check", "--diff"],
        lambda outcome: outcome.code == 0 and outcome.writes == [] and '"sales_2026": "Running"' in outcome.text,
    ),
    Chapter(
        "Run",
        "The same command without --check. The service does not offer the import any more, so the run takes the "
        "alternative that stands in the plan, a copy from the newest backup, and waits until both databases are there.",
        [*IMPORT_PLAYBOOK, *TARGET, "-e", f"@{FILES}/wish.yml", "--diff"],
        lambda outcome: outcome.code == 0 and outcome.effects == ["CopyDatabaseBetweenInstances"],
    ),
    Chapter(
        "Run again",
        "Everything is there already, so nothing is done and nothing is sent.",
        [*IMPORT_PLAYBOOK, *TARGET, "-e", f"@{FILES}/wish.yml", "--diff"],
        lambda outcome: outcome.code == 0 and outcome.changed == 0 and outcome.writes == [],
    ),
    Chapter(
        "Take back",
        "On an endpoint that still offers the import, one is started by mistake and cancelled while it runs.",
        ["ansible-playbook", f"{FILES}/cancel.yml", "-i", f"{FILES}/inventory.yml"],
        lambda outcome: outcome.code == 0 and outcome.effects == ["ImportDatabaseBetweenInstances", "CancelImport"],
        # It must not be over before it is cancelled, however slow the machine is.
        world={"switches": {"retired_actions": True}, "durations": {"imports": {"base": 36000}}},
    ),
]

BACKUP_PLAYBOOK = ["ansible-playbook", "apsaradb.migration.sqlserver_backup", "-i", f"{BACKUP_FILES}/inventory.yml"]
NIGHT, REPAIRED = ["-e", f"@{BACKUP_FILES}/night.yml"], ["-e", f"@{BACKUP_FILES}/repaired.yml"]
ORDERS, CUTOVER = ["-e", f"@{BACKUP_FILES}/orders.yml"], ["--tags", "cutover"]
GOOD = ("billing", "catalog", "contacts", "forum", "hr_2025", "inventory", "payroll", "shop", "tickets")

BACKUP_CHAPTERS = [
    Chapter(
        "Rehearse the backups",
        "Twelve backups lie in a folder. The rehearsal looks into each before hours are spent on uploading, and finds "
        "three that are not what their names say. Bucket, uploads and restores are planned from what is there.",
        [*BACKUP_PLAYBOOK, *NIGHT, "--check"],
        lambda outcome: (
            outcome.code != 0
            and outcome.writes == []
            and all(
                name in outcome.text for name in ("archive_FULL", "It is an archive (zip)", "wiki has no full backup")
            )
        ),
    ),
    Chapter(
        "Upload and restore",
        "The three are left out. The bucket is made, nine files are uploaded with their checksums compared, and nine "
        "databases are restored side by side.",
        [*BACKUP_PLAYBOOK, *NIGHT, *REPAIRED, "--diff"],
        lambda outcome: (
            outcome.code == 0
            and outcome.effects.count("PutBucket") == 1
            and outcome.effects.count("CreateMigrateTask") == len(GOOD)
        ),
    ),
    Chapter(
        "Run again",
        "Everything is there already, so nothing is done and nothing is sent.",
        [*BACKUP_PLAYBOOK, *NIGHT, *REPAIRED, "--diff"],
        lambda outcome: outcome.code == 0 and outcome.changed == 0 and outcome.writes == [],
    ),
    Chapter(
        "Stage a chain",
        "One database may be down for minutes only. A full backup, a differential one and two logs are applied, and "
        "the database waits for more.",
        [*BACKUP_PLAYBOOK, *ORDERS, "--diff"],
        lambda outcome: (
            outcome.code == 0
            and outcome.effects.count("CreateMigrateTask") == 4
            and '"orders": "staged"' in outcome.text
            and "CreateOnlineDatabaseTask" not in outcome.effects
        ),
    ),
    Chapter(
        "Cut over without a yes",
        "Opening the database ends the chain and cannot be taken back. Without the instance's id, typed by somebody, "
        "it does not happen.",
        [*BACKUP_PLAYBOOK, *ORDERS, *CUTOVER],
        lambda outcome: outcome.code != 0 and outcome.effects == [] and "cannot be taken back" in outcome.text,
    ),
    Chapter(
        "Cut over",
        "With it, the chain is opened.",
        [*BACKUP_PLAYBOOK, *ORDERS, *CUTOVER, "--diff", "-e", "sqlserver_backup_confirm=rm-bp1sqltarget00001"],
        lambda outcome: outcome.code == 0 and outcome.effects == ["CreateOnlineDatabaseTask"],
    ),
    Chapter(
        "Clean up",
        "No task needs the backups any more, so the bucket that was made for them goes, with everything in it.",
        [*BACKUP_PLAYBOOK, *ORDERS, "--tags", "cleanup"],
        lambda outcome: outcome.code == 0 and "DeleteBucket" in outcome.effects,
    ),
]


def make_backups(_service: Service) -> None:
    """What a SQL Server would have left in its backup folder."""
    folder = OUTPUT / "backups"
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([BIN / "python", ROOT / BACKUP_FILES / "make_backups.py", folder], check=True)


PARTS = [
    Part("SQL Server databases from one RDS instance to another", IMPORT_CHAPTERS),
    Part("Databases of a self-managed SQL Server to RDS, by their backups", BACKUP_CHAPTERS, make_backups),
    POSTGRESQL_PART,
    DTS_PART,
]


def is_whole() -> bool:
    """Whether the report holds every role that left a record."""
    roles = {json.loads(path.read_text())["role"] for path in OUTPUT.glob("*/r*.json")}
    text = (OUTPUT / "report.json").read_text()
    return bool(roles) and all(f'"{role}"' in text for role in roles) and (OUTPUT / "report.html").exists()


REPORT_PART = Part(
    "What to hand to others",
    [
        Chapter(
            "Report",
            "Each phase of each playbook above left what it said: verdict, checks, plan, calls, and what to do next. "
            "All of it in one page for people, and in one file for programs.",
            ["ansible", "localhost", "-m", "apsaradb.migration.migration_report", "-a", "folder=build/demo"],
            lambda outcome: outcome.code == 0 and is_whole(),
        )
    ],
)


class Emulator:
    """The stand-in for the service, in a process of its own."""

    def __init__(self) -> None:
        command = [str(BIN / "python"), "-m", "apsara_emulator", "--port", "0", "--speed", str(SPEED)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            sys.exit("The emulator did not start; what it says stands above.")
        self._ready = json.loads(line)
        # The service as it is today: the vendor took two of the actions offline.
        self.change({"switches": {"retired_actions": False}})

    @property
    def control_url(self) -> str:
        return str(self._ready["control"])

    @property
    def credentials(self) -> list[dict[str, str]]:
        return [{key: one[key] for key in ("access_key_id", "access_key_secret")} for one in self._ready["accounts"]]

    @property
    def environment(self) -> dict[str, str]:
        key = self.credentials[0]
        return {
            "APSARADB_RDS_ENDPOINT": self._ready["rds"],
            "APSARADB_OSS_ENDPOINT": self._ready["oss"],
            "APSARADB_RAM_ENDPOINT": self._ready["ram"],
            "APSARADB_STS_ENDPOINT": self._ready["sts"],
            "APSARADB_DTS_ENDPOINT": self._ready["dts"],
            "ALIBABA_CLOUD_ACCESS_KEY_ID": key["access_key_id"],
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key["access_key_secret"],
        }

    def change(self, world: dict[str, Any]) -> None:
        self.control("world", world)

    def writes_since(self, number: int) -> list[dict[str, Any]]:
        return [call for call in self.control("calls?mutating=true") if call["seq"] > number]

    def last_call(self) -> int:
        return max((call["seq"] for call in self.control("calls")), default=0)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)

    def control(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._ready['control']}/{path}", data=data)
        if data:
            request.add_header("Content-Type", "application/json")
        # Making a PostgreSQL server takes a while.
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)


def run(command: list[str], environment: dict[str, str], say: Say) -> tuple[int, str]:
    """Runs and shows a command; returns its end and everything it printed."""
    known = {k: v for k, v in os.environ.items() if not k.startswith(("ALIBABA_CLOUD_", "ALICLOUD_", "ANSIBLE_"))}
    quiet = {"ANSIBLE_DISPLAY_SKIPPED_HOSTS": "false", "ANSIBLE_RETRY_FILES_ENABLED": "false", "PYTHONUNBUFFERED": "1"}
    # Nothing here gathers facts; with them as variables, ansible-core warns of options that are passed on as a whole.
    quiet |= {"ANSIBLE_INJECT_FACT_VARS": "false", "PWD": str(ROOT)}
    # A version that is installed in the home folder would come before the working tree.
    quiet |= {"ANSIBLE_COLLECTIONS_PATH": sysconfig.get_path("purelib")}
    colour = {"ANSIBLE_FORCE_COLOR": "true"} if sys.stdout.isatty() else {"ANSIBLE_NOCOLOR": "true"}
    process = subprocess.Popen(
        [str(BIN / command[0]), *command[1:]],
        cwd=ROOT,
        env={**known, **quiet, **colour, **environment, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        say(shown(line.rstrip("\n")))
    return process.wait(), re.sub(r"\x1b\[[0-9;]*m", "", "".join(lines))


def shown(line: str) -> str:
    """A line of Ansible's output, without the raw result that repeats the message above it."""
    if "fatal: [" in line and "FAILED! => {" in line:
        line = line[: line.index("FAILED! => {") + len("FAILED!")]
    pieces = textwrap.wrap(line, WIDTH, subsequent_indent="    ", drop_whitespace=False) or [""]
    return "\n".join(f"  | {piece}".rstrip() for piece in pieces)


def tell(number: int, chapter: Chapter, emulator: Emulator, say: Say) -> Outcome:
    say(f"\n{number}. {chapter.title}\n")
    say(textwrap.indent(textwrap.fill(chapter.words, WIDTH), "   "))
    say(f"\n   $ {' '.join(chapter.command)}\n")
    if chapter.world:
        emulator.change(chapter.world)
    before, began = emulator.last_call(), time.monotonic()
    code, text = run(chapter.command, emulator.environment, say)
    seconds = time.monotonic() - began
    return Outcome(code, text, emulator.writes_since(before), seconds, measured(chapter))


def measured(chapter: Chapter) -> dict[str, Any]:
    """What was seen past the collection. What cannot be measured is missing, and the chapter is not as it should be."""
    try:
        return chapter.measure()
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


@dataclasses.dataclass
class Telling:
    """A part that is told while another one may be printed. first: number of its first chapter."""

    part: Part
    first: int
    stopped: threading.Event
    told: list[tuple[int, Chapter, Outcome]] = dataclasses.field(default_factory=list)
    not_run: CannotRun | None = None
    _lines: queue.Queue[str | None] = dataclasses.field(default_factory=queue.Queue)

    def tell(self) -> None:
        """Run the chapters, on an emulator of their own."""
        emulator = None
        try:
            emulator = Emulator()
            self.part.prepare(emulator)
            self._lines.put(f"\n{self.part.words}" if self.part.words else "")
            for number, chapter in enumerate(self.part.chapters, self.first):
                if not self.stopped.is_set():
                    self.told.append((number, chapter, tell(number, chapter, emulator, self._lines.put)))
        except CannotRun as reason:
            self.not_run = reason
            self._lines.put(f"\nThis part did not run: {reason}")
        finally:
            self.part.finish()
            if emulator is not None:
                emulator.stop()
            self._lines.put(None)

    def print(self) -> None:
        """Print what it says, as it says it, to its end."""
        print(f"\n\n== {self.part.title} ==", flush=True)
        while (line := self._lines.get()) is not None:
            print(line, flush=True)


def tell_all(parts: list[Part], first: int = 1) -> list[Telling]:
    """Tell the parts, two at a time; the chapters are numbered from `first`."""
    stopped, tellings = threading.Event(), []
    for part in parts:
        tellings.append(Telling(part, first, stopped))
        first += len(part.chapters)
    with concurrent.futures.ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
        try:
            running = [pool.submit(telling.tell) for telling in tellings]
            for telling, future in zip(tellings, running, strict=True):
                telling.print()
                future.result()
        except BaseException:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return tellings


def table(rows: list[tuple[int, Chapter, Outcome, bool]]) -> str:
    lines = [f"   {'':4}{'':28}{'write calls':>12}{'took effect':>14}{'seconds':>10}   as it should"]
    for number, chapter, outcome, right in rows:
        counts = f"{len(outcome.writes):>12}{len(outcome.effects):>14}{outcome.seconds:>10.1f}"
        lines.append(f"   {number:2}. {chapter.title:28}{counts}   {'yes' if right else 'NO'}")
        lines += [f"       {name.replace('_', ' ')}: {value}" for name, value in outcome.measured.items()]
    return "\n".join(lines)


def main() -> int:
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    print("Migrations to ApsaraDB RDS, on an emulator of the service. No account is used.")
    tellings = tell_all(PARTS)
    tellings += tell_all([REPORT_PART], 1 + sum(len(part.chapters) for part in PARTS))
    not_run = [telling.not_run for telling in tellings if telling.not_run]
    rows = [(*told, told[1].right(told[2])) for telling in tellings for told in telling.told]
    print(f"\nWhat the service saw\n\n{table(rows)}\n")
    chapters = [
        {
            "chapter": chapter.title,
            "command": chapter.command,
            "as_it_should": right,
            "write_calls": [call["action"] for call in outcome.writes],
            "took_effect": outcome.effects,
            "seconds": round(outcome.seconds, 1),
            "measured": outcome.measured,
        }
        for _number, chapter, outcome, right in rows
    ]
    (OUTPUT / "chapters.json").write_text(json.dumps(chapters, indent=2) + "\n")
    for why in not_run:
        print(f"   A part did not run: {why}")
    if all(row[-1] for row in rows) and all(why.excused for why in not_run):
        print(f"   The report: {(OUTPUT / 'report.html').relative_to(ROOT)}")
        print("   A rehearsal writes nothing, a run does what the rehearsal said, and a second run does nothing.")
        return 0
    print("   A chapter did not do what it says, or could not be told.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

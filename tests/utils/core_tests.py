# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ansible-test without containers, on one ansible-core, in a copy of the working tree.

It adds what ansible-test leaves open: the copy at a path it accepts, a pip that needs the package index only,
a home directory without the developer's own credentials, and a failure where nothing was tested (ansible-test ends
with 0 when every integration target is skipped).
"""

from __future__ import annotations

import argparse
import ast
import configparser
import contextlib
import dataclasses
import glob
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree
from collections.abc import Callable, Iterator

import cores
import secret_scan

HOME = cores.CACHE / "home"

# ansible-test fetches a get-pip.py from a host of its own, unless it finds it in its cache.
GET_PIP = """
import os, subprocess, sys
options = [option for option in sys.argv[1:] if option not in ("--no-setuptools", "--no-wheel")]
environment = {{name: value for name, value in os.environ.items() if name != "GET_PIP"}}
pip = [{pip_python!r}, "-m", "pip", "--python", sys.executable]
sys.exit(subprocess.call([*pip, "install", *options], env=environment))
"""

# Settings of pip that would send what a test installs somewhere else, or hold it to our own pins.
NOT_FOR_TESTS = {"config-file", "constraint", "prefix", "require-virtualenv", "requirement", "root", "target", "user"}


class TestFailure(Exception):
    """A stage failed; the message says how."""


@dataclasses.dataclass(frozen=True)
class Run:
    """A core and the copy of the working tree it is to test. targets: of the integration tests; none means all."""

    installed: cores.Installed
    tree: pathlib.Path
    home: pathlib.Path
    targets: tuple[str, ...] = ()

    def ansible_test(self, *arguments: str, shown: Callable[[str], str] = str) -> str:
        """Run ansible-test, show its output, each line as `shown` makes it, and return all of it."""
        folder = self.installed.venv / "bin"
        environment = {
            "HOME": str(self.home),
            "LC_ALL": "C.UTF-8",
            "PATH": os.pathsep.join([str(folder), *_real_pythons(), os.environ.get("PATH", os.defpath)]),
        }
        command = [f"{folder}/ansible-test", *arguments, "--python", self.installed.python_version]
        print(f"[{self.installed.label}] ansible-test {' '.join(arguments)}", flush=True)
        output = []
        with subprocess.Popen(
            command,
            cwd=self.tree,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                print(shown(line), end="", flush=True)
                output.append(line)
        if process.returncode:
            raise TestFailure(f"ansible-test ended with {process.returncode}")
        return "".join(output)


def sanity(run: Run) -> str:
    """Every sanity test."""
    return _count_sanity(run.ansible_test("sanity"))


def modules(run: Run) -> str:
    """The sanity tests whose result depends most on the version of ansible-core."""
    return _count_sanity(run.ansible_test("sanity", "--test", "import", "--test", "validate-modules"))


def _count_sanity(output: str) -> str:
    ran = set(re.findall(r"^Running sanity test \"([^\"]+)\"", output, re.MULTILINE))
    if not ran:
        raise TestFailure("no sanity test ran")
    return f"{len(ran)} tests"


def units(run: Run) -> str:
    """The unit tests."""
    run.ansible_test("units")
    return count_junit(run.tree / "tests" / "output" / "junit")


def integration(run: Run) -> str:
    """The integration tests, on the emulator. Then no secret may be found in anything they left."""
    wanted = set(run.targets) or _integration_targets(run.tree)
    kept = secret_scan.Kept(run.tree.parents[2] / "kept", str(run.tree.parents[2]))
    # Stories of whole roles that take minutes: failures half-way, killed playbooks.
    long_stories = bool(os.environ.get("APSARADB_LONG_STORIES"))
    config = {"emulator_python": str(cores.VENV / "bin" / "python"), "long_stories": long_stories}
    config["kept_folder"] = str(kept.folder)
    settings = run.tree / "tests" / "integration"
    (settings / "integration_config.yml").write_text(json.dumps(config))
    # Playbooks within the tests take it from there too. Modules are not unpacked below HOME, unless it is said.
    unpacked = run.home / "unpacked"
    # Everything that Ansible can say is searched, too; that takes a quarter longer.
    told = f"[defaults]\nremote_tmp = {unpacked}\n" + ("verbosity = 4\n" if long_stories else "")
    (settings / "integration.cfg").write_text(told)
    with kept.watch:
        output = run.ansible_test("integration", *run.targets, shown=secret_scan.Shortened())
    kept.output.write_text(output)
    ran = set(re.findall(r"^Running (\S+) integration test (?:role|script)$", output, re.MULTILINE))
    if not wanted:
        raise TestFailure("there is no integration target")
    if wanted - ran:
        raise TestFailure(f"skipped: {', '.join(sorted(wanted - ran))}")
    scanned, hits = kept.scan([run.home / ".ansible" / "tmp", unpacked])
    print("\n".join([*hits, scanned]), flush=True)
    if hits:
        raise TestFailure(scanned)
    return f"{len(wanted)} targets, {scanned}"


def _integration_targets(tree: pathlib.Path) -> set[str]:
    """Name the targets that have to run: all but helpers and those that want a real account."""
    targets = set()
    for folder in (tree / "tests" / "integration" / "targets").glob("*"):
        aliases = folder / "aliases"
        marks = set(aliases.read_text().split()) if aliases.exists() else set()
        if not marks & {"hidden", "unsupported"}:
            targets.add(folder.name)
    return targets


def count_junit(folder: pathlib.Path, pattern: str = "*.xml") -> str:
    """Sum up pytest's result files; no passed test is a failure."""
    counts = dict.fromkeys(("tests", "skipped", "failures", "errors"), 0)
    for path in folder.glob(pattern):
        for suite in xml.etree.ElementTree.parse(path).getroot().iter("testsuite"):
            for name in counts:
                counts[name] += int(suite.get(name, "0"))
    passed = counts["tests"] - counts["skipped"] - counts["failures"] - counts["errors"]
    if passed < 1:
        raise TestFailure("no test passed")
    return f"{passed} passed" + (f", {counts['skipped']} skipped" if counts["skipped"] else "")


STAGES: dict[str, Callable[[Run], str]] = {
    "sanity": sanity,
    "modules": modules,
    "units": units,
    "integration": integration,
}


def _real_pythons() -> Iterator[str]:
    """Name the folders of the Pythons that a core may look for, ahead of the shims of a version manager."""
    for core in (*cores.OLDER, cores.MAIN, *cores.NEWER):
        python = cores.python_for(core)
        if python:
            yield str(python[1].parent)


@contextlib.contextmanager
def copied_tree() -> Iterator[pathlib.Path]:
    """Copy the files that git knows or would add to a place where ansible-test accepts a collection."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=cores.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    with tempfile.TemporaryDirectory(prefix="apsaradb-migration-") as place:
        tree = pathlib.Path(place, "ansible_collections", "apsaradb", "migration")
        for name in filter(None, listing.stdout.split("\0")):
            source, target = cores.ROOT / name, tree / name
            if source.is_symlink() or source.is_file():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target, follow_symlinks=False)
        yield tree


def prepare_home(installed: cores.Installed, home: pathlib.Path) -> None:
    """Give ansible-test, which passes on no variable but HOME and PATH, the settings of pip and a pip to start from."""
    pip = [f"{cores.VENV}/bin/python", "-m", "pip"]
    listed = subprocess.run([*pip, "config", "list"], capture_output=True, text=True, check=True).stdout
    cache = subprocess.run([*pip, "cache", "dir"], capture_output=True, text=True, check=False).stdout.strip()
    settings = configparser.RawConfigParser()
    settings["global"] = {"cache-dir": cache, "quiet": "2"} if cache else {"quiet": "2"}
    for line in listed.splitlines():
        name, value = line.split("=", 1)
        section, option = name.rsplit(".", 1)
        section = section.replace(":env:", "global")
        if option not in NOT_FOR_TESTS:
            if not settings.has_section(section):
                settings.add_section(section)
            settings[section][option] = ast.literal_eval(value)
    path = home / ".config" / "pip" / "pip.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    # An index may be named with a password, so nobody else may read it; another run may read it at any time.
    unfinished = path.with_suffix(f".{os.getpid()}")
    with open(os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
        settings.write(file)
    unfinished.replace(path)

    cached = home / ".ansible" / "test" / "cache"
    cached.mkdir(parents=True, exist_ok=True)
    pattern = installed.venv / "lib" / "python*" / "site-packages" / "ansible_test" / "_internal"
    for source in glob.glob(str(pattern / "python_requirements.py")):
        for version in set(re.findall("pip='([0-9.]+)'", pathlib.Path(source).read_text())):
            stand_in = cached / f"get_pip_{version.replace('.', '_')}.py"
            stand_in.write_text(GET_PIP.format(pip_python=str(cores.VENV / "bin" / "python")))


def run_stages(installed: cores.Installed, stages: list[str], targets: tuple[str, ...]) -> list[dict[str, object]]:
    """Run stages, each whether or not the one before it failed, and say how each ended."""
    results: list[dict[str, object]] = []
    for stage in stages:
        start = time.monotonic()
        # A copy for each stage: none finds what another left behind.
        with copied_tree() as tree:
            # What is left in it is searched. Of another run at the same time it would be unfinished.
            home = tree.parents[2] / "home" if stage == "integration" else HOME
            prepare_home(installed, home)
            try:
                result, detail = "passed", STAGES[stage](Run(installed, tree, home, targets))
            except TestFailure as failure:
                result, detail = "failed", str(failure)
        seconds = round(time.monotonic() - start, 1)
        results.append({"what": f"{stage}, {installed.label}", "result": result, "detail": detail, "seconds": seconds})
        print(f"[{installed.label}] {stage}: {result}, {detail}, {seconds} s", flush=True)
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--core", default=cores.MAIN.version, help='version, "oldest" or "newest"')
    parser.add_argument("--results", type=pathlib.Path, help="write how each stage ended to this file, as JSON")
    parser.add_argument("--target", action="append", default=[], help="only this target of the integration tests")
    parser.add_argument("stages", nargs="+", choices=list(STAGES))
    arguments = parser.parse_args()

    core = cores.by_name(arguments.core)
    installed = core and cores.install(core)
    if installed:
        results = run_stages(installed, arguments.stages, tuple(arguments.target))
    else:
        pythons = f"needs Python {' or '.join(core.pythons)}" if core else "its Python is not on this machine"
        results = [{"what": f"ansible-core {arguments.core}", "result": "not run", "detail": pythons, "seconds": 0}]
    if arguments.results:
        arguments.results.parent.mkdir(parents=True, exist_ok=True)
        arguments.results.write_text(json.dumps(results))
    return 1 if any(result["result"] == "failed" for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Only files whose hash is pinned are installed; bounds of libraries are told alike; advisories are honest."""

from __future__ import annotations

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
import tomllib
import virtualenv

ROOT = pathlib.Path(__file__).resolve().parents[2]
UTILS = ROOT / "tests" / "utils"
sys.path.insert(0, str(UTILS))
import vulnerabilities  # noqa: E402  # found by the path

PINS = [ROOT / "constraints.txt", *sorted((UTILS / "pins").glob("*.txt"))]
PIN = re.compile(r"^([a-z0-9.-]+)==(\S+)((?: \\\n    --hash=sha256:[0-9a-f]{64})*)$", re.MULTILINE)
# pip itself, as it lies in virtualenv: the set-up wants it from the index.
EMBEDDED = pathlib.Path(virtualenv.__file__).parent / "seed" / "wheels" / "embed"
WRONG = "0" * 64


def canonical(name):
    return re.sub(r"[-_.]+", "-", name.split("[")[0]).lower()


def pins(*paths):
    """Names and versions of files of pins, and how many hashes each has."""
    found = [PIN.findall(path.read_text()) for path in paths]
    return {canonical(name): (version, hashes.count("sha256")) for pairs in found for name, version, hashes in pairs}


@pytest.fixture
def wheels(tmp_path):
    """An index of one package, "tiny", which needs "tinier"; and the hash of each."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    hashes = {}
    for name, needs in {"tiny": "Requires-Dist: tinier\n", "tinier": ""}.items():
        path = folder / f"{name}-1.0-py3-none-any.whl"
        about = f"{name}-1.0.dist-info"
        with zipfile.ZipFile(path, "w") as wheel:
            wheel.writestr(f"{name}.py", "")
            wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}")
            wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{about}/RECORD", f"{name}.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n")
        hashes[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return folder, hashes


def constraints(**hashes):
    return "".join(f"{name}==1.0 --hash=sha256:{digest}\n" for name, digest in hashes.items())


def checkout(place):
    """What the set-up needs, with "tiny" for all tools."""
    (place / "tests" / "utils" / "pins").mkdir(parents=True)
    for name in ("set-up.sh", "find-python.sh", *(f"pins/{path.name}" for path in (UTILS / "pins").glob("*.txt"))):
        shutil.copy(UTILS / name, place / "tests" / "utils" / name)
    (place / "requirements-dev.txt").write_text("tiny==1.0\n")
    return place


def set_up(place, wheels, text):
    """Run the set-up with these constraints and without an index. It never finds an emulator to install."""
    (place / "constraints.txt").write_text(text)
    offline = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": f"{EMBEDDED} {wheels}"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    environment |= {**offline, "PYTHON": str(pathlib.Path(sys.base_prefix, "bin", "python3"))}
    command = ["sh", str(place / "tests" / "utils" / "set-up.sh")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    installed = {path.stem for path in place.glob(".venv/lib/python*/site-packages/tin*.py")}
    return done.stderr, installed


def test_the_set_up_takes_a_file_only_if_its_hash_is_pinned(tmp_path, wheels):
    folder, hashes = wheels
    place = checkout(tmp_path / "checkout")
    said, installed = set_up(place, folder, constraints(tiny=hashes["tiny"], tinier=WRONG))
    assert "tinier" in said
    assert f"Expected sha256 {WRONG}" in said
    assert f"Got        {hashes['tinier']}" in said
    assert not installed
    # What is brought along without a pin is refused as well.
    said, installed = set_up(place, folder, constraints(tiny=hashes["tiny"]))
    assert "tinier" in said
    assert "--require-hashes" in said
    assert not installed
    said, installed = set_up(place, folder, constraints(**hashes))
    assert installed == {"tiny", "tinier"}
    assert "tests/emulator" in said


def test_every_pin_has_hashes_and_no_index_is_named(figures):
    for path in PINS:
        text = path.read_text()
        named = [line for line in text.splitlines() if re.match(r"[\w.-]+==", line)]
        assert len(named) == len(PIN.findall(text)), path
        assert all(hashes for _version, hashes in pins(path).values()), path
        assert not re.search("://|--index|--find-links", text.split("\n\n", 1)[1]), path
    counts = [(path.relative_to(ROOT), pins(path)) for path in PINS]
    figures("pins", [f"{path}: {len(of)} pins, {sum(n for _v, n in of.values())} hashes" for path, of in counts])


def test_what_the_set_up_and_the_sessions_install_is_pinned():
    of_venv = pins(ROOT / "constraints.txt", UTILS / "pins" / "venv.txt")
    text = "\n".join(
        (ROOT / name).read_text() for name in ("requirements-dev.txt", "tests/emulator/requirements-test.txt")
    )
    wanted = re.findall(r"^([\w.-]+(?:\[\w+\])?)==([^\s;]+)(?:; python_version >= .*)?$", text, re.MULTILINE)
    assert len(wanted) > 20
    assert [pin for pin in wanted if of_venv.get(canonical(pin[0]), [None])[0] != pin[1]] == []
    # The set-up installs the emulator without what it needs, and expects that to be there.
    project = tomllib.loads((ROOT / "tests/emulator/pyproject.toml").read_text())["project"]
    named = {canonical(name) for name, _version in wanted}
    assert {canonical(re.split("[>=]", line)[0]) for line in project["dependencies"]} <= named
    of_sessions = pins(ROOT / "constraints.txt", UTILS / "pins" / "sessions.txt")
    installs = re.findall(r"session\.install\((.*)\)", (ROOT / "noxfile.py").read_text())
    tools = {canonical(name) for line in installs for name in re.findall(r'"([\w.\[\]-]+)"', line)}
    assert {"pip-audit", "sphinx"} <= tools <= of_sessions.keys()


def bounds(text):
    return {canonical(name): version for name, version in re.findall(r"^([\w\[\]-]+)>=([\d.]+)$", text, re.MULTILINE)}


def same(version, other):
    return version == other or version.removesuffix(".0") == other.removesuffix(".0")


def test_the_lowest_versions_are_told_alike_and_tested():
    told = bounds((ROOT / "meta" / "ee-requirements.txt").read_text())
    assert len(told) > 5
    tested = {name: version for name, (version, _hashes) in pins(UTILS / "pins" / "lowest.txt").items()}
    assert {name: version for name, version in told.items() if not same(version, tested[name])} == {}
    pages = [*(ROOT / "plugins" / "modules").glob("*.py"), *(ROOT / "plugins" / "doc_fragments").glob("*.py")]
    documented = re.findall(r"^  - ([\w-]+) >= ([\d.]+\d)", "\n".join(page.read_text() for page in pages), re.MULTILINE)
    assert {canonical(name) for name, _version in documented} == told.keys()
    assert [pair for pair in documented if not same(pair[1], told[canonical(pair[0])])] == []


def package(name, *ids):
    return {"name": name, "version": "1.0", "vulns": [{"id": one, "fix_versions": ["1.1"]} for one in ids]}


@pytest.mark.parametrize(
    ("answers", "code", "says"),
    [
        ([package("a"), package("b")], 0, "2 of 2 packages were looked up, 0 vulnerabilities are known"),
        ([package("a"), package("b", "CVE-1")], 1, "b 1.0: CVE-1, repaired in 1.1"),
        ([package("a")], 2, "1 of 2 packages were looked up"),
        ([], 2, "not checked: no source of advisories can be reached"),
    ],
)
def test_what_was_not_looked_up_is_no_pass(answers, code, says):
    ended, told = vulnerabilities.verdict({"a==1.0", "b==1.0"}, answers)
    assert ended == code
    assert any(line.startswith(says) for line in told)

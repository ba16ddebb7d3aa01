# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tarball: the same bytes for everybody, taken by ansible-galaxy, and nothing in it that a user does not need."""

from __future__ import annotations

import fnmatch
import gzip
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv" / "bin"
sys.path.insert(0, str(ROOT / "tests" / "utils"))
import build_collection  # noqa: E402  # found by the path

# "*" stands for names without "/" here.
WANTED = [
    "MANIFEST.json",
    "FILES.json",
    "README.md",
    "CHANGELOG.rst",
    "CHANGELOG.rst.license",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "COPYING",
    "LICENSES/GPL-3.0-or-later.txt",
    "changelogs/changelog.yaml",
    "changelogs/changelog.yaml.license",
    "changelogs/config.yaml",
    "meta/*.yml",
    "meta/ee-requirements.txt",
    "docs/*.png",
    "docs/*.png.license",
    "docs/awx/*",
    "docs/examples/*",
    "docs/examples/*/*",
    "docs/docsite/extra-docs.yml",
    "docs/docsite/rst/*.rst",
    "docs/docsite/rst/*.json",
    "docs/docsite/rst/*.png",
    "docs/docsite/rst/*.license",
    "playbooks/*.yml",
    "playbooks/*/*.yml",
    "plugins/*/*.py",
    "plugins/module_utils/*/*.py",
    "plugins/plugin_utils/*.css",
    "plugins/plugin_utils/*.js",
    "plugins/plugin_utils/*.license",
    "roles/*/README.md",
    "roles/*/*/*.yml",
    "roles/*/*/*/*.yml",
    "roles/*/files/*",
    "roles/*/files/*/*",
    "roles/*/templates/*",
    "roles/*/templates/*/*",
    "tests/emulator/README.md",
    "tests/emulator/pyproject.toml",
    "tests/emulator/apsara_emulator/*",
    "tests/emulator/apsara_emulator/*/*",
]


def is_wanted(name):
    """Whether a pattern with as many folders fits."""
    same_depth = (pattern for pattern in WANTED if pattern.count("/") == name.count("/"))
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in same_depth)


@pytest.fixture
def repository(tmp_path):
    """A repository with one commit: the working tree as git knows it, or as it is where git does not."""
    place = tmp_path / "repository"
    known = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, known.stdout.split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place / name)
    author = {f"GIT_{who}_{what}": "x@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for arguments in (["init", "-q"], ["add", "--all", "--force"], ["commit", "-q", "-m", "All of it"]):
        environment = {**os.environ, **author, "GIT_COMMITTER_DATE": "1700000000 +0000"}
        subprocess.run(["git", "-C", place, *arguments], check=True, env=environment)
    return place


def built(repository, output, umask, zone):
    """Build as somebody else would: with another umask, in another time zone, into another folder."""
    environment = {**os.environ, "TZ": zone}
    environment.pop("SOURCE_DATE_EPOCH", None)
    command = [BIN / "python", "tests/utils/build_collection.py", "--repository", repository, "--output", output]
    subprocess.run(command, check=True, cwd=ROOT, env=environment, umask=umask, stdout=subprocess.DEVNULL)
    return next(output.glob("*.tar.gz"))


def test_everybody_builds_the_same_and_it_holds_what_users_need(tmp_path, repository, figures):
    one = built(repository, tmp_path / "one", 0o022, "UTC")
    # What lies about in a working tree and in no commit stays out.
    (repository / "plugins" / "modules" / "leftover.py").write_text("")
    for path in repository.glob("plugins/**/*.py"):
        os.utime(path, (0, 0))
    other = built(repository, tmp_path / "other", 0o077, "Asia/Shanghai")
    assert one.read_bytes() == other.read_bytes()
    with tarfile.open(one) as tarball:
        entries = tarball.getmembers()
    assert {entry.mtime for entry in entries} == {1700000000}
    assert {entry.mode for entry in entries} <= {0o644, 0o755}
    files = [entry.name for entry in entries if entry.isfile()]
    assert [name for name in files if not is_wanted(name)] == []
    # No pattern stands for nothing.
    assert {"README.md", "CONTRIBUTING.md", "SECURITY.md", "plugins/modules/rds_instance_info.py"} <= set(files)
    assert_ansible_galaxy_takes_it(one, tmp_path / "collections")
    figures("tarball", [f"{len(files)} files, {one.stat().st_size // 1024} KiB, twice the same"])


def assert_ansible_galaxy_takes_it(tarball, target):
    galaxy = [BIN / "ansible-galaxy", "collection"]
    # The Python that runs ansible-galaxy has the working tree among its collections.
    own = {"ANSIBLE_COLLECTIONS_PATH": str(target), "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false"}
    options = {"env": {**os.environ, **own}, "capture_output": True, "text": True}
    done = subprocess.run([*galaxy, "install", tarball, "-p", target, "--offline"], check=False, **options)
    assert "installed successfully" in done.stdout
    verify = [*galaxy, "verify", "--offline", "apsaradb.migration"]
    done = subprocess.run(verify, check=False, **options)
    assert done.returncode == 0, done.stderr
    (target / "ansible_collections" / "apsaradb" / "migration" / "README.md").write_text("something else")
    done = subprocess.run(verify, check=False, **options)
    assert done.returncode != 0
    assert "README.md" in done.stdout + done.stderr


def scrambled(names, seconds, mode, listed):
    """A tarball as some machine builds it."""
    manifest = json.dumps({"collection_info": {}, "file_manifest_file": {"chksum_sha256": str(seconds)}})
    contents = {"FILES.json": json.dumps({"files": [{"name": name} for name in listed]}), "MANIFEST.json": manifest}
    unpacked = io.BytesIO()
    with tarfile.open(fileobj=unpacked, mode="w") as archive:
        for name in names:
            content = contents.get(name, name).encode()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode, entry.uid, entry.uname = len(content), seconds, 0o644, seconds, mode
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(unpacked.getvalue(), mtime=seconds)


def test_order_times_and_owners_are_settled():
    one = scrambled(["MANIFEST.json", "FILES.json", "a", "b"], 1, "root", ["a", "b"])
    other = scrambled(["b", "FILES.json", "MANIFEST.json", "a"], 2, "me", ["b", "a"])
    assert one != other
    assert build_collection.normalised(one, 7) == build_collection.normalised(other, 7)

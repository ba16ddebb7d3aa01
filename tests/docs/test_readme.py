# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""README: a stranger types its commands, one after the other."""

from __future__ import annotations

import re

import pytest
from ansible_collections.apsaradb.migration.tests.docs.pages import README, ROOT, Page

# What would take a network, or half an hour, is looked at and not done: CI runs both targets by themselves.
IN_PLACE_OF = """
git() {
    test "$1 $2" = "clone $REPOSITORY"
    mkdir apsaradb.migration
    command git -C "$ROOT" ls-files -z --cached --others --exclude-standard --deduplicate |
        (cd "$ROOT"; while read -rd "" name; do [ ! -e "$name" ] || printf '%s\\0' "$name"; done) |
        tar -C "$ROOT" --null -cf - -T - | tar -C apsaradb.migration -xf -
}
make() { grep -q "^$1:" Makefile; }
pip() {
    test "$1 $2" = "install -r"
    python -c 'import sys, importlib.metadata as m, packaging.requirements as r
for line in open(sys.argv[1]):
    if line.strip() and not line.startswith("#"):
        one = r.Requirement(line.strip())
        assert one.specifier.contains(m.version(one.name)), line' "$3"
}
"""
DO_BY_HAND = {"git", "make", "pip", "cd"}


@pytest.fixture(scope="module")
def page():
    return Page(README)


def repository() -> str:
    found = re.search(r"^repository: (\S+)$", (ROOT / "galaxy.yml").read_text(), re.MULTILINE)
    assert found
    return found[1]


def test_every_command_of_readme_works_with_the_collection_from_its_tarball(reader, emulator, page):
    printed = reader.types(page, f"export REPOSITORY={repository()}\n{IN_PLACE_OF}")

    # One run brought both databases over; what was rehearsed before and run after it wrote nothing.
    assert emulator.effects() == ["CopyDatabaseBetweenInstances"]
    assert re.search(r"apsaradb\.migration:\S+ was installed successfully", printed)
    assert list((reader.folder / ".ansible" / "collections").rglob("MANIFEST.json"))
    recaps = re.findall(r"^\S+ +: ok=\d+ +changed=(\d)", printed, re.MULTILINE)
    assert recaps[:2] == ["1", "1"], "a rehearsal that promises, and the run"
    assert set(recaps[2:]) == {"0"}, "nothing is left to be done"


def test_readme_has_no_block_that_nobody_runs(page):
    for block in page.blocks:
        assert block.run
        assert block.kind in ("console", "yaml"), block.text
        assert block.file or block.commands, f"neither a file nor commands:\n{block.text}"


def test_what_is_not_run_to_its_end_is_little(page):
    words = {command.split()[0] for block in page.blocks for command in block.commands}
    assert words - DO_BY_HAND == {"ansible-galaxy", "ansible-playbook", "ansible-doc"}


def test_links_to_files_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.text)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What pages name is there: variables, suboptions, tags, playbooks, checks, other pages. Nothing is run here."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from ansible_collections.apsaradb.migration.tests.docs.pages import GUIDES, ROOT, Page, pages

ROLES = sorted(path.name for path in (ROOT / "roles").iterdir())
PAGES = pages()
OTHERS = [ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md", "docs/examples/README.md")]
WIDTH = 120
# The beginnings of paths in the repository.
FOLDERS = ("plugins/", "roles/", "playbooks/", "docs/", "tests/", "meta/", "demo/", "changelogs/")
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def specification(role: str) -> dict[str, Any]:
    path = ROOT / "roles" / role / "meta" / "argument_specs.yml"
    return yaml.safe_load(path.read_text())["argument_specs"]["main"].get("options", {})


OPTIONS = {name: option for role in ROLES for name, option in specification(role).items()}
# What a role leaves, and what playbooks and files of tasks are told.
KNOWN = {
    *OPTIONS,
    *ROLES,
    *(f"{role}_{word}" for role in ROLES for word in ("result", "hosts")),
    *(path.stem for folder in ("playbooks", "plugins/modules", "plugins/action") for path in (ROOT / folder).glob("*")),
    *(word for path in ROOT.glob("playbooks/*.yml") for word in re.findall(r"\bfleet_\w+", path.read_text())),
    "dts_cross_account_side",
}
PREFIXES = tuple(f"{role}_" for role in ROLES)


def tags(role: str) -> set[str]:
    tasks = yaml.safe_load((ROOT / "roles" / role / "tasks" / "main.yml").read_text())
    return {tag for task in tasks for tag in task.get("tags", [])}


def playbook_commands(page: Page) -> Iterator[list[str]]:
    """Command lines of ansible-playbook, of the inline ones those that name a playbook of the collection."""
    lines = [command for block in page.blocks for command in block.commands]
    lines += re.findall(r"`+(ansible-playbook apsaradb[^`]+)`+", page.text)
    for line in lines:
        words = shlex.split(line, comments=True)
        if "ansible-playbook" in words:
            yield words[words.index("ansible-playbook") + 1 :]


def wrong_keys(value: Any, option: dict[str, Any], where: str) -> Iterator[str]:
    """Suboptions that a value has and its option has not."""
    choices, suboptions = option.get("choices"), option.get("options")
    if choices and isinstance(value, str) and "{{" not in value and value not in choices:
        yield f"{where}: {value}"
    for one in value if isinstance(value, list) else [value]:
        if choices and isinstance(value, list) and one not in choices:
            yield f"{where}: {one}"
        if not isinstance(one, dict) or not suboptions:
            continue
        for key, inner in one.items():
            if key not in suboptions:
                yield f"{where}.{key}"
            else:
                yield from wrong_keys(inner, suboptions[key], f"{where}.{key}")


def variables(node: Any) -> Iterator[tuple[str, Any]]:
    """Variables of roles in YAML, wherever they stand."""
    for key, value in node.items() if isinstance(node, dict) else ():
        if isinstance(key, str) and key.startswith(PREFIXES):
            yield key, value
        yield from variables(value)
    for value in node if isinstance(node, list) else ():
        yield from variables(value)


@EVERY_PAGE
def test_variables_that_are_named_exist(page):
    words = set(re.findall(r"(?<![\w./-])[a-z]+(?:_[a-z]+)+\b", re.sub(r"``?apsaradb[^`]+`", "", page.text)))
    unknown = {word for word in words if word.startswith(PREFIXES)} - KNOWN
    assert not {word for word in unknown if not word.endswith("_")}


@EVERY_PAGE
def test_values_have_the_form_that_the_role_takes(page):
    for block in page.blocks:
        if block.kind == "yaml":
            for name, value in variables(yaml.safe_load(block.text)):
                assert name in KNOWN, name
                assert not list(wrong_keys(value, OPTIONS.get(name, {}), name))


@EVERY_PAGE
def test_commands_name_playbooks_tags_and_variables_that_exist(page):
    for words in playbook_commands(page):
        playbook = words[0]
        if not playbook.startswith("apsaradb.migration."):
            assert playbook in page.files or playbook.endswith((".yml", ".yaml")), playbook
            continue
        role = playbook.rsplit(".", 1)[1]
        assert (ROOT / "playbooks" / f"{role}.yml").exists(), playbook
        for option, value in itertools.pairwise(words):
            if option in ("--tags", "--skip-tags", "-t") and role in ROLES:
                assert set(value.split(",")) <= tags(role), value
            if option == "-e" and not value.startswith(("@", "{")):
                assert value.split("=")[0] in KNOWN, value


@EVERY_PAGE
def test_tags_that_are_named_are_those_of_a_role(page):
    named = set(re.findall(r"--(?:skip-)?tags ([a-z]\w*)", page.text))
    assert named <= set().union(*(tags(role) for role in ROLES))


@EVERY_PAGE
def test_checks_that_are_named_can_be_made(page):
    made = set(re.findall(r"^   \* - ``(\w+)``$", (GUIDES / "errors.rst").read_text(), re.MULTILINE))
    named = set(re.findall(r"\b[Cc]hecks? ``?(\w+)``?", page.text))
    # Those of the two sides of a job are put together from the side's name.
    assert named - made <= {"source_account", "destination_account", "ignore_errors"}


def literals(page: Page) -> Iterator[str]:
    """What stands between backticks, and commands."""
    yield from re.findall(r"(?<!`)`{1,2}([^`\n]+)`{1,2}(?!`)", page.text)
    for block in page.blocks:
        yield from block.commands


@pytest.mark.parametrize("page", [*PAGES, *map(Page, OTHERS)], ids=lambda page: page.name)
def test_targets_of_make_and_paths_that_are_named_exist(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = [words.split()[1:] for words in literals(page) if words.startswith("make ")]
    assert not [words for words in named if not set(words) <= targets]
    paths = {words.rstrip("/") for words in literals(page) if words.startswith(FOLDERS) and "ROLE" not in words}
    assert not {path for path in paths if not list(ROOT.glob(path))}


@pytest.mark.parametrize("page", [*PAGES, *map(Page, OTHERS)], ids=lambda page: page.name)
def test_lines_fit_a_screen(page):
    """All but rows of a table in Markdown and addresses, which cannot be broken."""
    long = [line for line in page.text.splitlines() if len(line) > WIDTH]
    assert not [line for line in long if not line.startswith("| ") and "https://" not in line]


def test_pages_are_all_in_the_contents():
    contents = yaml.safe_load((ROOT / "docs" / "docsite" / "extra-docs.yml").read_text())
    listed = [name for section in contents["sections"] for name in section["toctree"]]
    assert len(listed) == len(set(listed))
    assert set(listed) == {path.stem for path in GUIDES.glob("*.rst")}


def test_every_way_has_a_guide_with_all_its_points():
    points = "Inventory,Assess,Rehearse,Bulk,Catch up,Go or no-go,Cut over,Validate,Observe,Finish".split(",")
    for page in (page for page in PAGES if page.name.startswith("guide_")):
        assert re.findall(r"^\d+\. (.+)\n-+$", page.text, re.MULTILINE) == points, page.name
        assert page.runnable
        texts = re.split(r"^\d+\. .+\n-+$", page.text, flags=re.MULTILINE)[1:]
        for point, text in zip(points[:-1], texts, strict=False):
            assert "**Way back:** " in text, f"{page.name}: {point}"


def test_the_old_script_has_each_of_its_options_answered():
    text = (GUIDES / "batch_script.rst").read_text()
    for option in ("-k", "-s", "-i", "-e", "-b", "-d", "-h"):
        assert re.search(rf"^``{option}``", text, re.MULTILINE), option
    for parameter in ("@backup_databases_list", "@backup_type", "@backup_folder", "@is_run = 1", "@is_run = 0"):
        assert f"``{parameter}``" in text

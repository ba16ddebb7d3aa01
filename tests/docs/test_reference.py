# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options say what happens without them, return values have samples, links go both ways: as ansible-doc shows them.

And no failure of the code is missing on the page of errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.apsaradb.migration.tests.docs import reference
from ansible_collections.apsaradb.migration.tests.docs.pages import GUIDES

SAYS_WITHOUT = re.compile(r"\b(without|needed|needs? it|do(es)? not need)\b", re.IGNORECASE)
# Without a code of their own: they say everything, and the page of errors has their text.
UNCODED = {"AnsibleActionFail", "BadWindow", "StillHeld"}
# Caught in the collection, where they become a failure or a check with these words in it, or are a programming error.
# ImportError is caught by Python, which asks the next importer.
INSIDE = {"Malformed", "DamagedList", "Unreadable", "ValueError", "ConnectionError", "IncompleteRead", "ImportError"}


def options(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every option of every document, suboptions included, by its path."""
    for name, document in reference.documents(kind).items():
        if kind == "role":
            for entry in document["entry_points"].values():
                yield from reference.within(entry.get("options"), "options", f"{name} ")
        else:
            yield from reference.within(document["doc"].get("options"), "suboptions", f"{name} ")


@pytest.mark.parametrize("kind", reference.KINDS)
def test_ansible_doc_knows_every_one(kind):
    assert sorted(reference.documents(kind)) == reference.names(kind)


@pytest.mark.parametrize("kind", reference.KINDS)
def test_every_option_says_what_happens_without_it(kind):
    found = dict(options(kind))
    assert found
    silent = [
        name
        for name, option in found.items()
        if not option.get("required")
        and option.get("default") is None
        and not SAYS_WITHOUT.search(reference.text(option["description"]))
    ]
    assert not silent


def test_every_return_value_has_a_sample():
    without = [
        name
        for module, document in reference.documents("module").items()
        for name, value in reference.within(document["return"], "contains", f"{module} ")
        if "sample" not in value and not value.get("contains")
    ]
    assert not without
    assert all(document["return"] for document in reference.documents("module").values())


def test_every_module_has_examples():
    assert all(document["examples"].strip() for document in reference.documents("module").values())


def test_modules_that_are_seen_also_lead_back():
    links = {
        name: {link["module"] for link in document["doc"].get("seealso", []) if "module" in link}
        for name, document in reference.documents("module").items()
    }
    assert all(links.values()), "a module that leads nowhere"
    assert not {f"{there} -> {name}" for name, seen in links.items() for there in seen if name not in links[there]}


@pytest.mark.parametrize("kind", reference.KINDS)
def test_no_text_is_left_to_be_written(kind):
    written = str(reference.documents(kind))
    assert not re.search(r"\b(TODO|FIXME|TBD)\b", written)
    # Markup that ansible-doc did not understand is shown as it was typed.
    assert "ERROR while parsing" not in written


def test_every_failure_has_a_code_that_the_page_of_errors_has():
    page = set(re.findall(r"``([^`]+)``", (GUIDES / "errors.rst").read_text()))
    made = [one for one in reference.made() if one.name in reference.failures()]
    assert len(made) > len(reference.failures())
    # One kind of failure gives itself its code.
    assert not [one.place for one in made if not one.told and one.name != "Unequal"]
    missing = {code for one in made for code in one.codes if re.match(r"[a-z]", code)} - page
    assert not missing


def test_whatever_else_is_raised_is_on_the_page_or_stays_inside():
    known = reference.failures() | UNCODED | INSIDE
    assert not [f"{one.place} {one.name}" for one in reference.made() if one.name not in known]

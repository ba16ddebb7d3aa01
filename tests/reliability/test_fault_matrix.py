# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every call that modules send, with everything that may happen to it: done once, or told and done by the next run."""

from __future__ import annotations

import contextlib
import random

import pytest
from ansible_collections.apsaradb.migration.tests.reliability.fault_classes import CLASSES
from ansible_collections.apsaradb.migration.tests.reliability.fault_matrix import (
    WRITES,
    AnotherEnd,
    Theatre,
    actions_of_code,
    reason_not_to_test,
    rows,
)
from ansible_collections.apsaradb.migration.tests.reliability.fault_stories import stories
from ansible_collections.apsaradb.migration.tests.reliability.figure_tables import NOT_TESTED, RIGHT, WRONG
from apsara_emulator import draw

TITLE = "fault matrix"
LEGEND = [f"{one.head}: {one.name}" for one in CLASSES]


@pytest.fixture
def theatre(run, monkeypatch):
    return Theatre(run, monkeypatch)


def test_every_action_of_the_code_is_sent_in_a_story(theatre):
    sent = {action for story in stories() for action in theatre.clean(story).calls}
    assert sent == actions_of_code()


@pytest.mark.parametrize("action", rows())
def test_faults(theatre, cells, action):
    """In the usual world, each class as it usually comes."""
    marks, wrong = row(theatre, action)
    cells(TITLE, f"{'write' if action in WRITES else 'read'} {action}", marks, LEGEND)
    assert not wrong, "\n".join(wrong)


@pytest.mark.soak
@pytest.mark.parametrize("action", rows())
def test_faults_in_every_form(theatre, cells, action):
    """In every story that sends it, each class in all its forms, at several moments."""
    marks, wrong = row(theatre, action, thorough=True)
    cells(f"{TITLE}, every form", f"{'write' if action in WRITES else 'read'} {action}", marks, LEGEND)
    assert not wrong, "\n".join(wrong)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(40))
def test_faults_in_drawn_worlds(run, monkeypatch, seed):
    """Whatever the service turns out to be. Worlds in which a story has another end are left out."""
    theatre, chance, wrong = Theatre(run, monkeypatch, draw(seed)), random.Random(seed), []
    for action in chance.sample(rows(), 6):
        for fault_class in chance.sample(CLASSES, 4):
            if not reason_not_to_test(action, fault_class):
                with contextlib.suppress(AnotherEnd):
                    found = theatre.cell(action, fault_class)
                    wrong += [f"{action} x {fault_class.name}: {text}" for text in found]
    assert not wrong, "\n".join(wrong)


def row(theatre, action, **how):
    """(marks by the heads of the columns, what is wrong)."""
    marks, wrong = {}, []
    for fault_class in CLASSES:
        if reason_not_to_test(action, fault_class):
            marks[fault_class.head] = NOT_TESTED
            continue
        found = theatre.cell(action, fault_class, **how)
        marks[fault_class.head] = WRONG if found else RIGHT
        wrong += [f"{action} x {fault_class.name}: {text}" for text in found]
    return marks, wrong

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every call that modules send, with everything that may happen to it: done once, or told and done by the next run."""

from __future__ import annotations

import random

import pytest
from ansible_collections.apsaradb.migration.tests.reliability.fault_classes import CLASSES
from ansible_collections.apsaradb.migration.tests.reliability.fault_matrix import (
    NOT_LISTED,
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
LEGEND = [f"{one.head}: {one.name}" for one in CLASSES] + [f"not tested: {NOT_LISTED} (column lag)"]


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


@pytest.mark.parametrize("seed", range(3))
def test_faults_in_a_few_drawn_worlds(run, monkeypatch, figures, seed):
    figures(TITLE, [drawn(run, monkeypatch, seed, actions=4, classes=3)])


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(3, 43))
def test_faults_in_drawn_worlds(run, monkeypatch, figures, seed):
    figures(TITLE, [drawn(run, monkeypatch, seed, actions=6, classes=4)])


def drawn(run, monkeypatch, seed, actions, classes):
    """Whatever the service turns out to be. Worlds in which a story has another end are left out."""
    theatre, chance, wrong, tried, left_out = Theatre(run, monkeypatch, draw(seed)), random.Random(seed), [], 0, 0
    for action in chance.sample(rows(), actions):
        for fault_class in chance.sample(CLASSES, classes):
            if reason_not_to_test(action, fault_class):
                continue
            try:
                found = theatre.cell(action, fault_class)
            except AnotherEnd:
                left_out += 1
                continue
            tried += 1
            wrong += [f"{action} x {fault_class.name}: {text}" for text in found]
    assert not wrong, "\n".join(wrong)
    return f"drawn world {seed}: {tried} cells right, {left_out} left out, because their story ends otherwise there"


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

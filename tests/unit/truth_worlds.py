# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many worlds are drawn for a module, of what all worlds have in common, and a record of how many there were."""

from __future__ import annotations

import marshal
import os
import time

import hypothesis
import pytest
from ansible_collections.apsaradb.migration.tests.unit import truth_drawing as st
from ansible_collections.apsaradb.migration.tests.unit.truth_properties import assert_truth
from ansible_collections.apsaradb.migration.tests.unit.truth_session import AFTER, BEFORE, UNANSWERED, Cut
from ansible_collections.apsaradb.migration.tests.unit.truth_stage import one_process
from apsara_emulator import VARIANTS
from apsara_emulator.default_world import default_document
from hypothesis.strategies import binary

# Worlds of all modules together in the soak run; one setting for machines that are fast or slow.
SOAK = int(os.environ.get("APSARADB_TRUTH_WORLDS", "30000"))
USUAL = 1100
# A world and its wish take about forty choices, of one or two bytes each; what is left of the bytes is not looked at.
BYTES = 64

# Which lines only failing examples run is not worth the minutes that it takes to find out.
PHASES = set(hypothesis.Phase) - {hypothesis.Phase.explain}
# Told in the summary of the run, which conftest.py writes.
WORLDS_TRIED = "worlds tried"
# Read by tests/bench: of all worlds but the first one.
CPU_SECONDS = "worlds cpu seconds"
CUTS = st.builds(Cut, st.integers(0, 7), st.sampled_from([AFTER, BEFORE, UNANSWERED]))


_DEFAULT = marshal.dumps(default_document())


def variants(*left_out):
    """A few doubts at once, drawn from all of them. left_out: names of those that stay as they are."""
    names = sorted(set(VARIANTS) - set(left_out))
    return st.dictionaries(st.sampled_from(names), st.integers(0, 6), max_size=6).map(
        lambda drawn: {name: VARIANTS[name].values[n % len(VARIANTS[name].values)] for name, n in drawn.items()}
    )


def changed(usual, most=2, **others):
    """A dictionary in which up to `most` of the usual values are others, each drawn as its keyword says."""
    changes = [st.tuples(st.just(name), others[name]) for name in sorted(others)]
    return st.lists(st.one_of(*changes), max_size=most).map(lambda drawn: {**usual, **dict(drawn)})


def one_of(*values):
    return st.sampled_from(values)


def document(*instances, **more):
    """The world that is used when none is given, with these instances only: the smaller, the faster."""
    whole = marshal.loads(_DEFAULT)
    return {**whole, "instances": {name: whole["instances"][name] for name in instances}, **more}


def truth(share, scenes):
    """Two tests of scenes: a usual one, and one that is run by make soak. share: of all worlds, from 0 to 1.

    The usual one draws the same worlds each time, so that it fails for who broke something; the long one draws others.
    """

    pairs = st.tuples(scenes, CUTS)
    drawn = binary(min_size=BYTES, max_size=BYTES).map(lambda content: pairs.of(st.Choices(content)))

    def make(worlds, *, same):
        def test(request):
            tried, began = 0, 0.0

            @hypothesis.settings(
                max_examples=worlds,
                phases=PHASES,
                derandomize=same,
                database=None,
                suppress_health_check=list(hypothesis.HealthCheck),
            )
            @hypothesis.given(drawn)
            def any_world(scene_and_cut):
                nonlocal tried, began
                tried += 1
                assert_truth(*scene_and_cut)
                # The first world imports what all others use.
                began = began or time.process_time()

            try:
                with one_process():
                    any_world()
            finally:
                request.node.user_properties.append((WORLDS_TRIED, tried))
                if began:
                    spent = time.process_time() - began
                    request.node.user_properties.append((CPU_SECONDS, spent))

        return test

    usual, many = make(round(USUAL * share), same=True), make(round(SOAK * share), same=False)
    return pytest.mark.worlds(usual), pytest.mark.soak(pytest.mark.worlds(many))

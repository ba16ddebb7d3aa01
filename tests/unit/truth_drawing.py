# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that are made of random bytes, named as in hypothesis.strategies.

Hypothesis draws and shrinks the bytes, as one value. If it made each of the twenty choices of a world itself, that
would take longer than the world's stories. A byte of zero always means the first or smallest choice, as shrinking
wants it.
"""

from __future__ import annotations


class Choices:
    """Reads choices from bytes. What lies behind their end is zero."""

    def __init__(self, content):
        self._content = content
        self._position = 0

    def below(self, count):
        """A number below `count`; the larger the bytes, the larger it is."""
        width = 1 if count <= 32 else 2
        found = self._content[self._position : self._position + width].ljust(width, b"\0")
        self._position += width
        return int.from_bytes(found, "big") * count >> 8 * width


class Drawn:
    """How a value is made of choices."""

    def __init__(self, of):
        self.of = of

    def map(self, change):
        return Drawn(lambda choices: change(self.of(choices)))


def just(value):
    return Drawn(lambda _choices: value)


def none():
    return just(None)


def sampled_from(values):
    values = list(values)
    return Drawn(lambda choices: values[choices.below(len(values))])


def booleans():
    return sampled_from([False, True])


def integers(least, most):
    return Drawn(lambda choices: least + choices.below(most - least + 1))


def one_of(*others):
    return Drawn(lambda choices: others[choices.below(len(others))].of(choices))


def tuples(*parts):
    return Drawn(lambda choices: tuple(part.of(choices) for part in parts))


def builds(make, *parts):
    return Drawn(lambda choices: make(*(part.of(choices) for part in parts)))


def lists(part, *, min_size=0, max_size, unique=False, unique_by=()):
    """unique_by: functions of a member, each of which tells all members apart. A second one of a kind is left out."""
    kinds = ((lambda one: one),) if unique else unique_by if isinstance(unique_by, tuple) else (unique_by,)

    def of(choices):
        found = []
        for _number in range(min_size + choices.below(max_size - min_size + 1)):
            drawn = part.of(choices)
            if not any(kind(drawn) == kind(one) for kind in kinds for one in found):
                found.append(drawn)
        return found

    return Drawn(of)


def dictionaries(keys, values, *, min_size=0, max_size):
    return lists(tuples(keys, values), min_size=min_size, max_size=max_size).map(dict)

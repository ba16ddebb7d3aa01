# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plain documents (JSON, YAML) to data classes and back, strictly: an unknown key or a wrong type is an error.

Moments are written as UTC text (`2026-01-02T03:04:05Z`, fractions allowed) or relative to the time of reading:
`{"ago": SECONDS}`, `{"in": SECONDS}`. They are written back as text.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import math
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, NewType, TypeVar, Union

from .clock import parse_utc
from .errors import DocumentError

Instant = NewType("Instant", float)
"""Seconds since 1970-01-01T00:00:00Z, in a document a moment."""

T = TypeVar("T")
# The year 10000, which no time text can express.
_LAST_MOMENT = 253402300800.0
# What a value of some type is read with: the value, the time of reading, and the path for error texts.
Reader = Callable[[Any, float, str], Any]
_PLAIN = frozenset({str, int, float, bool, types.NoneType})


def read(kind: type[T], document: Any, now: float, where: str) -> T:
    """A data class from a document. `where` is the path for error texts. DocumentError if it does not fit."""
    found: T = _reader(kind)(document, now, where)
    return found


def write(thing: Any) -> Any:
    """The document of a data class (or of a list, mapping or plain value holding some)."""
    kind = type(thing)
    if kind in _PLAIN:
        return thing
    if dataclasses.is_dataclass(kind):
        return {
            name: _moment_text(value) if is_moment else write(value)
            for name, is_moment in _fields_to_write(kind)
            if (value := getattr(thing, name)) is not None
        }
    if isinstance(thing, Mapping):
        return {str(key): write(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [write(value) for value in thing]
    return thing


def merged(base: Any, change: Any) -> Any:
    """`change` laid over `base`: mappings key by key (None removes a key), anything else replaces."""
    if not (isinstance(base, Mapping) and isinstance(change, Mapping)):
        return change
    result = dict(base)
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


# What is known of a class is found out once: large worlds ask for it thousands of times.


@functools.cache
def _fields_to_write(kind: type) -> tuple[tuple[str, bool], ...]:
    """Each field's name, and whether it is a moment."""
    hints = typing.get_type_hints(kind)
    names = [one.name for one in dataclasses.fields(kind)]
    return tuple((name, hints[name] is Instant or Instant in typing.get_args(hints[name])) for name in names)


@functools.cache
def _class_reader(kind: type) -> Reader:
    fields = {one.name: one for one in dataclasses.fields(kind)}
    required = [name for name, one in fields.items() if _required(one)]
    readers: dict[str, Reader] = {}

    def of(document: Any, now: float, where: str) -> Any:
        if not readers:  # not before: a class may hold others of its kind
            readers.update({name: _reader(hint) for name, hint in typing.get_type_hints(kind).items()})
        if not isinstance(document, Mapping):
            raise DocumentError(f"{where}: a mapping is expected, not {_named(document)}")
        unknown = [str(key) for key in document if key not in fields]
        if unknown:
            raise DocumentError(f"{where}: unknown key {min(unknown)!r}; known are {', '.join(sorted(fields))}")
        for name in required:
            if name not in document:
                raise DocumentError(f"{where}: {name!r} is missing")
        return kind(**{name: readers[name](value, now, f"{where}.{name}") for name, value in document.items()})

    return of


def _required(one: dataclasses.Field[Any]) -> bool:
    return one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING


def _reader(hint: Any) -> Reader:
    """What reads a value of this type."""
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        inner = _reader(next(one for one in typing.get_args(hint) if one is not types.NoneType))
        return lambda value, now, where: None if value is None else inner(value, now, where)
    if origin is dict:
        return _mapping_reader(_reader(typing.get_args(hint)[1]))
    if origin is list:
        return _list_reader(_reader(typing.get_args(hint)[0]))
    if hint is Instant:
        return _moment
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _class_reader(hint)
    return functools.partial(_plain, hint)


def _mapping_reader(inner: Reader) -> Reader:
    def of(value: Any, now: float, where: str) -> Any:
        if not isinstance(value, Mapping):
            raise DocumentError(f"{where}: a mapping is expected, not {_named(value)}")
        return {str(key): inner(one, now, f"{where}.{key}") for key, one in value.items()}

    return of


def _list_reader(inner: Reader) -> Reader:
    def of(value: Any, now: float, where: str) -> Any:
        if not isinstance(value, list):
            raise DocumentError(f"{where}: a list is expected, not {_named(value)}")
        return [inner(one, now, f"{where}[{index}]") for index, one in enumerate(value)]

    return of


def _plain(hint: Any, value: Any, _now: float, where: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise DocumentError(f"{where}: a finite number is expected")
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise DocumentError(f"{where}: {hint.__name__} is expected, not {_named(value)}")
    return value


def _moment_text(moment: float) -> str:
    """Never later than the moment: what has happened has happened when the document is read again, too."""
    when = dt.datetime.fromtimestamp(moment, dt.timezone.utc)
    if when.timestamp() > moment:
        when -= dt.timedelta(microseconds=1)
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _moment(value: Any, now: float, where: str) -> float:
    moment = _unchecked_moment(value, now)
    if moment is None or not 0 <= moment < _LAST_MOMENT:
        raise DocumentError(f'{where}: a time such as "2026-01-02T03:04:05Z" or {{"ago": 60}} is expected')
    return moment


def _unchecked_moment(value: Any, now: float) -> float | None:
    if isinstance(value, Mapping) and len(value) == 1:
        ((word, seconds),) = value.items()
        if word in {"ago", "in"} and isinstance(seconds, (int, float)):
            return now + (seconds if word == "in" else -seconds)
    # YAML reads an unquoted time stamp as a datetime of its own accord.
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=value.tzinfo or dt.timezone.utc).timestamp()
    if isinstance(value, str):
        try:
            return parse_utc(value, "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%MZ")
        except ValueError:
            pass
    return None


def _named(value: Any) -> str:
    return f"{type(value).__name__} {str(value)[:40]!r}"

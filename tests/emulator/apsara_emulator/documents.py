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
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, NewType, TypeVar, Union

from .clock import parse_utc
from .errors import DocumentError

Instant = NewType("Instant", float)
"""Seconds since 1970-01-01T00:00:00Z, in a document a moment."""

T = TypeVar("T")
# The year 10000, which no time text can express.
_LAST_MOMENT = 253402300800.0
_KNOWN_HINTS: dict[type, dict[str, Any]] = {}


def read(kind: type[T], document: Any, now: float, where: str) -> T:
    """A data class from a document. `where` is the path for error texts. DocumentError if it does not fit."""
    if not isinstance(document, Mapping):
        raise DocumentError(f"{where}: a mapping is expected, not {_named(document)}")
    hints = _hints(kind)
    known = {one.name: one for one in dataclasses.fields(kind)}  # type: ignore[arg-type]  # kinds are data classes
    unknown = sorted(str(key) for key in document if key not in known)
    if unknown:
        raise DocumentError(f"{where}: unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}")
    missing = [name for name, one in known.items() if _required(one) and name not in document]
    if missing:
        raise DocumentError(f"{where}: {missing[0]!r} is missing")
    values = {name: _value(hints[name], value, now, f"{where}.{name}") for name, value in document.items()}
    return kind(**values)


def write(thing: Any) -> Any:
    """The document of a data class (or of a list, mapping or plain value holding some)."""
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        hints = _hints(type(thing))
        return {
            one.name: _written(hints[one.name], getattr(thing, one.name))
            for one in dataclasses.fields(thing)
            if getattr(thing, one.name) is not None
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


def _hints(kind: type) -> dict[str, Any]:
    """Resolving the annotations of a class is slow, and large worlds ask for it thousands of times."""
    if kind not in _KNOWN_HINTS:
        _KNOWN_HINTS[kind] = typing.get_type_hints(kind)
    return _KNOWN_HINTS[kind]


def _required(one: dataclasses.Field[Any]) -> bool:
    return one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING


def _written(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    if _is_instant(hint):
        return dt.datetime.fromtimestamp(value, dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return write(value)


def _is_instant(hint: Any) -> bool:
    return hint is Instant or Instant in typing.get_args(hint)


def _value(hint: Any, value: Any, now: float, where: str) -> Any:
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        return _value(next(one for one in typing.get_args(hint) if one is not types.NoneType), value, now, where)
    if origin is dict:
        if not isinstance(value, Mapping):
            raise DocumentError(f"{where}: a mapping is expected, not {_named(value)}")
        inner = typing.get_args(hint)[1]
        return {str(key): _value(inner, one, now, f"{where}.{key}") for key, one in value.items()}
    if origin is list:
        if not isinstance(value, list):
            raise DocumentError(f"{where}: a list is expected, not {_named(value)}")
        inner = typing.get_args(hint)[0]
        return [_value(inner, one, now, f"{where}[{index}]") for index, one in enumerate(value)]
    return _single(hint, value, now, where)


def _single(hint: Any, value: Any, now: float, where: str) -> Any:
    if hint is Instant:
        return _moment(value, now, where)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return read(hint, value, now, where)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise DocumentError(f"{where}: a finite number is expected")
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise DocumentError(f"{where}: {hint.__name__} is expected, not {_named(value)}")
    return value


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

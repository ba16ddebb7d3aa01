# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each action takes and answers, and the check of a call against it.

`contracts.json` is read from the model classes of the vendor's SDKs:
`{SERVICE: {"version": TEXT, "actions": {ACTION: {"params": {NAME: {"type", "required"?, "in"?}}, "response": SHAPE,
"retired"?: true}}}}`. In a SHAPE an array is a list with one element, a map is `{"*": SHAPE}`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from .errors import ApiError
from .variants import Variants

# What may accompany any action: the protocol's own parameters, and those that the SDKs add by themselves.
COMMON_PARAMETERS = frozenset(
    {
        "AccessKeyId",
        "Action",
        "BearerToken",
        "Format",
        "RegionId",
        "SecurityToken",
        "Signature",
        "SignatureMethod",
        "SignatureNonce",
        "SignatureType",
        "SignatureVersion",
        "Timestamp",
        "Version",
    }
)

_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?", re.ASCII)
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True)
class Parameter:
    """One parameter of an action. `type` is string, integer, number, boolean, or a JSON shape.

    An array comes as NAME.1, NAME.2, or NAME.1.Key. `in_body` if the SDK sends it in the form, not in the query.
    """

    type: Any
    required: bool
    in_body: bool = False


@dataclass(frozen=True)
class Contract:
    """One action."""

    service: str
    version: str
    action: str
    retired: bool
    parameters: Mapping[str, Parameter]
    response: Mapping[str, Any]

    @cached_property
    def _required(self) -> tuple[str, ...]:
        return tuple(name for name, parameter in self.parameters.items() if parameter.required)

    def check(self, given: Mapping[str, str], variants: Variants) -> None:
        """ApiError if `given` lacks a required parameter, has one too many, or one of the wrong type."""
        for name in self._required:
            if not given.get(name) and not given.get(f"{name}.1"):
                if any(one.startswith(f"{name}.1.") for one in given):
                    continue
                raise ApiError("MissingParameter", 400, f"The parameter {name} is required by {self.action}.")
        for name, value in given.items():
            known = (self.parameters.get(_array_name(name)) if "." in name else None) or self.parameters.get(name)
            if known is not None:
                _check_type(name, value, known.type)
            elif name not in COMMON_PARAMETERS and variants["unknown_parameter"] != "ignored":
                raise variants.error("unknown_parameter", f"{self.action} has no parameter {name[:64]}.")

    def check_places(self, query_names: Collection[str], variants: Variants) -> None:
        """ApiError if something is in the query that belongs into the form."""
        for name in query_names:
            known = self.parameters.get(name)
            if known is not None and known.in_body and variants["body_parameter_in_query"] != "accepted":
                raise variants.error("body_parameter_in_query", f"The parameter {name} belongs into the body.")


def _array_name(name: str) -> str:
    """`Tag` of Tag.1.Key."""
    base, _dot, rest = name.partition(".")
    return base if rest.partition(".")[0].isdecimal() else name


def _check_type(name: str, value: str, kind: Any) -> None:
    if not value:
        return
    if kind == "integer" and not _INTEGER.fullmatch(value):
        raise ApiError("InvalidParameter", 400, f"The parameter {name} is not an integer.")
    if kind == "boolean" and value.lower() not in {"true", "false"}:
        raise ApiError("InvalidParameter", 400, f"The parameter {name} is not a boolean.")
    if kind == "number" and not _NUMBER.fullmatch(value):
        raise ApiError("InvalidParameter", 400, f"The parameter {name} is not a number.")


@lru_cache(maxsize=1)
def load_contracts() -> dict[str, dict[str, Contract]]:
    """All contracts, by service and action."""
    raw = json.loads((Path(__file__).parent / "contracts.json").read_text(encoding="utf-8"))
    return {
        service: {action: _contract(service, known["version"], action, one) for action, one in known["actions"].items()}
        for service, known in raw.items()
    }


@lru_cache(maxsize=1)
def service_versions() -> dict[str, str]:
    """API version to service name, e.g. `{"2014-08-15": "rds"}`."""
    raw = json.loads((Path(__file__).parent / "contracts.json").read_text(encoding="utf-8"))
    return {known["version"]: service for service, known in raw.items()}


def _contract(service: str, version: str, action: str, raw: Mapping[str, Any]) -> Contract:
    parameters = {
        name: Parameter(parameter["type"], parameter.get("required", False), parameter.get("in") == "body")
        for name, parameter in raw["params"].items()
    }
    return Contract(service, version, action, raw.get("retired", False), parameters, raw["response"])

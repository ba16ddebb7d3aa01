# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody who starts the emulator at a terminal is told: what to export, and what to try first."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_FORMS = {"fish": "set -gx {} {}", "csh": "setenv {} {}", "tcsh": "setenv {} {}"}


def first_steps(ready: Mapping[str, Any], instance_id: str, shell: str) -> str:
    """Lines to copy. ready: what the ready line has. shell: the path of the user's shell, or nothing."""
    form = _FORMS.get(Path(shell).name, "export {}={}")
    lines = ["", "The emulator is ready. In another terminal, in the same folder:", ""]
    lines += [f"  {form.format(name, shlex.quote(value))}" for name, value in variables(ready).items()]
    if instance_id:
        module = "apsaradb.migration.rds_instance_info"
        lines += [f"  {_ansible()} localhost -m {module} -a instance_id={shlex.quote(instance_id)}"]
    lines += ["", "What was called so far, and what of it would have written:", ""]
    calls = f"{ready['control']}/calls"
    lines += [f"  curl --silent {calls}", f"  curl --silent '{calls}?mutating=true'"]
    return "\n".join([*lines, "", "Ctrl-C ends it, and forgets everything.", ""])


def variables(ready: Mapping[str, Any]) -> dict[str, str]:
    """The environment in which the modules find the emulator, as its first account."""
    found = {f"APSARADB_{name.upper()}_ENDPOINT": ready[name] for name in ("rds", "dts", "ram", "sts", "oss")}
    if "ca_path" in ready:
        found["APSARADB_CA_PATH"] = ready["ca_path"]
    for key in ready["accounts"][:1]:
        found["ALIBABA_CLOUD_ACCESS_KEY_ID"] = key["access_key_id"]
        found["ALIBABA_CLOUD_ACCESS_KEY_SECRET"] = key["access_key_secret"]
    return found


def _ansible() -> str:
    """The program beside this Python, as it is called from here; else the one on the path."""
    beside = Path(sys.executable).with_name("ansible")
    if not beside.exists():
        return "ansible"
    near = os.path.relpath(beside)
    return shlex.quote(str(beside) if near.startswith("..") else near)

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the RAM policies of the roles from the calls that the roles' stories make, and put them into the documentation.

`--record` runs the stories on the emulator as users that may do everything, and keeps what they asked for; it takes
some minutes, names choose roles. Then the policies in roles/ROLE/files/permissions and the page permissions.rst
are written. `--check` writes nothing, and says what differs.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import sysconfig
from collections import defaultdict
from typing import Any

import cores
from apsara_emulator.permissions.smallest import smallest_policy

ROLES = ("advise", "dts_cross_account", "instance_import", "postgresql_cloud", "sqlserver_backup")
LEDGERS = cores.ROOT / "build" / "permissions"
PAGE = cores.ROOT / "docs" / "docsite" / "rst" / "permissions.rst"
# What only happens without a story, as it is named in the target setup_emulator: a failed precheck of the way back.
NO_STORY = {
    "action": "dts:DescribePreCheckStatus",
    "resource": "acs:dts:cn-hangzhou:1:instance/dts1",
}
LICENCE = "".join(line.removeprefix("# ") for line in pathlib.Path(__file__).read_text().splitlines(keepends=True)[:3])
_BLOCK = re.compile(r"(?m)^\.\. policy: (\w+/\w+)\n\n(?:\.\. code-block:: json\n\n(?: .*\n|\n(?= ))+\n?)?")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--record", action="store_true", help="run the stories first")
    parser.add_argument("--check", action="store_true", help="write nothing, say what differs")
    parser.add_argument("roles", nargs="*", help=f"of {', '.join(ROLES)}")
    given = parser.parse_args()
    for role in (given.roles or ROLES) if given.record else ():
        record(role)
    wanted = policy_files()
    wanted[PAGE] = page({**stored_policies(), **wanted})
    different = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    for path in different:
        print(f"{'differs' if given.check else 'written'}: {path.relative_to(cores.ROOT)}")
        if not given.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path])
    return 1 if given.check and different else 0


def record(role: str) -> None:
    """Run the role's stories, all of them, as users that may do everything."""
    LEDGERS.mkdir(parents=True, exist_ok=True)
    variables = {
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "emulator_python": sys.executable,
        # All that ask for a permission of their own; what else is long calls nothing that these do not.
        "every_permission": True,
        "output_dir": str(LEDGERS),
        "setup_emulator_open_policies": True,
        "setup_emulator_ledger_folder": str(LEDGERS),
    }
    play = LEDGERS / "play.json"
    play.write_text(json.dumps([{"hosts": "localhost", "connection": "local", "roles": [f"{role}_role"]}]))
    programs = pathlib.Path(sys.executable).parent
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": sysconfig.get_path("purelib"),
        "ANSIBLE_ROLES_PATH": str(cores.ROOT / "tests" / "integration" / "targets"),
        "PATH": f"{programs}:{os.environ['PATH']}",
    }
    command = [str(programs / "ansible-playbook"), str(play), "-e", json.dumps(variables)]
    subprocess.run(command, cwd=LEDGERS, env=environment, check=True)


def policy_files() -> dict[pathlib.Path, str]:
    """The policies by the files that they belong into, as far as the stories were run."""
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in LEDGERS.glob("*.json"):
        kept = json.loads(path.read_text())
        for user in kept["users"] if isinstance(kept, dict) else ():
            rows[user["policy"]] += [row for row in kept["ledger"] if row["caller"] == f"user/{user['name']}"]
    for policy, asked in rows.items():
        if policy.endswith("_way_back"):
            asked.append(NO_STORY)
    files = {file_of(policy): json.dumps(smallest_policy(asked), indent=2) + "\n" for policy, asked in rows.items()}
    # JSON has no place for a header.
    return files | {path.with_name(f"{path.name}.license"): LICENCE for path in files}


def file_of(policy: str) -> pathlib.Path:
    role, name = policy.split("/")
    return cores.ROOT / "roles" / role / "files" / "permissions" / f"{name}.json"


def stored_policies() -> dict[pathlib.Path, str]:
    """The policies as they are in the roles."""
    return {path: path.read_text() for path in cores.ROOT.glob("roles/*/files/permissions/*.json")}


def page(policies: dict[pathlib.Path, str]) -> str:
    """The page, with each policy behind the comment that names it. KeyError if there is none such."""

    def block(found: re.Match[str]) -> str:
        lines = policies[file_of(found[1])].splitlines()
        return f".. policy: {found[1]}\n\n.. code-block:: json\n\n" + "".join(f"   {line}\n" for line in lines) + "\n"

    return _BLOCK.sub(block, PAGE.read_text()).rstrip("\n") + "\n"


if __name__ == "__main__":
    sys.exit(main())

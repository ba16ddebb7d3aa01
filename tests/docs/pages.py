# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages of the documentation, and the blocks of code in them."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import shlex
import textwrap

from ansible_collections.apsaradb.migration.plugins.module_utils import _plan

ROOT = pathlib.Path(_plan.__file__).resolve().parents[2]
README = ROOT / "README.md"
GUIDES = ROOT / "docs" / "docsite" / "rst"
# Written by tests/utils from the code.
GENERATED = {"errors", "emulator"}
RUNNABLE = ".. The commands of this page are run by tests/docs, in their order."
# What stands alone above a block that is not to be run, with the reason.
NOT_RUN = ("<!-- Not run: ", ".. Not run: ")
MARKDOWN = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)\n```$", re.DOTALL | re.MULTILINE)
SPHINX = re.compile(r"^\.\. code-block:: (?P<kind>\w+)\n\n(?P<text>(?:(?:   [^\n]*)?\n)+)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Block:
    """kind: of what language. run: whether it may be run."""

    kind: str
    text: str
    run: bool

    @property
    def commands(self) -> list[str]:
        """What stands behind a prompt; lines that end with a backslash go on."""
        joined = self.text.replace("\\\n", " ")
        return [line[2:] for line in joined.splitlines() if line.startswith("$ ")] if self.kind == "console" else []

    @property
    def file(self) -> str | None:
        """The name of the file that a block of YAML shows, which its first line says."""
        named = re.match(r"# ([\w.-]+\.yml)\b", self.text)
        return named[1] if named and self.kind == "yaml" else None


@dataclasses.dataclass(frozen=True)
class Page:
    path: pathlib.Path

    @property
    def text(self) -> str:
        return self.path.read_text()

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def runnable(self) -> bool:
        return self.path == README or RUNNABLE in self.text

    @property
    def blocks(self) -> list[Block]:
        text, pattern = self.text, MARKDOWN if self.path.suffix == ".md" else SPHINX
        return [
            Block(
                found["kind"],
                textwrap.dedent(found["text"]).strip("\n"),
                run=not text[: found.start()].rstrip().rsplit("\n", 1)[-1].startswith(NOT_RUN),
            )
            for found in pattern.finditer(text)
        ]

    @property
    def files(self) -> dict[str, str]:
        return {block.file: block.text for block in self.blocks if block.file}

    def script(self, most: int | None = None) -> str:
        """The page as a script of bash: files are written and commands run, in the order of the page.

        most: how many commands that run a playbook; None: all.
        """
        lines = []
        for block in (block for block in self.blocks if block.run):
            if block.file:
                lines += [f"cat > {shlex.quote(block.file)} <<'END OF FILE'", block.text, "END OF FILE"]
            for command in block.commands:
                lines += [f"echo {shlex.quote('$ ' + command)}", command]
                if most is not None and command.startswith("ansible-playbook"):
                    most -= 1
                    if most == 0:
                        return "\n".join(lines)
        return "\n".join(lines)


def pages() -> list[Page]:
    """README and every page of the site that is written by hand."""
    return [Page(README), *(Page(path) for path in sorted(GUIDES.glob("*.rst")) if path.stem not in GENERATED)]

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Command lines that start a source server, or say which server programs there are."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from ..errors import DocumentError
from .errors import ServerError
from .source import Source

SourceType = TypeVar("SourceType", bound=Source)


def parser(program: str, product: str, administrator: str, programs: str) -> argparse.ArgumentParser:
    """The options of every engine. `programs` says what the word `programs` does."""
    one = argparse.ArgumentParser(prog=program, description=f"A {product} server to migrate from.")
    one.add_argument("what", choices=["source", "programs"], help=f"start a source; {programs}")
    one.add_argument("--document", help="JSON file with everything about the source; - reads standard input")
    one.add_argument("--name", help="its name (default: source)")
    one.add_argument("--port", type=int, help="port (default: a free one)")
    one.add_argument("--password", help=f"of the {administrator} (default: made up)")
    one.add_argument("--set", action="append", metavar="NAME=VALUE", help="a setting of the server")
    one.add_argument("--account", action="append", metavar="NAME:PASSWORD", help="an account that may migrate")
    one.add_argument("--database", action="append", metavar="NAME", help="a database")
    return one


def run_source(
    program: str,
    options: argparse.Namespace,
    start: Callable[[dict[str, Any]], SourceType],
    end: Callable[[SourceType], None],
) -> int:
    """Start a source, print its document and end it at SIGTERM or SIGINT: 0. 2 if it cannot be started."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_what: stop.set())
    try:
        server = start(_document(options))
    except (DocumentError, ServerError, OSError, ValueError) as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    print(json.dumps(server.as_document()), flush=True)
    stop.wait()
    end(server)
    return 0


def _document(options: argparse.Namespace) -> dict[str, Any]:
    """The document of the file, with what the other options say laid over it."""
    given = dict(vars(options))
    document = _of_file(given.pop("document"))
    settings = dict(_pair(one, "=") for one in given.pop("set") or [])
    accounts = [dict(zip(("name", "password"), _pair(one, ":"), strict=True)) for one in given.pop("account") or []]
    databases = given.pop("database") or []
    del given["what"]
    # Every other option is called as its key.
    document |= {name: value for name, value in given.items() if value}
    document["settings"] = {**document.get("settings", {}), **settings}
    document["databases"] = [*document.get("databases", []), *databases]
    document["accounts"] = [*document.get("accounts", []), *accounts]
    return document


def _of_file(path: str | None) -> dict[str, Any]:
    if not path:
        return {}
    document = json.loads(sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8"))
    if not isinstance(document, dict):
        raise DocumentError("source: a JSON object is expected")
    return document


def _pair(text: str, separator: str) -> tuple[str, str]:
    name, found, value = text.partition(separator)
    if not found:
        raise DocumentError(f"{text!r} is not of the form NAME{separator}VALUE")
    return name, value

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Searches texts and folders for secrets, as they were typed and in every encoding they may have gone through.

What has one spelling is searched as it is: a form. What has many, such as text of which some characters only are
percent-encoded, is found by decoding the text until nothing is left to decode, and looking again.
"""

from __future__ import annotations

import base64
import html
import json
import pathlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple
from urllib.parse import quote, quote_plus

import ahocorasick_rs

# What is shorter is found everywhere by chance.
SHORTEST = 6
# Encodings within encodings: a URL in JSON in a string of another JSON.
_ROUNDS = 5
_BEFORE = 60
_ENCODED = re.compile(
    rb"%(?P<percent>[0-9A-Fa-f]{2})"
    rb"|\\u(?P<unicode>[0-9A-Fa-f]{4})|\\x(?P<hex>[0-9A-Fa-f]{2})|\\(?P<escaped>[\\/'\"])"
    rb"|&#(?P<decimal>[0-9]{2,6});|&#[xX](?P<entity>[0-9A-Fa-f]{2,5});|&(?P<named>amp|lt|gt|quot|apos);"
)
_NAMED = {b"amp": b"&", b"lt": b"<", b"gt": b">", b"quot": b'"', b"apos": b"'"}


class Hit(NamedTuple):
    """A secret that was found. before: what stands in front of it. The secret is told by its beginning only."""

    place: str
    form: str
    secret: str
    before: str

    def __str__(self) -> str:
        return f"{self.place}: {self.secret} ({self.form}) after {self.before!r}"


def _base64(secret: str) -> Iterator[tuple[str, bytes]]:
    """What any text that holds the secret has in Base64, whatever stands before and behind it."""
    for shift in range(3):
        data = bytes(shift) + secret.encode("utf-8", "surrogatepass")
        coded = base64.b64encode(data)
        # Characters that hold bits of a neighbour are left out.
        first = -(-shift * 8 // 6)
        last = len(data) * 8 // 6
        for kind, name in ((coded, "base64"), (coded.translate(bytes.maketrans(b"+/", b"-_")), "base64 for URLs")):
            yield f"{name}, {shift} before", kind[first:last]


def _percent(secret: str) -> Iterator[tuple[str, str]]:
    once = quote(secret, safe="", errors="surrogatepass")
    lower = re.sub("%..", lambda found: found[0].lower(), once)
    yield "percent", once
    yield "percent, lower case", lower
    yield "percent but slashes", quote(secret, errors="surrogatepass")
    yield "percent with plus", quote_plus(secret, errors="surrogatepass")
    yield "percent twice", quote(once, safe="")
    yield "percent throughout", "".join(f"%{byte:02X}" for byte in secret.encode("utf-8", "surrogatepass"))


def _escapes(secret: str) -> Iterator[tuple[str, str]]:
    inner = json.dumps(secret)[1:-1]
    yield "JSON", inner
    yield "JSON, not ASCII", json.dumps(secret, ensure_ascii=False)[1:-1]
    yield "JSON with slashes", inner.replace("/", "\\/")
    yield "JSON in JSON", json.dumps(inner)[1:-1]
    yield "JSON throughout", "".join(f"\\u{ord(letter):04x}" for letter in secret)
    yield "repr", repr(secret)[1:-1]
    yield "shell", secret.replace("'", "'\"'\"'")
    yield "HTML", html.escape(secret)
    yield "HTML by number", "".join(f"&#{ord(letter)};" for letter in secret)


def forms(secret: str) -> dict[bytes, str]:
    """The spellings of a secret that are searched, and what each is called."""
    data = secret.encode("utf-8", "surrogatepass")
    found = {data: "as typed"}
    for name, text in (*_percent(secret), *_escapes(secret)):
        found.setdefault(text.encode("utf-8", "surrogatepass"), name)
    for name, coded in _base64(secret):
        if len(coded) >= SHORTEST:
            found.setdefault(coded, name)
    found.setdefault(data.hex().encode(), "hex")
    found.setdefault(data.hex().upper().encode(), "hex, upper case")
    for name in ("utf-16-le", "utf-16-be"):
        found.setdefault(secret.encode(name, "surrogatepass"), name)
    return found


def _decoded(found: re.Match[bytes]) -> bytes:
    kind, value = found.lastgroup, found[found.lastgroup or 0]
    if kind in ("percent", "hex"):
        return bytes([int(value, 16)])
    if kind == "escaped":
        return value
    if kind == "named":
        return _NAMED[value]
    number = int(value, 10 if kind == "decimal" else 16)
    return chr(number).encode("utf-8", "surrogatepass") if number < 0x110000 else found[0]


class Scanner:
    """Searches for secrets, and counts what it searched and what it found."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self.secrets = sorted({secret for secret in secrets if len(secret) >= SHORTEST})
        told = [(form, name, secret) for secret in self.secrets for form, name in forms(secret).items()]
        self._told = [(name, secret) for _form, name, secret in told]
        self._forms = ahocorasick_rs.BytesAhoCorasick([form for form, _name, _secret in told])
        typed = [secret.encode("utf-8", "surrogatepass") for secret in self.secrets]
        self._typed = ahocorasick_rs.BytesAhoCorasick(typed)
        self.hits: list[Hit] = []
        self.files = self.arguments = self.bytes = 0

    def text(self, place: str, text: str | bytes) -> list[Hit]:
        """The hits in a text, which are kept too."""
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        self.bytes += len(data)
        found = list(self._as_it_is(place, data)) if self.secrets else []
        found += self._after_decoding(place, data) if self.secrets and not found else []
        self.hits += found
        return found

    def file(self, path: pathlib.Path, place: str = "") -> list[Hit]:
        """The hits in a file, its name included."""
        self.files += 1
        return self.text(place or str(path), str(path).encode("utf-8", "surrogateescape") + b"\n" + path.read_bytes())

    def folder(self, folder: pathlib.Path, skipped: Callable[[pathlib.Path], bool] = lambda path: False) -> list[Hit]:
        """The hits in all files below a folder but those that are `skipped`."""
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink()]
        return [hit for path in paths if not skipped(path) for hit in self.file(path, str(path.relative_to(folder)))]

    def command_line(self, arguments: bytes) -> list[Hit]:
        """The hits in the arguments of a process, as /proc tells them."""
        self.arguments += 1
        return self.text("arguments of a process", arguments)

    def summary(self) -> str:
        """What was searched and found, in a line."""
        return (
            f"secret scan: {len(self.secrets)} secrets in {len(self._told)} forms, {self.files} files, "
            f"{self.bytes / 2**20:.1f} MiB, {self.arguments} process argument lists, {len(self.hits)} hits"
        )

    def _as_it_is(self, place: str, data: bytes) -> Iterator[Hit]:
        for number, start, _end in self._forms.find_matches_as_indexes(data):
            form, secret = self._told[number]
            yield _hit(place, form, secret, data, start)

    def _after_decoding(self, place: str, data: bytes) -> Iterator[Hit]:
        """In what is left when every escape was undone; a plus may stand for a blank, a line may be broken."""
        for number in range(1, _ROUNDS + 1):
            before, data = data, _ENCODED.sub(_decoded, data)
            if data == before and number > 1:
                return
            views = (data, data.replace(b"+", b" "), re.sub(rb"\\[nr]|[\r\n]", b"", data))
            for view in dict.fromkeys(views):
                found = self._typed.find_matches_as_indexes(view)
                yield from (_hit(place, f"decoded {number} times", self.secrets[n], view, at) for n, at, _end in found)
                if found:
                    return


def _hit(place: str, form: str, secret: str, data: bytes, start: int) -> Hit:
    before = data[max(start - _BEFORE, 0) : start].decode("utf-8", "replace")
    return Hit(place, form, f"{secret[:3]}… of {len(secret)} characters", before)

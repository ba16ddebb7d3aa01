# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scanner finds a secret in every encoding in which one is planted, and nothing where none is."""

from __future__ import annotations

import base64
import html
import json
import pathlib
import random
import sys
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from secret_scanner import SHORTEST, Scanner, forms

SECRET = "pä$$ \"w/o+r=d%&'<"


def lower_percent(text):
    coded = quote(text, safe="")
    return "".join(
        letter.lower() if coded[max(at - 2, 0) : at].count("%") else letter for at, letter in enumerate(coded)
    )


PLANTED = {
    "as typed": SECRET,
    "percent": quote(SECRET, safe=""),
    "percent, lower case": lower_percent(SECRET),
    "percent with plus": quote_plus(SECRET),
    "percent, slashes kept": quote(SECRET, safe="/"),
    "percent, some of it": SECRET.replace('"', "%22").replace("$", "%24", 1),
    "percent, letters too": "".join(f"%{byte:02x}" for byte in SECRET.encode()),
    "percent twice": quote(quote(SECRET, safe=""), safe=""),
    "percent three times": quote(quote(quote(SECRET, safe=""), safe=""), safe=""),
    "query": urlencode({"SourcePassword": SECRET}),
    "JSON": json.dumps({"password": SECRET}),
    "JSON, not ASCII": json.dumps({"password": SECRET}, ensure_ascii=False),
    "JSON with slashes": json.dumps(SECRET).replace("/", "\\/"),
    "JSON, upper case": "".join(f"\\u{ord(letter):04X}" for letter in SECRET),
    "JSON in JSON in JSON": json.dumps(json.dumps(json.dumps(SECRET))),
    "query in JSON": json.dumps({"url": "https://host/?" + urlencode({"Password": SECRET})}),
    "HTML": html.escape(SECRET),
    "HTML, quotes kept": html.escape(SECRET, quote=False),
    "HTML by number": "".join(f"&#{ord(letter)};" for letter in SECRET),
    "HTML by hexadecimal number": "".join(f"&#x{ord(letter):X};" for letter in SECRET),
    "repr": repr(SECRET),
    "repr of bytes": repr(SECRET.encode()),
    "repr in a traceback": repr({"argument": SECRET}),
    "a broken line": SECRET[:7] + "\n" + SECRET[7:],
    "hex": SECRET.encode().hex(),
    "hex, upper case": SECRET.encode().hex().upper(),
    **{
        f"Base64 after {shift} bytes": base64.b64encode(b"x" * shift + SECRET.encode() + b" and more").decode()
        for shift in range(4)
    },
    **{
        f"Base64 for URLs after {shift} bytes": base64.urlsafe_b64encode(b"\xff" * shift + SECRET.encode()).decode()
        for shift in range(3)
    },
    "Base64 in broken lines": base64.encodebytes(b"y" * 40 + SECRET.encode() * 2 + b"z" * 80).decode(),
}


@pytest.mark.parametrize("form", PLANTED)
def test_every_form_is_found_when_it_is_planted(form):
    scanner = Scanner([SECRET, "another secret"])
    hits = scanner.text("somewhere", f"before it {PLANTED[form]} and after it")
    assert hits
    assert {hit.secret[:3] for hit in hits} == {SECRET[:3]}
    assert not [hit for hit in hits if SECRET in str(hit)]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16"])
def test_wide_characters(encoding):
    assert Scanner([SECRET]).text("somewhere", f"before {SECRET} after".encode(encoding))


def test_nothing_is_found_where_nothing_is():
    scanner = Scanner([SECRET, "emulatorSecretOfAccountOne0001"])
    noise = random.Random(7)
    text = "".join(chr(noise.randrange(32, 0x250)) for _number in range(200_000)) + "emulatorSecretOfAccount"
    assert scanner.text("noise", text) == []
    assert scanner.text("bytes", noise.randbytes(200_000)) == []


def test_what_was_searched_is_counted(tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "log.txt").write_text(f"told {SECRET}")
    (tmp_path / "inventory.yml").write_text(SECRET)
    (tmp_path / f"{quote(SECRET, safe='')}.txt").write_text("")
    scanner = Scanner([SECRET, "", "short"])
    hits = scanner.folder(tmp_path, lambda path: path.name == "inventory.yml")
    scanner.command_line(f"psql\0--password={SECRET}\0".encode())
    assert {hit.place for hit in hits} == {"below/log.txt", f"{quote(SECRET, safe='')}.txt"}
    number = len(forms(SECRET))
    assert scanner.summary().startswith(f"secret scan: 1 secrets in {number} forms, 2 files, 0.0 MiB, 1 process")
    assert len({hit.place for hit in scanner.hits}) == 3


@settings(max_examples=150, derandomize=True)
@given(st.text(st.characters(codec="utf-8"), min_size=SHORTEST, max_size=40), st.data())
def test_any_mixture_of_percent_encoding_is_found(secret, data):
    coded = "".join(
        "".join(f"%{byte:02X}" for byte in letter.encode()) if data.draw(st.booleans()) else quote(letter, safe="&=+/ ")
        for letter in secret
    )
    assert Scanner([secret]).text("somewhere", f"https://host/?x=%20{coded}&y")

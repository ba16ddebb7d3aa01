# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret in anything that a module tells, whatever the service answers: results, logs, records, reports."""

from __future__ import annotations

import base64
import html
import json
import logging
import pathlib
import sys
import traceback
from urllib.parse import quote, quote_plus

import pytest
import requests
from ansible_collections.apsaradb.migration.plugins.plugin_utils import _record_file as record_file
from ansible_collections.apsaradb.migration.plugins.plugin_utils import _report_page
from ansible_collections.apsaradb.migration.plugins.plugin_utils._report_data import File, report_of
from ansible_collections.apsaradb.migration.tests.unit.cloud_stage import PASSWORD
from ansible_collections.apsaradb.migration.tests.unit.dts_stage import OTHER_PASSWORD
from ansible_collections.apsaradb.migration.tests.unit.stage import CREDENTIALS

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from hostile_stage import SCENES, adapters, run_module
from secret_scanner import Scanner

TOKEN, PROXY = "security+Token/of&the=caller%0001", "proxyPassword/0001+x"
KEY_SECRETS = ["emulatorSecretOfAccountOne0001", "emulatorSecretOfAccountTwo0002"]
SECRETS = [PASSWORD, OTHER_PASSWORD, TOKEN, PROXY, *KEY_SECRETS]
# How a service, or a proxy on the way, quotes what it was sent.
QUOTED = {
    "as it is": str,
    "percent": lambda text: quote(text, safe=""),
    "percent, lower case": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "percent but slashes": quote,
    "percent with plus": quote_plus,
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "JSON": json.dumps,
    "JSON with slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "HTML": html.escape,
    "repr": repr,
    "Base64": lambda text: base64.b64encode(text.encode()).decode(),
    "Base64 for URLs, of more": lambda text: base64.urlsafe_b64encode(b"x" + text.encode()).decode(),
    "string to sign": lambda text: "server string to sign is: POST&%2F&" + quote(quote(text, safe=""), safe=""),
}


def echo(way, status):
    """Answers with every secret, quoted in a way, whatever was asked."""
    told = f"refused, because {' and '.join(map(QUOTED[way], SECRETS))} is wrong"

    def change(_number, request, _status, headers, _body):
        if "127.0.0.1:2" in (request.url or ""):
            body = f"<Error><Code>Odd</Code><Message>{html.escape(told)}</Message><RequestId>1</RequestId></Error>"
            return status, {**headers, "x-oss-request-id": "1"}, body.encode()
        document = {"Code": "SignatureDoesNotMatch" if status == 400 else "Odd", "Message": told, "RequestId": "1"}
        return status, headers, json.dumps(document).encode()

    return change


def everything_told(name, told, caplog, capsys):
    """A result and what becomes of it: as JSON, as Python shows it, in a record and in a report."""
    moment = record_file.Moment("a_role", "assess", "1-1")
    entry = record_file.entry({"module": name, **told}, moment) or record_file.failure_entry(told, moment)
    document = record_file.document("host", "a_role", record_file.RUN, {}, [entry], "2.19.14")
    content = json.dumps(document, default=str).encode()
    report = report_of([File("host/run.json", content)], title="Report", created="2026-02-01T06:00:00Z")
    out = capsys.readouterr()
    page = _report_page.page_of(report)
    return [json.dumps(told, default=str), repr(told), content, page, repr(report), caplog.text, out.out, out.err]


def assert_no_secret(name, texts, secrets=SECRETS):
    scanner = Scanner(secrets)
    for number, text in enumerate(texts):
        scanner.text(f"{name}, text {number}", text)
    assert [str(hit) for hit in scanner.hits] == []
    return scanner.bytes


@pytest.mark.parametrize("way", QUOTED)
def test_what_the_service_echoes(way, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    for name in SCENES:
        for status in (400, 503):
            stage, wish = SCENES[name]()
            for adapter in adapters(stage):
                adapter.change = echo(way, status)
            told = run_module(stage, name, **wish)
            # What a module was never given cannot be known to it; the others are.
            given = json.dumps({**CREDENTIALS, **wish})
            known = [secret for secret in SECRETS if json.dumps(secret)[1:-1] in given]
            assert_no_secret(f"{name} {way}", everything_told(name, told, caplog, capsys), known)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("name", SCENES)
def test_what_a_module_tells_of_its_work(name, check, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    stage, wish = SCENES[name]()
    told = run_module(stage, name, check=check, **{**wish, "proxy": f"http://somebody:{PROXY}@proxy.example:8080"})
    assert assert_no_secret(name, everything_told(name, told, caplog, capsys))


class Broken(requests.adapters.BaseAdapter):
    """Fails as libraries do: with the URL, the proxy and the headers in the text."""

    def send(self, request, **how):
        raise self.kind(f"{request.method} {request.url} {dict(request.headers)} {how} {PROXY}", request=request)

    def close(self):
        """Nothing to close."""


@pytest.mark.parametrize("kind", ["ConnectionError", "SSLError", "ProxyError", "InvalidURL", "ReadTimeout"])
@pytest.mark.parametrize("name", SCENES)
def test_what_libraries_quote(name, kind, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    stage, wish = SCENES[name]()
    broken = Broken()
    broken.kind = getattr(requests.exceptions, kind)
    for prefix in list(stage.session.adapters):
        stage.session.adapters[prefix] = broken
    try:
        told = run_module(stage, name, **wish)
    except Exception as error:  # a traceback is a hit of its own, and would show what it holds
        pytest.fail("".join(traceback.format_exception(error))[-3000:])
    assert told["failed"]
    assert_no_secret(name, everything_told(name, told, caplog, capsys))

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret in anything that a module tells, whatever it is answered: results, logs, events, records, reports."""

from __future__ import annotations

import base64
import contextlib
import functools
import html
import json
import logging
import pathlib
import re
import sys
import traceback
from urllib.parse import quote, quote_plus

import pytest
import requests
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.oss_access import oss_client
from ansible_collections.apsaradb.migration.plugins.module_utils._failure import MigrationFailure
from ansible_collections.apsaradb.migration.plugins.plugin_utils import _record_file as record_file
from ansible_collections.apsaradb.migration.plugins.plugin_utils import _report_page
from ansible_collections.apsaradb.migration.plugins.plugin_utils._report_data import File, report_of
from ansible_collections.apsaradb.migration.tests.unit import sqlserver_stage
from ansible_collections.apsaradb.migration.tests.unit.backup_stage import BUCKET, ENDPOINTS, BackupStage
from ansible_collections.apsaradb.migration.tests.unit.cloud_stage import PASSWORD
from ansible_collections.apsaradb.migration.tests.unit.dts_stage import OTHER_PASSWORD
from ansible_collections.apsaradb.migration.tests.unit.progress_ear import draining, ear
from ansible_collections.apsaradb.migration.tests.unit.stage import CREDENTIALS

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from hostile_stage import SCENES, adapters, places, replaced, run_local_module, run_module
from secret_scanner import Scanner

__all__ = ["draining", "ear"]

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


# Where services tell in words how it went.
WORDY = re.compile("(?i)message|msg|detail|repair|reason")


def quoted(way, secrets=tuple(SECRETS)):
    return f"refused, because {' and '.join(map(QUOTED[way], secrets))} is wrong"


def echo(way, status):
    """Answers with every secret, quoted in a way, whatever was asked."""
    told = quoted(way)

    def change(_number, request, _status, headers, _body):
        if "127.0.0.1:2" in (request.url or ""):
            body = f"<Error><Code>Odd</Code><Message>{html.escape(told)}</Message><RequestId>1</RequestId></Error>"
            return status, {**headers, "x-oss-request-id": "1"}, body.encode()
        document = {"Code": "SignatureDoesNotMatch" if status == 400 else "Odd", "Message": told, "RequestId": "1"}
        return status, headers, json.dumps(document).encode()

    return change


def remark(way):
    """Lets every answer succeed, and adds every secret to what is told in words."""

    def change(_number, _request, status, headers, body):
        with contextlib.suppress(ValueError):
            document = json.loads(body)
            for path in list(places(document)):
                value = functools.reduce(lambda inner, key: inner[key], path, document)
                if path and isinstance(value, str) and WORDY.search(str(path[-1])):
                    document = replaced(document, path, f"{value} {quoted(way)}")
            body = json.dumps(document).encode()
        return status, headers, body

    return change


def everything_told(results, caplog, capsys):
    """Results, by module, and what becomes of them: as JSON, as Python shows them, in a record and in a report."""
    moment = record_file.Moment("a_role", "assess", "1-1")
    entries = [
        record_file.entry({"module": name, **told}, moment) or record_file.failure_entry(told, moment)
        for name, told in results
    ]
    document = record_file.document("host", "a_role", record_file.RUN, {}, entries, "2.19.14")
    content = json.dumps(document, default=str).encode()
    report = report_of([File("host/run.json", content)], title="Report", created="2026-02-01T06:00:00Z")
    out = capsys.readouterr()
    page = _report_page.page_of(report)
    return [json.dumps(results, default=str), repr(results), content, page, repr(report), caplog.text, out.out, out.err]


def assert_no_secret(texts, secrets=tuple(SECRETS)):
    scanner = Scanner(secrets)
    for number, text in enumerate(texts):
        scanner.text(f"text {number}", text)
    assert [str(hit) for hit in scanner.hits] == []
    return scanner.bytes


def known(wish):
    """What a module was never given cannot be known to it; the others are."""
    given = json.dumps({**CREDENTIALS, **wish})
    return [secret for secret in SECRETS if json.dumps(secret)[1:-1] in given]


@pytest.mark.parametrize("way", QUOTED)
def test_what_the_service_echoes(way, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    for name in SCENES:
        stage, wish = SCENES[name]()
        for adapter in adapters(stage):
            adapter.change = echo(way, 400)
        told = run_module(stage, name, **wish)
        assert_no_secret(everything_told([(name, told)], caplog, capsys), known(wish))


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("way", QUOTED)
def test_what_a_success_quotes(way, check, caplog, capsys):
    """Reports and prechecks of services that were given passwords to log in elsewhere."""
    caplog.set_level(logging.DEBUG)
    for name in ("rds_cloud_migration", "dts_migration"):
        stage, wish = SCENES[name]()
        for adapter in adapters(stage):
            adapter.change = remark(way)
        told = run_module(stage, name, check=check, **wish)
        passwords = [secret for secret in known(wish) if secret in (PASSWORD, OTHER_PASSWORD)]
        assert passwords
        assert_no_secret(everything_told([(name, told)], caplog, capsys), passwords)


@pytest.mark.parametrize("name", SCENES)
def test_what_a_server_in_trouble_echoes(name, caplog, capsys):
    """Such answers are asked for again, and waits go on without them."""
    caplog.set_level(logging.DEBUG)
    stage, wish = SCENES[name]()
    for adapter in adapters(stage):
        adapter.change = echo("percent", 503)
    told = run_module(stage, name, **wish)
    assert_no_secret(everything_told([(name, told)], caplog, capsys), known(wish))


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("name", SCENES)
def test_what_a_module_tells_of_its_work(name, check, caplog, capsys, draining):
    caplog.set_level(logging.DEBUG)
    stage, wish = SCENES[name]()
    told = run_module(stage, name, check=check, **{**wish, "proxy": f"http://somebody:{PROXY}@proxy.example:8080"})
    texts = everything_told([(name, told)], caplog, capsys)
    assert assert_no_secret([*texts, draining.raw])
    assert draining.all or check or name != "rds_import_between_instances"


@pytest.mark.parametrize("way", QUOTED)
def test_what_an_exception_says(way):
    """What is raised may be shown by whoever catches it: text, fields, and what stood behind it."""
    stage = BackupStage()
    for adapter in adapters(stage):
        adapter.change = echo(way, 400)
    services = stage.services(**ENDPOINTS, security_token=TOKEN)
    for ask in (
        lambda: services.rds.call("DescribeDBInstanceAttribute", {"DBInstanceId": "rm-1"}),
        lambda: list(oss_client(services).objects(BUCKET)),
    ):
        with pytest.raises(MigrationFailure) as raised:
            ask()
        told = [*traceback.format_exception(raised.value), repr(raised.value), repr(vars(raised.value))]
        assert_no_secret(told, [CREDENTIALS["access_key_secret"], TOKEN])


class Broken(requests.adapters.BaseAdapter):
    """Fails as libraries do: with the URL, the proxy and the headers in the text."""

    def send(self, request, **how):
        raise self.kind(f"{request.method} {request.url} {dict(request.headers)} {how} {PROXY}", request=request)

    def close(self):
        """Nothing to close."""


@pytest.mark.parametrize("kind", ["ConnectionError", "SSLError", "ProxyError", "InvalidURL", "ReadTimeout"])
def test_what_libraries_quote(kind, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    results = []
    for name in SCENES:
        stage, wish = SCENES[name]()
        broken = Broken()
        broken.kind = getattr(requests.exceptions, kind)
        for prefix in list(stage.session.adapters):
            stage.session.adapters[prefix] = broken
        results.append((name, run_module(stage, name, **wish)))
        assert results[-1][1]["failed"]
    assert_no_secret(everything_told(results, caplog, capsys))


SERVER = {"host": "127.0.0.1", "user": "migration", "password": TOKEN}
OTHER_SERVER = {**SERVER, "password": OTHER_PASSWORD}
# Of every module that asks a server of databases: what it is given.
LOCAL = {
    "postgresql_compare": {"source": SERVER, "target": OTHER_SERVER},
    "postgresql_source": {**SERVER, "state": "prepared", "account": "migrator", "account_password": OTHER_PASSWORD},
    "mysql_compare": {"source": SERVER, "target": OTHER_SERVER},
    "mssql_backup": {**SERVER, "folder": "D:\\backups"},
}


@pytest.fixture
def refusing_servers(monkeypatch):
    """A function that lets every driver fail with a text."""
    import psycopg
    import pymysql

    driver = sqlserver_stage.driver
    monkeypatch.setitem(sys.modules, "pymssql", driver)

    def refuse(text):
        def fails(error):
            def connect(*_what, **_how):
                raise error

            return connect

        monkeypatch.setattr(psycopg, "connect", fails(psycopg.OperationalError(text)))
        monkeypatch.setattr(pymysql.connections.Connection, "connect", fails(pymysql.OperationalError(2003, text)))
        monkeypatch.setattr(driver, "connect", fails(driver.OperationalError((20009, text.encode()))))

    return refuse


@pytest.mark.parametrize("way", QUOTED)
def test_what_servers_of_databases_echo(way, refusing_servers, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    results, given = [], [TOKEN, OTHER_PASSWORD]
    refusing_servers(quoted(way, given))
    for name, options in LOCAL.items():
        told = run_local_module(name, **options)
        assert told["failed"]
        assert "refused, because" in told["msg"]
        # The SQL Server's login is the only secret of its module.
        assert_no_secret([json.dumps(told, default=str)], given if name != "mssql_backup" else [TOKEN])
        results.append((name, told))
    assert_no_secret(everything_told(results[:-1], caplog, capsys), given)

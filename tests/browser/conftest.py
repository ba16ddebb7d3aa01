# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reports in a real browser: the machine's Chromium, or the distribution's."""

from __future__ import annotations

import functools
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "utils"))
import screenshot  # noqa: E402
from ansible_collections.apsaradb.migration.plugins.plugin_utils._report_page import page_of  # noqa: E402
from ansible_collections.apsaradb.migration.tests.browser.samples import reports  # noqa: E402
from ansible_collections.apsaradb.migration.tests.unit import report_stage as stage  # noqa: E402

DESKTOP = {"width": 1280, "height": 900}


def pytest_collection_modifyitems(items):
    if screenshot.chromium() is None:
        for item in items:
            item.add_marker(pytest.mark.skip(reason="Chromium is missing"))


@pytest.fixture(scope="session")
def files(tmp_path_factory):
    """files("failed") → the path of that report, which is made when it is first asked for."""
    folder, documents = tmp_path_factory.mktemp("reports"), reports()

    @functools.cache
    def path_of(name):
        path = folder / f"{name}.html"
        title = stage.HOSTILE[0] + stage.OVERRIDE if name == "hostile" else f"Report: {name}"
        path.write_text(page_of(stage.report(*documents[name], title=title)), encoding="utf-8")
        return path

    return path_of


@pytest.fixture(scope="session")
def chromium():
    with screenshot.browser() as running:
        yield running


@pytest.fixture
def visit(chromium, files):
    """visit("failed", scheme="dark", …) → the page.

    What the browser complains about, or asks others for, fails the test.
    """
    contexts, complaints = [], []

    def visit(name, *, scheme="light", viewport=None, **options):
        context = chromium.new_context(viewport=viewport or DESKTOP, color_scheme=scheme, **options)
        contexts.append(context)
        page = context.new_page()
        address = files(name).as_uri()
        page.on("console", lambda message: complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: request.url == address or complaints.append(f"request: {request.url}"))
        page.goto(address)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []

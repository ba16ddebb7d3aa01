# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets disappear from texts in every form the service may echo them in."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from ansible_collections.apsaradb.migration.plugins.module_utils._alibaba.redaction import redact
from hypothesis import given
from hypothesis import strategies as st

SECRET = 'pä$$ "w/o+r=d%&'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        quote(quote(SECRET, safe=""), safe=""),
        json.dumps(SECRET)[1:-1],
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_every_form_of_a_known_secret(form):
    assert form not in redact(f"before {form} after", [SECRET])


def test_string_to_sign_is_cut():
    text = "The request signature does not conform. server string to sign is:POST&%2F&SourcePassword%3Dhunter2"
    assert "hunter2" not in redact(text)
    assert redact(text).startswith("The request signature does not conform.")


@pytest.mark.parametrize(
    "text",
    [
        "https://rds/?SourcePassword=hunter2&x=1",
        "SourceEndpointPassword%3Dhunter2%26x",
        '{"Password": "hunter2"}',
        "https://someone:hunter2@proxy:8080",
        "SecurityToken=hunter2",
    ],
)
def test_parameters_that_hold_secrets(text):
    assert "hunter2" not in redact(text)


def test_innocent_text_stays():
    text = "The instance rm-1 is not Running; use CreateMigrateTask."
    assert redact(text, ["", "a"]) == text


@given(st.text(min_size=4, max_size=40), st.text(max_size=60), st.text(max_size=60))
def test_a_secret_never_survives(secret, before, after):
    mask = "********"
    told = redact(f"{before}{secret}{after}", [secret])
    assert secret not in told.replace(mask, "") or secret in mask

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures made by the vendor's SDKs are accepted; anything changed in them is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from apsara_emulator import VARIANTS, ApiError, HttpRequest, ManualClock, Variants, World
from apsara_emulator.signatures import Identity, Verifier, v1_claim, v1_signature, v3_claim, v3_signature

from .vectors import BEARER, DOCUMENT, V1, V3

SIGNED = {**{f"V3 {name}": one for name, one in V3.items()}, **{f"V1 {name}": one for name, one in V1.items()}}


def identify(
    request: HttpRequest, *, variants: Variants | None = None, later: float = 0.0, skew: float = 0.0
) -> Identity:
    clock = ManualClock()
    world = World(DOCUMENT, clock, variants=variants)
    clock.advance(later)
    return Verifier(clock).identify(request, world.state.accounts, world.variants, skew)


def refusal(request: HttpRequest, *, variants: Variants | None = None, later: float = 0.0) -> ApiError:
    with pytest.raises(ApiError) as caught:
        identify(request, variants=variants, later=later)
    return caught.value


@pytest.mark.parametrize("name", SIGNED)
def test_a_signature_of_the_sdk_is_accepted(name: str) -> None:
    token = "token" in name
    guise = "role/migration/session" if token else "account"
    key = "STS.testAccessKeyId" if token else "testAccessKeyId"
    assert identify(SIGNED[name]) == Identity("1000000000000001", key, guise)


@pytest.mark.parametrize("name", V3)
def test_v3_strings_to_sign_are_the_sdk_s(name: str) -> None:
    expected = {
        "long-term key": "25880ae7c9c2702690f8f3d9f810fcc7621540a1b96a6002793cd2bd31d61fda",
        "odd characters": "6846897d26f948112eae397c27cc798e25a8b82ed5ff7f410e97b15614be977f",
        "security token": "88c3a3e3201d4abcf7d3a8378a407a650496f6e0eb0d4b2fa997c076a7795c3e",
        "form body": "81147bf01258839ae0dbdab022fd1578a5d173d3030de24f0b80a28115fdca7f",
    }
    claim = v3_claim(V3[name])
    assert claim.string_to_sign == f"ACS3-HMAC-SHA256\n{expected[name]}"
    assert v3_signature("testAccessKeySecret", claim.string_to_sign) == claim.signature


def test_v1_string_to_sign_is_the_sdk_s() -> None:
    claim = v1_claim(V1["long-term key"])
    assert claim.string_to_sign == (
        "POST&%2F&AccessKeyId%3DtestAccessKeyId%26Action%3DDescribeMigrateTasks%26DBInstanceId%3Drm-uf6wjk5xxxxxxx"
        "%26EndTime%3D2026-01-02T00%253A00Z%26Format%3Djson%26PageNumber%3D1%26PageSize%3D30"
        "%26SignatureMethod%3DHMAC-SHA1%26SignatureNonce%3D00112233445566778899aabbccddeeff%26SignatureVersion%3D1.0"
        "%26StartTime%3D2026-01-01T00%253A00Z%26Timestamp%3D2026-01-02T03%253A04%253A05Z%26Version%3D2014-08-15"
    )
    assert v1_signature("testAccessKeySecret", claim.string_to_sign) == "18sgaEwsxa5gyY7YpRCYX4Ae0Lg="


@pytest.mark.parametrize("name", ["V3 odd characters", "V1 odd characters"])
def test_a_space_in_the_url_may_be_a_plus_or_percent_20(name: str) -> None:
    request = SIGNED[name]
    assert "+" in request.target
    assert identify(replace(request, target=request.target.replace("+", "%20"))).account_id


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("part", ["method", "value", "extra", "body"])
def test_a_changed_request_is_refused(name: str, part: str) -> None:
    request = SIGNED[name]
    form = {**request.headers, "content-type": "application/x-www-form-urlencoded"}
    changed = {
        "method": replace(request, method="GET"),
        "value": replace(
            request, target=request.target.replace("dtsabc123", "dtsabc124").replace("uf6wjk5", "uf6wjk6")
        ),
        "extra": replace(request, target=request.target + "&Additional=1"),
        "body": replace(request, headers=form, body=request.body + b"&Additional=1"),
    }[part]
    assert refusal(changed).code in {"SignatureDoesNotMatch", "InvalidParameter"}


@pytest.mark.parametrize("name", V3)
def test_every_signed_header_counts(name: str) -> None:
    request = V3[name]
    for header in request.headers:
        if header != "authorization":
            changed = {**request.headers, header: request.headers[header] + "x"}
            assert refusal(replace(request, headers=changed)).code
            assert refusal(replace(request, headers={k: v for k, v in changed.items() if k != header})).code


@pytest.mark.parametrize("header", ["host", "x-acs-action", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"])
def test_v3_headers_that_have_to_be_signed(header: str) -> None:
    request = V3["long-term key"]
    shortened = request.headers["authorization"].replace(f"{header};", "").replace(f";{header},", ",")
    assert shortened != request.headers["authorization"]
    changed = replace(request, headers={**request.headers, "authorization": shortened})
    assert refusal(changed).code == "IncompleteSignature"


def test_v3_signed_headers_are_sorted() -> None:
    request = V3["long-term key"]
    turned = request.headers["authorization"].replace("accept;host;", "host;accept;")
    assert turned != request.headers["authorization"]
    assert refusal(replace(request, headers={**request.headers, "authorization": turned})).code == "IncompleteSignature"


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("later", [-901.0, 901.0])
@pytest.mark.parametrize("code", VARIANTS["stale_time_stamp"].values)
def test_an_old_or_future_time_stamp_is_refused(name: str, later: float, code: str) -> None:
    error = refusal(SIGNED[name], later=later, variants=Variants({"stale_time_stamp": code}))
    assert f"{error.code} {error.http_status}" == code


@pytest.mark.parametrize("name", SIGNED)
def test_a_quarter_of_an_hour_is_tolerated(name: str) -> None:
    assert identify(SIGNED[name], later=899).account_id
    assert identify(SIGNED[name], skew=-899).account_id


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("code", VARIANTS["reused_nonce"].values)
def test_a_nonce_serves_once(name: str, code: str) -> None:
    clock = ManualClock()
    world = World(DOCUMENT, clock, variants=Variants({"reused_nonce": code}))
    verifier = Verifier(clock)
    verifier.identify(SIGNED[name], world.state.accounts, world.variants)
    with pytest.raises(ApiError) as caught:
        verifier.identify(SIGNED[name], world.state.accounts, world.variants)
    assert f"{caught.value.code} {caught.value.http_status}" == code
    verifier.forget()
    assert verifier.identify(SIGNED[name], world.state.accounts, world.variants).account_id


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("code", VARIANTS["wrong_secret"].values)
def test_a_wrong_secret_is_refused_with_the_string_to_sign(name: str, code: str) -> None:
    document = {"accounts": [{**DOCUMENT["accounts"][0]}]}
    for kind in ("access_keys", "security_tokens"):
        keys = [{**key, "access_key_secret": "another"} for key in document["accounts"][0][kind]]
        document["accounts"][0][kind] = keys
    clock = ManualClock()
    world = World(document, clock, variants=Variants({"wrong_secret": code}))
    with pytest.raises(ApiError) as caught:
        Verifier(clock).identify(SIGNED[name], world.state.accounts, world.variants)
    assert f"{caught.value.code} {caught.value.http_status}" == code
    claim = v3_claim(SIGNED[name]) if name in {f"V3 {one}" for one in V3} else v1_claim(SIGNED[name])
    assert caught.value.message.split(":", 1)[1] == claim.string_to_sign


@pytest.mark.parametrize("code", VARIANTS["unknown_key"].values)
def test_an_unknown_key_is_refused(code: str) -> None:
    request = V1["long-term key"]
    changed = replace(request, target=request.target.replace("testAccessKeyId", "nobodysKey"))
    error = refusal(changed, variants=Variants({"unknown_key": code}))
    assert f"{error.code} {error.http_status}" == code


@pytest.mark.parametrize("code", VARIANTS["expired_security_token"].values)
def test_an_expired_security_token_is_refused(code: str) -> None:
    document = {"accounts": [dict(DOCUMENT["accounts"][0])]}
    token = {**document["accounts"][0]["security_tokens"][0], "expires": "2026-01-02T03:04:00Z"}
    document["accounts"][0]["security_tokens"] = [token]
    clock = ManualClock()
    world = World(document, clock, variants=Variants({"expired_security_token": code}))
    with pytest.raises(ApiError) as caught:
        Verifier(clock).identify(V3["security token"], world.state.accounts, world.variants)
    assert f"{caught.value.code} {caught.value.http_status}" == code


@pytest.mark.parametrize("code", VARIANTS["wrong_security_token"].values)
def test_a_security_token_of_another_key_is_refused(code: str) -> None:
    document = {"accounts": [dict(DOCUMENT["accounts"][0])]}
    token = {**document["accounts"][0]["security_tokens"][0], "security_token": "another"}
    document["accounts"][0]["security_tokens"] = [token]
    clock = ManualClock()
    world = World(document, clock, variants=Variants({"wrong_security_token": code}))
    for request in (V3["security token"], V1["security token"]):
        with pytest.raises(ApiError) as caught:
            Verifier(clock).identify(request, world.state.accounts, world.variants)
        assert f"{caught.value.code} {caught.value.http_status}" == code


@pytest.mark.parametrize("name", BEARER)
@pytest.mark.parametrize("forms", VARIANTS["bearer_forms"].values)
def test_bearer_forms(name: str, forms: str) -> None:
    form = "authorization" if name == "header of the how-to" else "header"
    variants = Variants({"bearer_forms": forms})
    if forms in ("all", form):
        assert identify(BEARER[name], variants=variants).account_id == "1000000000000001"
    else:
        assert refusal(BEARER[name], variants=variants).code == "InvalidBearerToken"


@pytest.mark.parametrize("name", BEARER)
@pytest.mark.parametrize("code", VARIANTS["refused_bearer"].values)
def test_an_unknown_bearer_token_is_refused(name: str, code: str) -> None:
    request = BEARER[name]
    headers = {key: value.replace("testBearerToken", "nobodys") for key, value in request.headers.items()}
    changed = replace(request, headers=headers, target=request.target.replace("testBearerToken", "nobodys"))
    error = refusal(changed, variants=Variants({"refused_bearer": code}))
    assert f"{error.code} {error.http_status}" == code


def test_a_request_without_proof_is_refused() -> None:
    error = refusal(HttpRequest("GET", "/?Action=DescribeRegions&Version=2014-08-15", {"host": "rds"}))
    assert (error.code, error.http_status) == ("MissingParameter", 400)


@pytest.mark.parametrize(
    "authorization",
    ["ACS3-HMAC-SHA256", "ACS3-HMAC-SHA256 Credential=a", "ACS3-HMAC-SHA256 Credential=a,SignedHeaders=b,Signature="],
)
def test_a_broken_authorization_header_is_refused(authorization: str) -> None:
    assert refusal(HttpRequest("GET", "/", {"authorization": authorization})).code == "IncompleteSignature"


@pytest.mark.parametrize(
    "left_out", ["Timestamp", "SignatureNonce", "SignatureMethod", "SignatureVersion", "AccessKeyId"]
)
def test_a_v1_request_without_a_part_is_refused(left_out: str) -> None:
    request = V1["long-term key"]
    target = request.target.replace(f"{left_out}=", f"No{left_out}=")
    error = refusal(replace(request, target=target))
    assert error.code == "MissingParameter"
    assert left_out in error.message

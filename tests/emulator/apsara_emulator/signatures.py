# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is calling, and can they prove it.

Schemes of the RPC services: V1 (HMAC-SHA1 over the parameters), V3 (ACS3-HMAC-SHA256 over the request) and bearer
tokens. Each is a function from a request to a `Claim`, which `Verifier.identify` then judges; a scheme of another
service is one more such function beside them. Algorithms and vectors come from the code of the vendor's SDKs.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from .access_keys import KnownKey, find_key
from .clock import Clock, parse_utc
from .errors import ApiError
from .http_messages import HttpRequest, Pairs
from .model import Account, SecurityToken
from .model_ram import AccessKey
from .variants import Variants

V3_NAME = "ACS3-HMAC-SHA256"
BEARER_SIGNATURE_TYPE = "BEARERTOKEN"
STAMP_TOLERANCE = 15 * 60
"""Seconds by which a time stamp may be off."""


def percent_encoded(text: str) -> str:
    """As in every string to sign: UTF-8, unreserved are letters, digits and `-_.~`."""
    return quote(text, safe="~")


def canonical_query(pairs: Pairs) -> str:
    """Parameters sorted and encoded, joined with & and =."""
    return "&".join(f"{percent_encoded(name)}={percent_encoded(value)}" for name, value in sorted(pairs))


def v1_string_to_sign(method: str, pairs: Pairs) -> str:
    """`pairs` are all parameters of query and form; Signature is left out here."""
    canonical = canonical_query([(name, value) for name, value in pairs if name != "Signature"])
    return f"{method}&%2F&{percent_encoded(canonical)}"


def v1_signature(secret: str, string_to_sign: str) -> str:
    """Base64 of the HMAC-SHA1; the key is the secret and an ampersand."""
    digest = hmac.new(f"{secret}&".encode(), string_to_sign.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def v3_canonical_request(request: HttpRequest, signed_headers: list[str], payload_hash: str) -> str:
    """The request as it is signed. A signed header that is not there counts as empty."""
    headers = "".join(f"{name}:{request.headers.get(name, '').strip()}\n" for name in signed_headers)
    parts = (
        request.method,
        request.path,
        canonical_query(request.query),
        headers,
        ";".join(signed_headers),
        payload_hash,
    )
    return "\n".join(parts)


def v3_string_to_sign(canonical_request: str) -> str:
    """The name of the scheme and the hash of the canonical request."""
    return f"{V3_NAME}\n{hashlib.sha256(canonical_request.encode()).hexdigest()}"


def v3_signature(secret: str, string_to_sign: str) -> str:
    """Hex of the HMAC-SHA256; the key is the raw secret."""
    return hmac.new(secret.encode(), string_to_sign.encode(), hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Claim:
    """What a signed request says of itself. `sign` computes the signature that a secret would have given."""

    access_key_id: str
    security_token: str
    time_stamp: str
    nonce: str
    signature: str
    string_to_sign: str
    sign: Callable[[str], str]


@dataclass(frozen=True)
class Identity:
    """A caller who has proved it. `guise` is account, user/NAME, or role/NAME/SESSION for a security token."""

    account_id: str
    access_key_id: str
    guise: str


def v1_claim(request: HttpRequest) -> Claim:
    """The claim of a V1 request. ApiError if a part is missing or of another kind."""
    pairs = request.query + request.form
    given = dict(pairs)
    for name in ("AccessKeyId", "Timestamp", "SignatureNonce", "SignatureMethod", "SignatureVersion"):
        if not given.get(name):
            raise _missing(name)
    if given["SignatureMethod"] != "HMAC-SHA1" or given["SignatureVersion"] != "1.0":
        raise ApiError("InvalidParameter", 400, "SignatureMethod is HMAC-SHA1 and SignatureVersion 1.0.")
    string_to_sign = v1_string_to_sign(request.method, pairs)
    return Claim(
        access_key_id=given["AccessKeyId"],
        security_token=given.get("SecurityToken", ""),
        time_stamp=given["Timestamp"],
        nonce=given["SignatureNonce"],
        signature=given.get("Signature", ""),
        string_to_sign=string_to_sign,
        sign=lambda secret: v1_signature(secret, string_to_sign),
    )


def v3_claim(request: HttpRequest) -> Claim:
    """The claim of a V3 request. ApiError if a part is missing, or something that has to be signed is not."""
    fields = _authorization_fields(request.headers["authorization"])
    for name in ("x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"):
        if not request.headers.get(name):
            raise _missing(name)
    signed = fields["signedheaders"].split(";")
    unsigned = [name for name in request.headers if _must_be_signed(name) and name not in signed]
    if unsigned or signed != sorted(set(signed)) or any(name not in request.headers for name in signed):
        raise ApiError("IncompleteSignature", 400, f"SignedHeaders is not complete and sorted: {','.join(unsigned)}")
    payload_hash = hashlib.sha256(request.body).hexdigest()
    if request.headers["x-acs-content-sha256"] != payload_hash:
        raise ApiError("InvalidParameter", 400, "x-acs-content-sha256 is not the hash of the body.")
    string_to_sign = v3_string_to_sign(v3_canonical_request(request, signed, payload_hash))
    return Claim(
        access_key_id=fields["credential"],
        security_token=request.headers.get("x-acs-security-token", ""),
        time_stamp=request.headers["x-acs-date"],
        nonce=request.headers["x-acs-signature-nonce"],
        signature=fields["signature"],
        string_to_sign=string_to_sign,
        sign=lambda secret: v3_signature(secret, string_to_sign),
    )


def bearer_token(request: HttpRequest) -> tuple[str, str]:
    """The bearer token of a request and the form it came in (header, authorization), or two empty texts."""
    scheme, _blank, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip(), "authorization"
    given = dict(request.query + request.form)
    kind = given.get("SignatureType") or request.headers.get("x-acs-signature-type", "")
    token = request.headers.get("x-acs-bearer-token") or given.get("BearerToken", "")
    return (token, "header") if kind == BEARER_SIGNATURE_TYPE else ("", "")


def _must_be_signed(header: str) -> bool:
    return header == "host" or header.startswith("x-acs-")


def _authorization_fields(header: str) -> dict[str, str]:
    parts = (part.strip().partition("=") for part in header.removeprefix(V3_NAME).split(","))
    fields = {name.lower(): value for name, _sign, value in parts}
    for name in ("Credential", "SignedHeaders", "Signature"):
        if not fields.get(name.lower()):
            raise ApiError("IncompleteSignature", 400, f"The header Authorization has no {name}.")
    return fields


def _missing(name: str) -> ApiError:
    return ApiError("MissingParameter", 400, f"The parameter {name} is missing.")


class Verifier:
    """Judges requests. It remembers the nonces it has seen."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._nonces: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def identify(
        self,
        request: HttpRequest,
        accounts: Mapping[str, Account],
        variants: Variants,
        skew: float = 0.0,
        world_now: float | None = None,
    ) -> Identity:
        """The caller. ApiError if it cannot be proved. `skew` is how far the service's clock is ahead, in seconds.

        Security tokens end by the clock of the world that gave them (`world_now`), which is this one's unless given.
        """
        token, form = bearer_token(request)
        if form:
            return _bearer_identity(token, form, accounts, variants)
        if request.headers.get("authorization", "").startswith(V3_NAME):
            claim = v3_claim(request)
        elif "Signature" in dict(request.query + request.form):
            claim = v1_claim(request)
        else:
            raise _missing("AccessKeyId")
        return self._judge(claim, accounts, variants, skew, self._clock.now() if world_now is None else world_now)

    def forget(self) -> None:
        """Forget the nonces."""
        with self._lock:
            self._nonces.clear()

    def _judge(
        self, claim: Claim, accounts: Mapping[str, Account], variants: Variants, skew: float, world_now: float
    ) -> Identity:
        account, key, guise = _known_key(claim.access_key_id, accounts, variants)
        self._check_stamp(claim.time_stamp, variants, skew)
        if not hmac.compare_digest(key_signature(claim, key).encode(), claim.signature.encode()):
            # The older SDK splits this text at its first colon to get at the string to sign.
            raise variants.error("wrong_secret", f"The signature is not right; signed here was:{claim.string_to_sign}")
        _check_token(claim, key, variants, world_now)
        self._use_nonce(claim, variants)
        return Identity(account.account_id, claim.access_key_id, guise)

    def _check_stamp(self, text: str, variants: Variants, skew: float) -> None:
        try:
            stamp = parse_utc(text)
        except ValueError:
            raise ApiError("IllegalTimestamp", 400, "The time stamp is not of the form yyyy-MM-ddTHH:mm:ssZ.") from None
        if abs(self._clock.now() + skew - stamp) > STAMP_TOLERANCE:
            raise variants.error("stale_time_stamp", "The time stamp is too far off.")

    def _use_nonce(self, claim: Claim, variants: Variants) -> None:
        now = self._clock.now()
        with self._lock:
            self._nonces = {one: used for one, used in self._nonces.items() if used > now - 2 * STAMP_TOLERANCE}
            if (claim.access_key_id, claim.nonce) in self._nonces:
                raise variants.error("reused_nonce", "The nonce was used before.")
            self._nonces[claim.access_key_id, claim.nonce] = now


def _check_token(claim: Claim, key: AccessKey | SecurityToken, variants: Variants, now: float) -> None:
    expected = key.security_token if isinstance(key, SecurityToken) else ""
    if not hmac.compare_digest(expected.encode(), claim.security_token.encode()):
        raise variants.error("wrong_security_token", "The security token is not the one of this key.")
    if isinstance(key, SecurityToken) and key.expires <= now:
        raise variants.error("expired_security_token", "The security token has expired.")


def key_signature(claim: Claim, key: AccessKey | SecurityToken) -> str:
    """The signature that the claim should carry."""
    return claim.sign(key.access_key_secret)


def _known_key(key_id: str, accounts: Mapping[str, Account], variants: Variants) -> KnownKey:
    found = find_key(key_id, accounts)
    if found is not None:
        return found
    raise variants.error("unknown_key", "The access key id does not exist.")


def _bearer_identity(token: str, form: str, accounts: Mapping[str, Account], variants: Variants) -> Identity:
    if token and variants["bearer_forms"] in ("all", form):
        for account in accounts.values():
            if token in account.bearer_tokens:
                return Identity(account.account_id, "", "account")
    raise variants.error("refused_bearer", "The bearer token is not accepted.")

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is calling OSS, and can they prove it."""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime

from ..access_keys import KnownKey, find_key
from ..clock import Clock, parse_utc, utc_text
from ..model import Account, SecurityToken
from ..model_ram import AccessKey
from ..signatures import STAMP_TOLERANCE
from ..variants import Variants
from .errors import OssError, invalid_argument
from .messages import OssRequest
from .signing import Claim, find_claim

_COMPACT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Caller:
    """A caller who has proved it, or an anonymous one (no account). `region` is the one that was signed for."""

    account_id: str = ""
    access_key_id: str = ""
    region: str = ""
    guise: str = "account"


class OssVerifier:
    """Judges signatures. `clock` is the service's, which may be told to be `skew` seconds ahead."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def identify(
        self,
        request: OssRequest,
        bucket: str,
        key: str,
        accounts: Mapping[str, Account],
        variants: Variants,
        skew: float = 0.0,
    ) -> Caller:
        """The caller. OssError if a signature is there and is wrong."""
        claim = find_claim(request, bucket, key)
        if claim is None:
            return Caller()
        account, secret, guise = _known_key(claim.access_key_id, accounts)
        now = self._clock.now() + skew
        if claim.in_url:
            _check_url(claim, now, variants)
        else:
            _check_stamp(claim, now)
        _check_signature(claim, secret.access_key_secret)
        self._check_token(claim, secret, variants)
        return Caller(account.account_id, claim.access_key_id, claim.region, guise)

    def _check_token(self, claim: Claim, key: AccessKey | SecurityToken, variants: Variants) -> None:
        expected = key.security_token if isinstance(key, SecurityToken) else ""
        if not hmac.compare_digest(expected.encode(), claim.security_token.encode()):
            text = "The security token is not the one of this key."
            raise OssError.of_variant(variants["oss_wrong_security_token"], text)
        if isinstance(key, SecurityToken) and key.expires <= self._clock.now():
            raise expired_token(variants)


def expired_token(variants: Variants) -> OssError:
    """The refusal of a token that has expired."""
    return OssError.of_variant(variants["oss_expired_security_token"], "The security token has expired.")


def _known_key(key_id: str, accounts: Mapping[str, Account]) -> KnownKey:
    found = find_key(key_id, accounts)
    if found is not None:
        return found
    text = "The access key id is not known here."
    raise OssError("InvalidAccessKeyId", 403, text, OSSAccessKeyId=key_id)


def _check_stamp(claim: Claim, now: float) -> None:
    moment = _moment(claim)
    if abs(now - moment) > STAMP_TOLERANCE:
        raise OssError(
            "RequestTimeTooSkewed",
            403,
            "The time of the request and the service's time are too far apart.",
            MaxAllowedSkewMilliseconds=str(STAMP_TOLERANCE * 1000),
            RequestTime=_iso(moment),
            ServerTime=_iso(now),
        )


def _moment(claim: Claim) -> float:
    try:
        if claim.version == 4:
            moment = parse_utc(claim.stamp, _COMPACT)
            if claim.stamp[:8] != claim.scope_date:
                raise invalid_argument("Credential", claim.scope_date, "Its date is not the one of x-oss-date.")
            return moment
        stamp = parsedate_to_datetime(claim.stamp)
        return stamp.replace(tzinfo=stamp.tzinfo or dt.timezone.utc).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        raise OssError("AccessDenied", 403, "A valid Date or x-oss-date header is needed to sign.") from None


def _check_url(claim: Claim, now: float, variants: Variants) -> None:
    if not claim.expires.isascii() or not claim.expires.isdigit() or len(claim.expires) > 12:
        raise OssError("AccessDenied", 403, "The time at which the URL expires cannot be understood.")
    end = float(claim.expires)
    if claim.version == 4:
        longest = variants["oss_longest_url"]
        if end < 1 or (longest != "unlimited" and end > float(longest)):
            raise invalid_argument("x-oss-expires", claim.expires, "A signed URL lasts a second to seven days.")
        begin = _moment(claim)
        if begin - now > STAMP_TOLERANCE:
            raise OssError("AccessDenied", 403, "The signed URL is not valid yet.", ServerTime=_iso(now))
        end += begin
    if end < now:
        raise OssError("AccessDenied", 403, "Request has expired.", Expires=_iso(end), ServerTime=_iso(now))


def _check_signature(claim: Claim, secret: str) -> None:
    if hmac.compare_digest(claim.sign(secret).encode(), claim.signature.encode()):
        return
    details = {
        "OSSAccessKeyId": claim.access_key_id,
        "SignatureProvided": claim.signature,
        "StringToSign": claim.string_to_sign,
        "StringToSignBytes": claim.string_to_sign.encode().hex(" ").upper(),
    }
    if claim.canonical_request:
        details["CanonicalRequest"] = claim.canonical_request
    text = "The signature computed from the request is not the one that was sent. Check the secret and the method."
    raise OssError("SignatureDoesNotMatch", 403, text, **details)


def _iso(moment: float) -> str:
    return utc_text(moment).replace("Z", ".000Z")


def http_date(moment: float) -> str:
    """As in the headers Date and Last-Modified."""
    return formatdate(moment, usegmt=True)

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is signed in a request to OSS: version 1 and version 4, in the header or in the URL.

Algorithms and vectors come from the code of the vendor's SDKs. Both sign the bucket and the key, whichever way the
address spells them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from ..http_messages import Pairs
from .errors import OssError, invalid_argument
from .messages import OssRequest

V4_NAME = "OSS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
# The parameters that version 1 signs, in either SDK.
_V1_SIGNED = frozenset(
    "acl accessPoint accessPointPolicy append asyncFetch bucketArchiveDirectRead bucketInfo callback callback-var "
    "cloudboxes cname comp continuation-token cors delete encryption endTime group httpsConfig inventory inventoryId "
    "lifecycle link live location logging metaQuery objectInfo objectMeta partNumber policy position "
    "publicAccessBlock qos qosInfo qosRequester redundancyTransition referer regionList replication "
    "replicationLocation replicationProgress requestPayment requesterQosInfo resourceGroup resourcePool "
    "resourcePoolBuckets resourcePoolInfo response-cache-control response-content-disposition "
    "response-content-encoding response-content-language response-content-type response-expires restore "
    "security-token sequential startTime stat status style styleName symlink tagging transferAcceleration uploadId "
    "uploads versionId versioning versions vod website worm wormExtend wormId x-oss-ac-forward-allow "
    "x-oss-ac-source-ip x-oss-ac-subnet-mask x-oss-ac-vpc-id x-oss-access-point-name x-oss-async-process "
    "x-oss-process x-oss-redundancy-transition-taskid x-oss-request-payer x-oss-target-redundancy-type "
    "x-oss-traffic-limit x-oss-write-get-object-response".split()
)


@dataclass(frozen=True)
class Claim:
    """What a signed request says of itself. `sign` computes the signature that a secret would have given.

    `stamp` is the time of signing as written, `expires` when a signed URL ends (seconds since 1970) or how long it
    lasts; both depend on the scheme. `region` is the one signed for, in version 4.
    """

    version: int
    in_url: bool
    access_key_id: str
    security_token: str
    stamp: str
    signature: str
    string_to_sign: str
    sign: Callable[[str], str]
    canonical_request: str = ""
    expires: str = ""
    region: str = ""
    scope_date: str = ""


def find_claim(request: OssRequest, bucket: str, key: str) -> Claim | None:
    """The claim of a request, nothing if it is anonymous. OssError if a part is missing or malformed."""
    authorization = request.headers.get("authorization", "")
    given = dict(request.query)
    if authorization.startswith(V4_NAME):
        return _v4_header(request, bucket, key, authorization)
    if authorization.startswith("OSS "):
        return _v1_header(request, bucket, key, authorization)
    if authorization:
        raise invalid_argument("Authorization", authorization.partition(" ")[0], "The scheme is not supported.")
    if "x-oss-signature-version" in given or "x-oss-signature" in given:
        return _v4_url(request, bucket, key, given)
    if "Signature" in given or "OSSAccessKeyId" in given:
        return _v1_url(request, bucket, key, given)
    return None


def v1_string_to_sign(request: OssRequest, bucket: str, key: str, date: str) -> str:
    """`date` is that of the header, or when the URL expires."""
    headers = sorted((name, value) for name, value in request.headers.items() if name.startswith("x-oss-"))
    signed = sorted((name, value) for name, value in request.query if name in _V1_SIGNED)
    query = "&".join(f"{name}={value}" if value else name for name, value in signed)
    resource = f"/{bucket}/{key}" if bucket else "/"
    parts = (
        request.method,
        request.headers.get("content-md5", ""),
        request.headers.get("content-type", ""),
        date,
        "".join(f"{name}:{value}\n" for name, value in headers) + resource + (f"?{query}" if query else ""),
    )
    return "\n".join(parts)


def v1_signature(secret: str, string_to_sign: str) -> str:
    """Base64 of the HMAC-SHA1; the key is the raw secret."""
    return base64.b64encode(hmac.new(secret.encode(), string_to_sign.encode(), hashlib.sha1).digest()).decode()


def v4_canonical_request(request: OssRequest, bucket: str, key: str, additional: list[str]) -> str:
    """The request as it is signed; the signature itself is no part of it."""
    query = _v4_query([(name, value) for name, value in request.query if name != "x-oss-signature"])
    signed = {
        name: value.strip()
        for name, value in request.headers.items()
        if name.startswith("x-oss-") or name in ("content-type", "content-md5") or name in additional
    }
    headers = "".join(f"{name}:{value}\n" for name, value in sorted(signed.items()))
    uri = quote(f"/{bucket}/{key}" if bucket else "/", safe="/~")
    payload = request.headers.get("x-oss-content-sha256", UNSIGNED_PAYLOAD)
    return "\n".join((request.method, uri, query, headers, ";".join(additional), payload))


def v4_string_to_sign(stamp: str, scope: str, canonical_request: str) -> str:
    """The name of the scheme, time, scope and the hash of the canonical request."""
    return "\n".join((V4_NAME, stamp, scope, hashlib.sha256(canonical_request.encode()).hexdigest()))


def v4_signature(secret: str, scope: str, string_to_sign: str) -> str:
    """Hex of the HMAC-SHA256 with a key derived from the secret and each part of the scope."""
    key = f"aliyun_v4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, string_to_sign.encode(), hashlib.sha256).hexdigest()


def _v4_query(pairs: Pairs) -> str:
    encoded = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in pairs)
    return "&".join(f"{name}={value}" if value else name for name, value in encoded)


def _v1_header(request: OssRequest, bucket: str, key: str, authorization: str) -> Claim:
    key_id, colon, signature = authorization.removeprefix("OSS ").strip().partition(":")
    if not colon:
        raise invalid_argument("Authorization", "OSS", "The header is not of the form OSS id:signature.")
    stamp = request.headers.get("x-oss-date") or request.headers.get("date", "")
    token = request.headers.get("x-oss-security-token") or request.headers.get("security-token", "")
    text = v1_string_to_sign(request, bucket, key, stamp)
    return Claim(1, False, key_id, token, stamp, signature, text, lambda secret: v1_signature(secret, text))


def _v1_url(request: OssRequest, bucket: str, key: str, given: Mapping[str, str]) -> Claim:
    for name in ("OSSAccessKeyId", "Expires", "Signature"):
        if not given.get(name):
            raise OssError("AccessDenied", 403, f"The signed URL has no {name}.")
    text = v1_string_to_sign(request, bucket, key, given["Expires"])
    return Claim(
        version=1,
        in_url=True,
        access_key_id=given["OSSAccessKeyId"],
        security_token=given.get("security-token", ""),
        stamp="",
        signature=given["Signature"],
        string_to_sign=text,
        sign=lambda secret: v1_signature(secret, text),
        expires=given["Expires"],
    )


def _v4_header(request: OssRequest, bucket: str, key: str, authorization: str) -> Claim:
    parts = (part.strip().partition("=") for part in authorization.removeprefix(V4_NAME).split(","))
    fields = {name: value for name, _sign, value in parts}
    if not fields.get("Credential") or not fields.get("Signature"):
        raise invalid_argument("Authorization", V4_NAME, "The header has no Credential or no Signature.")
    token = request.headers.get("x-oss-security-token", "")
    stamp = request.headers.get("x-oss-date", "")
    additional = fields.get("AdditionalHeaders", "")
    return _v4_claim(request, bucket, key, fields["Credential"], token, stamp, fields["Signature"], additional)


def _v4_url(request: OssRequest, bucket: str, key: str, given: Mapping[str, str]) -> Claim:
    for name in ("x-oss-signature-version", "x-oss-credential", "x-oss-date", "x-oss-expires", "x-oss-signature"):
        if not given.get(name):
            raise OssError("AccessDenied", 403, f"The signed URL has no {name}.")
    if given["x-oss-signature-version"] != V4_NAME:
        raise invalid_argument("x-oss-signature-version", given["x-oss-signature-version"])
    return _v4_claim(
        request,
        bucket,
        key,
        given["x-oss-credential"],
        given.get("x-oss-security-token", ""),
        given["x-oss-date"],
        given["x-oss-signature"],
        given.get("x-oss-additional-headers", ""),
        given["x-oss-expires"],
    )


def _v4_claim(
    request: OssRequest,
    bucket: str,
    key: str,
    credential: str,
    token: str,
    stamp: str,
    signature: str,
    additional: str,
    expires: str = "",
) -> Claim:
    key_id, _slash, scope = credential.partition("/")
    parts = scope.split("/")
    if len(parts) != 4 or parts[2] != "oss" or parts[3] != "aliyun_v4_request":
        raise invalid_argument("Credential", credential, "It is not of the form id/date/region/oss/aliyun_v4_request.")
    names = [name for name in additional.split(";") if name]
    if any(name not in request.headers for name in names):
        raise invalid_argument("AdditionalHeaders", additional, "A header that is said to be signed is not there.")
    canonical = v4_canonical_request(request, bucket, key, names)
    text = v4_string_to_sign(stamp, scope, canonical)
    return Claim(
        version=4,
        in_url=bool(expires),
        access_key_id=key_id,
        security_token=token,
        stamp=stamp,
        signature=signature,
        string_to_sign=text,
        sign=lambda secret: v4_signature(secret, scope, text),
        canonical_request=canonical,
        expires=expires,
        region=parts[1],
        scope_date=parts[0],
    )

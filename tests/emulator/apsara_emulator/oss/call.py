# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a handler gets to know of a call, and the table of handlers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import uuid4

from ..oss_model import Bucket
from .errors import OssError, invalid_argument, no_such_bucket
from .identity import Caller
from .messages import OssRequest, OssResponse
from .routing import Target

if TYPE_CHECKING:
    from ..world import World


def new_request_id() -> str:
    """A request id of the service's form."""
    return uuid4().hex[:24].upper()


@dataclass
class OssCall:
    """A call under way. `received` counts the bytes of data that came; `damage` names a fault that corrupts data."""

    request: OssRequest
    target: Target
    request_id: str = field(default_factory=new_request_id)
    caller: Caller = field(default_factory=Caller)
    query: dict[str, str] = field(default_factory=dict)
    received: int = 0
    took_effect: bool = False
    damage: str = ""

    @property
    def bucket(self) -> str:
        return self.target.bucket

    @property
    def key(self) -> str:
        return self.target.key

    @property
    def known(self) -> Action | None:
        """The action that is called, nothing if there is none such."""
        return ACTIONS.get(self.target.action)

    def header(self, name: str) -> str:
        return self.request.headers.get(name, "")

    def number(self, name: str, lowest: int, highest: int, default: int) -> int:
        """A number in the query. OssError InvalidArgument if it is none or out of range."""
        text = self.query.get(name, "")
        if not text:
            return default
        if not text.isascii() or not text.isdigit() or len(text) > 12 or not lowest <= int(text) <= highest:
            raise invalid_argument(name, text, f"{name} is a number from {lowest} to {highest}.")
        return int(text)

    def url_encoding(self) -> bool:
        """Whether names in the answer are to be URL-encoded."""
        asked = self.query.get("encoding-type", "")
        if asked not in ("", "url"):
            raise invalid_argument("encoding-type", asked)
        return asked == "url"


Handler = Callable[["World", OssCall], OssResponse]


@dataclass(frozen=True)
class Action:
    """`anonymous` says what a bucket open to the public lets others do: read, write, or nothing (empty)."""

    name: str
    handler: Handler
    mutating: bool
    anonymous: str = ""
    needs_bucket: bool = True


ACTIONS: dict[str, Action] = {}


def action(
    name: str, *, mutating: bool = False, anonymous: str = "", needs_bucket: bool = True
) -> Callable[[Handler], Handler]:
    """Enter a handler into the table."""

    def enter(handler: Handler) -> Handler:
        ACTIONS[name] = Action(name, handler, mutating, anonymous, needs_bucket)
        return handler

    return enter


def bucket_of(world: World, call: OssCall) -> Bucket:
    """The bucket that is meant, which the caller may use for this action. OssError if not."""
    found = world.state.buckets.get(call.bucket)
    if found is None:
        raise no_such_bucket(call.bucket)
    _check_region(call, found, world.variants["oss_elsewhere"])
    allowed = call.known.anonymous if call.known else ""
    public = {"public-read": ("read",), "public-read-write": ("read", "write")}.get(found.acl, ())
    if found.account_id != call.caller.account_id and allowed not in public:
        if call.caller.account_id:
            raise OssError("AccessDenied", 403, "The bucket you visit is not belong to you.", BucketName=call.bucket)
        raise OssError("AccessDenied", 403, "Anonymous access is not allowed here.", BucketName=call.bucket)
    return found


_ANSWERED_ELSEWHERE = {
    "refused": (),
    "location": ("GetBucketLocation",),
    "location_and_info": ("GetBucketLocation", "GetBucketInfo"),
}


def _check_region(call: OssCall, bucket: Bucket, elsewhere: str) -> None:
    asked = call.target.region or call.caller.region
    if asked and asked != bucket.region and call.target.action not in _ANSWERED_ELSEWHERE[elsewhere]:
        raise OssError(
            "AccessDenied",
            403,
            "The bucket you are attempting to access must be addressed using the specified endpoint. "
            "Please send all future requests to this endpoint.",
            Bucket=bucket.name,
            Endpoint=extranet_endpoint(bucket.region),
        )


def extranet_endpoint(region: str) -> str:
    """The public endpoint of a region."""
    return f"oss-{region}.aliyuncs.com"

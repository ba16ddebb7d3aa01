# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refusals of OSS: an error code, and the elements of the XML that go with it."""

from __future__ import annotations

from ..errors import ApiError


class OssError(ApiError):
    """A refusal. `details` become further elements of the error's XML, `headers` of the answer's header."""

    def __init__(self, code: str, http_status: int, message: str, **details: str) -> None:
        super().__init__(code, http_status, message)
        self.details.update(details)
        self.headers: dict[str, str] = {}

    @classmethod
    def of_variant(cls, spelling: str, message: str, **details: str) -> OssError:
        """From the `CODE STATUS` of a variant."""
        code, _blank, status = spelling.partition(" ")
        return cls(code, int(status), message, **details)


class BrokenBody(Exception):
    """The caller went away before the whole body had come."""


def no_such_bucket(name: str) -> OssError:
    return OssError("NoSuchBucket", 404, "The specified bucket does not exist.", BucketName=name)


def no_such_key(key: str) -> OssError:
    return OssError("NoSuchKey", 404, "The specified key does not exist.", Key=key)


def no_such_upload(upload_id: str) -> OssError:
    text = "The upload does not exist: its id may be wrong, or it was aborted or completed."
    return OssError("NoSuchUpload", 404, text, UploadId=upload_id)


def invalid_argument(name: str, value: str, message: str = "") -> OssError:
    text = message or f"The value of {name} is not valid."
    return OssError("InvalidArgument", 400, text, ArgumentName=name, ArgumentValue=value[:256])


def malformed_xml() -> OssError:
    return OssError("MalformedXML", 400, "The XML is not well-formed or does not follow the schema.")


def disk_full() -> OssError:
    """OSS itself has no such error: its storage does not run full. The code is the one of HTTP."""
    return OssError("InsufficientStorage", 507, "There is no space left for the data.")

# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one exception by which the emulated service says no."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An answer of the service that is an error.

    `code` is the service's error code, `http_status` the status it travels with, `message` its text.
    `request_id` is filled in by the world before the error leaves it. `details` are further fields of the answer.
    """

    def __init__(self, code: str, http_status: int, message: str) -> None:
        super().__init__(f"{code} ({http_status}): {message}")
        self.code = code
        self.http_status = http_status
        self.message = message
        self.request_id = ""
        self.details: dict[str, Any] = {}

    @classmethod
    def spelled(cls, spelling: str, message: str) -> ApiError:
        """From the `CODE STATUS` text in which variants name an error, e.g. `Throttling.User 400`."""
        code, _blank, status = spelling.partition(" ")
        return cls(code, int(status), message)


class DocumentError(ValueError):
    """A world, fault or variant document that cannot be understood. The text says where and why."""

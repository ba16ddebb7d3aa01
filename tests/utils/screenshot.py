# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Take a picture of a page for the documentation: screenshot.py REPORT.html OUT.png. OUT.pdf prints it instead."""

from __future__ import annotations

import argparse
import contextlib
import pathlib
import shutil
import sys
from collections.abc import Iterator
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Root has no other way; what is opened is made by us.
OPTIONS = ["--no-sandbox", "--disable-dev-shm-usage"]


def chromium() -> str | None:
    """The machine's Chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """A running browser. Raises RuntimeError where there is none."""
    from playwright.sync_api import sync_playwright

    program = chromium()
    if program is None:
        raise RuntimeError("There is no Chromium: make chromium installs it as root on Debian and Ubuntu.")
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=program, args=OPTIONS)
        try:
            yield running
        finally:
            running.close()


def picture(page: pathlib.Path, target: pathlib.Path, *, width: int, height: int | None, scheme: str) -> None:
    """height: of the picture; None takes the whole page."""
    with browser() as running:
        window = running.new_page(
            viewport={"width": width, "height": height or 900}, color_scheme=scheme, device_scale_factor=1
        )
        window.goto(page.resolve().as_uri())
        if target.suffix == ".pdf":
            window.pdf(path=target, format="A4", prefer_css_page_size=True)
        else:
            window.screenshot(path=target, full_page=height is None)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("target", type=pathlib.Path)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, help="of the picture; without it, the whole page")
    parser.add_argument("--scheme", choices=["light", "dark"], default="light")
    arguments = parser.parse_args()
    try:
        picture(
            arguments.page,
            arguments.target,
            width=arguments.width,
            height=arguments.height,
            scheme=arguments.scheme,
        )
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

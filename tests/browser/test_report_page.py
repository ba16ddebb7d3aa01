# Copyright (c) 2026 The apsaradb.migration contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a reader of the report does and sees."""

from __future__ import annotations

import re

import pytest
from ansible_collections.apsaradb.migration.tests.browser.samples import MANY
from ansible_collections.apsaradb.migration.tests.unit import report_stage as stage
from axe_playwright_python.sync_playwright import Axe

PHONE = {"width": 390, "height": 844}
NAMES = ("rehearsal", "finished", "failed", "many", "hosts", "hostile", "empty")


def column(page, number):
    """The texts of a column of the databases, as far as its rows are shown, from the top."""
    script = "([n]) => [...document.querySelectorAll('#table-databases tbody tr')].filter((row) => !row.hidden)"
    return page.evaluate(script + ".map((row) => row.cells[n].textContent.trim())", [number])


def header(page, name):
    return page.locator("#table-databases thead th", has=page.get_by_role("button", name=name))


class TestReading:
    @pytest.mark.parametrize("name", NAMES)
    def test_every_report_is_shown_without_complaint(self, visit, name):
        page = visit(name)
        assert page.locator("h1").is_visible()
        assert page.locator(".verdict").is_visible()

    def test_a_run_that_failed_half_way_says_so_first_and_what_to_do(self, visit):
        page = visit("failed")
        assert page.locator(".big .badge").all_inner_texts() == ["Failed", "Verdict: Review"]
        assert "the phase restore failed" in page.locator(".verdict").inner_text()
        now = page.get_by_role("region", name="What to do now").inner_text()
        assert "2 of 12 databases failed." in now
        assert "Take new backups of the databases that are named" in now
        assert "it goes on where it stopped" in now
        steps = page.get_by_role("region", name="Steps", exact=True)
        left = steps.get_by_role("region", name="Steps that are to be done")
        assert re.search(r"CreateMigrateTask.*Not done.*shop_003, shop_004", left.inner_text(), re.DOTALL)
        assert "Cannot be taken back" in left.inner_text()
        assert "Promised, not done" in page.get_by_role("region", name="Promised and done").inner_text()

    def test_a_rehearsal_says_what_a_run_will_do(self, visit):
        page = visit("rehearsal")
        assert page.locator(".big .badge").all_inner_texts() == ["Review", "Rehearsed"]
        assert "nothing was changed" in page.locator(".verdict").inner_text()
        assert "Stop every application" in page.get_by_role("region", name="Cut-over and way back").inner_text()

    def test_of_many_hosts_those_that_failed_come_first(self, visit):
        page = visit("hosts")
        first = page.locator("#table-hosts tbody th").all_inner_texts()[:5]
        assert first == ["rm-bp10000", "rm-bp10050", "rm-bp10100", "rm-bp10150", "rm-bp10001"]
        assert "broken/run.json" in page.get_by_role("region", name="What to do now").inner_text()
        assert page.locator("#timeline ~ .scroll svg.chart").count() == 200

    def test_bars_of_the_timeline_have_the_length_of_their_time(self, visit):
        page = visit("failed")
        widths = [one.bounding_box()["width"] for one in page.locator("svg.chart .bar").all()]
        assert widths[2] / widths[1] == pytest.approx(4361 / 2543, rel=0.02)


class TestSorting:
    def test_by_name_both_ways(self, visit):
        page = visit("many")
        heading = header(page, "Database")
        heading.get_by_role("button").click()
        assert heading.get_attribute("aria-sort") == "ascending"
        assert column(page, 0)[:2] == ["shop_000", "shop_001"]
        heading.get_by_role("button").click()
        assert heading.get_attribute("aria-sort") == "descending"
        assert column(page, 0)[0] == f"shop_{MANY - 1}"
        assert len(column(page, 0)) == MANY

    def test_by_number_not_by_letters(self, visit):
        page = visit("many")
        heading = header(page, "Upload time")
        heading.get_by_role("button").click()
        assert column(page, 6)[0] == "40 s"
        assert column(page, 6)[-1] == "2 min 32 s"
        assert page.locator("#table-databases [aria-sort=ascending]").count() == 1

    def test_by_verdict_with_the_worst_first(self, visit):
        page = visit("many")
        header(page, "Verdict").get_by_role("button").click()
        assert column(page, 3)[:7] == ["No go"] * 6 + ["Go"]

    def test_what_is_not_known_stands_last_both_ways(self, visit):
        page = visit("many")
        heading = header(page, "Problem").get_by_role("button")
        for _attempt in range(2):
            heading.click()
            assert [bool(text) for text in column(page, 7)[:7]] == [True] * 6 + [False]

    def test_by_keyboard(self, visit):
        page = visit("many")
        header(page, "Database").get_by_role("button").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Space")
        assert column(page, 0)[0] == f"shop_{MANY - 1}"


class TestFiltering:
    def test_by_text_state_and_problem(self, visit):
        page = visit("many")
        form = page.locator("form[data-table=table-databases]")
        form.get_by_label("Filter").fill("SHOP_00")
        assert column(page, 0) == [f"shop_{number:03d}" for number in range(10)]
        assert form.locator("output").inner_text() == f"10 of {MANY} databases"
        form.get_by_label("State").select_option("failed")
        assert column(page, 0) == [f"shop_{number:03d}" for number in range(3, 9)]
        form.get_by_label("Filter").fill("")
        form.get_by_label("State").select_option("")
        form.get_by_label("Only those that are not fine").check()
        assert len(column(page, 0)) == 6
        form.get_by_label("Filter").fill("no such database")
        assert column(page, 0) == []

    def test_rows_that_are_filtered_out_stay_out_when_sorted(self, visit):
        page = visit("many")
        page.locator("form[data-table=table-databases]").get_by_label("Filter").fill("shop_00")
        header(page, "Upload time").get_by_role("button").click()
        assert len(column(page, 0)) == 10

    def test_enter_reloads_nothing(self, visit):
        page = visit("many")
        page.locator("form[data-table=table-databases]").get_by_label("Filter").fill("shop_007")
        page.keyboard.press("Enter")
        assert column(page, 0) == ["shop_007"]

    def test_without_script_everything_is_there(self, visit):
        page = visit("many", java_script_enabled=False)
        assert page.locator("#table-databases tbody tr").count() == MANY
        assert not page.locator("form.controls").first.is_visible()


class TestNamesOfOthers:
    def test_they_are_shown_and_do_nothing(self, visit):
        page = visit("hostile")
        page.wait_for_timeout(200)
        shown = column(page, 0)
        assert len(shown) == len(stage.HOSTILE)
        for name in ("<script>alert(1)</script>", "<img src=x onerror=alert(2)>", "{{ 7 * 7 }}", "n" * 128):
            assert name in shown
        assert "U+202EevilU+202E.bak" in shown
        assert page.locator("script").count() == 1
        assert page.locator("img, iframe, object, embed").count() == 0
        assert stage.OVERRIDE not in page.content()

    def test_they_turn_no_text_around(self, visit):
        page = visit("hostile")
        row = page.locator("#table-databases tbody tr", has_text="evil")
        name, verdict = (row.locator(part).bounding_box() for part in ("th", ".badge"))
        assert name["x"] < verdict["x"]

    def test_they_are_found_and_sorted_like_others(self, visit):
        page = visit("hostile")
        form = page.locator("form[data-table=table-databases]")
        form.get_by_label("Filter").fill("<script>")
        assert column(page, 0) == ["<script>alert(1)</script>"]
        header(page, "Database").get_by_role("button").click()

    def test_the_policy_stops_what_would_get_in(self, visit, chromium, files, tmp_path):
        changed = tmp_path / "changed.html"
        run = "document.title='run'"
        evil = f'<script>{run}</script><img src="https://example.invalid/x.png" onerror="{run}">'
        changed.write_text(files("failed").read_text().replace("</main>", evil + "</main>"))
        page = chromium.new_page()
        asked = []
        page.on("requestfinished", lambda request: asked.append(request.url))
        page.goto(changed.as_uri())
        page.wait_for_timeout(200)
        assert page.title() != "run"
        assert asked == [changed.as_uri()]
        page.close()


class TestEveryReader:
    @pytest.mark.parametrize(
        ("name", "scheme"),
        [("failed", "light"), ("failed", "dark"), ("rehearsal", "dark"), ("hostile", "light"), ("few", "light")],
    )
    def test_the_rules_of_accessibility_are_kept(self, visit, name, scheme):
        page = visit(name, scheme=scheme, bypass_csp=True)
        page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []

    def test_light_and_dark_differ(self, visit):
        grounds = {
            scheme: visit("failed", scheme=scheme).evaluate(
                "getComputedStyle(document.documentElement).backgroundColor"
            )
            for scheme in ("light", "dark")
        }
        light, dark = (sum(map(int, re.findall(r"\d+", grounds[scheme]))) for scheme in ("light", "dark"))
        assert light > 700
        assert dark < 100

    @pytest.mark.parametrize("name", ["failed", "hostile", "hosts"])
    def test_a_phone_scrolls_down_and_not_sideways(self, visit, name):
        page = visit(name, viewport=PHONE)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    def test_the_keyboard_gets_past_the_head_and_everywhere(self, visit):
        page = visit("failed")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        reached = set()
        for _press in range(60):
            page.keyboard.press("Tab")
            reached.add(page.evaluate("document.activeElement.tagName"))
        assert {"SUMMARY", "BUTTON", "INPUT", "SELECT", "DIV"} <= reached

    def test_links_lead_to_their_sections(self, visit):
        page = visit("failed")
        for target in page.locator("nav a").evaluate_all("(links) => links.map((one) => one.getAttribute('href'))"):
            assert page.locator(target).count() == 1


class TestPaper:
    def test_it_is_printed_whole_and_light_without_what_is_for_the_screen(self, visit):
        page = visit("failed", scheme="dark")
        page.emulate_media(media="print")
        assert (
            page.evaluate("getComputedStyle(document.querySelector('section')).backgroundColor") == "rgb(255, 255, 255)"
        )
        assert not page.locator("nav").is_visible()
        assert not page.locator("form.controls").first.is_visible()
        scrolls = "[...document.querySelectorAll('.scroll')].every((one) => one.scrollWidth <= one.clientWidth + 1)"
        page.set_viewport_size({"width": 700, "height": 900})
        assert page.evaluate(scrolls)

    def test_all_names_are_unfolded_and_requests_stay_on_the_screen(self, visit):
        page = visit("failed")
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert page.locator("details:not(.screen):not([open])").count() == 0
        assert page.locator("details.screen[open]").count() == 0
        page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        assert page.locator("details[open]").count() == 0

    def test_five_hundred_databases_fit_on_a_reasonable_number_of_sheets(self, visit):
        sheets = visit("many").pdf(format="A4", prefer_css_page_size=True)
        assert sheets.startswith(b"%PDF")
        assert 10 < len(re.findall(rb"/Type\s*/Page\b", sheets)) < 45

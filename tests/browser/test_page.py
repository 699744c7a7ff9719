"""The page of `ecsnap coverage --html` in a real browser: what a person can see and do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.many import page_of_many, page_of_rows, row
from tests.browser.month import disk_named, month
from tests.browser.screen import (
    DESKTOP,
    PHONE,
    SMALL_PHONE,
    Screen,
    require_browser,
    shown,
    started,
)
from tests.cli.page.pages import write_page
from tests.component.world import World

require_browser()

GOOD, GIB = "accomplished", 1024**3
MARKUP = "</script><img src=x onerror=\"document.title='ran'\"><b>&amp;'\"`"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with month(tmp_path_factory.mktemp("world")) as world:
        yield world


@pytest.fixture(scope="module")
def path(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the page of the month is."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    done, _, messages = write_page(world, path)
    assert (done, messages) == (True, "")
    return path


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a page of 10,000 disks is."""
    path = tmp_path_factory.mktemp("many") / "page.html"
    path.write_text(page_of_many(10_000), encoding="utf-8")
    return path


@pytest.fixture
def screen(browser: Browser, path: Path) -> Iterator[Screen]:
    with shown(browser, path) as screen:
        yield screen


def all_rows(screen: Screen) -> list[str]:
    """Return what the rows are called, from the first to the last, as somebody who scrolls."""
    table = screen.page.get_by_role("table", name="Disks")
    count = int(table.get_attribute("aria-rowcount") or 0) - 1
    found: dict[int, str] = {}
    while len(found) < count:
        for drawn in screen.page.locator("tbody tr").all():
            found[int(drawn.get_attribute("aria-rowindex") or 0)] = drawn.locator(
                ".open"
            ).inner_text()
        before = screen.page.evaluate("scrollY")
        screen.page.evaluate("scrollBy(0, innerHeight)")
        screen.page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        if screen.page.evaluate("scrollY") == before:
            break
    assert [*sorted(found)] == [*range(2, count + 2)]
    return [found[index] for index in sorted(found)]


# --- figures -------------------------------------------------------------------------------------


def test_the_figures_are_the_state_of_the_cloud(world: World, screen: Screen) -> None:
    """Counted here by other means: from the disks, the snapshots and the records themselves."""
    now = world.clock.now()
    fresh = {
        one.disk_id
        for one in world.ecs.snapshots.values()
        if one.status == GOOD and (now - one.created_at).total_seconds() < 26 * 3600
    }
    prod = {key for key, disk in world.ecs.disks.items() if disk.tags.get("env") == "prod"}
    weekly = {key for key, disk in world.ecs.disks.items() if disk.tags.get("env") == "dev"}
    failed = {
        record["run_id"] + record["disk_id"]
        for record in world.recorded("disk")
        if record["status"] in ("failed", "snapshot_failed")
        and now.timestamp() - int(record["__time__"]) < 86400
    }

    assert screen.figure("Overdue") == str(len(prod - fresh)) == "2"
    assert screen.figure("Protected") == str(len(prod & fresh | weekly))
    assert screen.figure("Unprotected") == "2"
    assert screen.figure("Failures in 24 h") == str(len(failed)) == "2"
    assert screen.figure("Open runs") == "1"
    held = [one.stored_bytes for one in world.ecs.snapshots.values()]
    tile = screen.page.locator(".tile").filter(has_text="Snapshots held")
    assert screen.figure("Snapshots held") == str(len(held))
    expect(tile).to_contain_text(f"{sum(held) / GIB:,.0f} GiB")


def test_each_disk_of_the_cloud_has_a_row(world: World, screen: Screen) -> None:
    """Once."""
    assert sorted(all_rows(screen)) == sorted(disk.name for disk in world.ecs.disks.values())
    screen.counted(f"{len(world.ecs.disks)} disks")


def test_each_problem_has_what_to_do_and_shows_its_disks(screen: Screen) -> None:
    """One click away."""
    problem = screen.page.locator("#problem-list li").filter(has_text="QuotaExceed.Snapshot")
    expect(problem).to_contain_text("delete some of them, or set retention_days")
    problem.get_by_role("button", name="1 disk").click()

    assert all_rows(screen) == ["db-3-data"]
    expect(problem.get_by_role("button")).to_have_attribute("aria-pressed", "true")
    problem.get_by_role("button").click()
    screen.counted("20 disks")


def test_a_figure_is_a_filter(screen: Screen) -> None:
    """Its disks are one click away, and all of them another."""
    screen.page.get_by_role("button", name="Failures in 24 h").click()
    assert sorted(all_rows(screen)) == ["api-3-system", "db-3-data"]
    screen.page.get_by_role("button", name="Unprotected").click()
    assert sorted(all_rows(screen)) == ["etl-scratch", "legacy-import"]
    screen.page.get_by_role("button", name="Unprotected").click()
    screen.counted("20 disks")


# --- filters and order ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("control", "value", "wanted"),
    [
        ("State", "Excluded (1)", {"cache-1-data"}),
        ("State", "Failed in 24 h", {"api-3-system", "db-3-data"}),
        ("Policy", "weekly-development", {"dev-1-system", "dev-2-system", "dev-3-system"}),
        ("Policy", "No policy", {"batch-1-local", "cache-1-data", "etl-scratch", "legacy-import"}),
    ],
)
def test_a_choice_leaves_the_disks_that_fit(
    screen: Screen, control: str, value: str, wanted: set[str]
) -> None:
    """And the count says how many."""
    screen.control(control).select_option(label=value)

    assert set(all_rows(screen)) == wanted
    screen.counted(f"{len(wanted)} of 20 disks")


@pytest.mark.parametrize(
    ("tag", "wanted"),
    [
        ("team=data", {"etl-scratch"}),
        ("snapshot", {"cache-1-data"}),
        ("team=dat", set()),
        ("toString", set()),
    ],
)
def test_a_tag_is_a_key_or_a_key_with_its_value(screen: Screen, tag: str, wanted: set[str]) -> None:
    """Not the beginning of one."""
    screen.control("Tag").fill(tag)
    screen.control("Tag").press("Tab")

    screen.counted(f"{len(wanted)} of 20 disks")
    assert set(screen.rows()) == wanted


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("DB-1 system", {"db-1-system"}),
        ("quotaexceed", {"db-3-data"}),
        ("team=data", {"etl-scratch"}),
        ("nothing like it", set()),
    ],
)
def test_a_search_finds_what_has_all_words(screen: Screen, words: str, wanted: set[str]) -> None:
    """In names, ids, tags, instances, policies, codes and reasons; case does not matter."""
    screen.control("Search").type(words)

    screen.counted(f"{len(wanted)} {'of 20 disks'}")
    assert set(screen.rows()) == wanted
    expect(screen.page.get_by_text("No disk fits.")).to_be_visible(visible=not wanted)


def test_an_instance_finds_its_disks(world: World, screen: Screen) -> None:
    """Its id is what an alert or a ticket has."""
    instance = world.ecs.disks[disk_named(world, "db-2-data")].instance_id
    screen.control("Search").fill(instance)

    screen.counted("2 of 20 disks")
    assert sorted(screen.rows()) == ["db-2-data", "db-2-system"]


def test_regions_are_filters(browser: Browser, many: Path) -> None:
    """The page has those of its disks."""
    with shown(browser, many) as screen:
        screen.control("Region").select_option("cn-shanghai")
        screen.counted("3,333 of 10,000 disks")


def test_what_is_asked_is_in_the_address(browser: Browser, path: Path, screen: Screen) -> None:
    """So that it can be kept and sent."""
    screen.control("Search").fill("system")
    screen.control("State").select_option("protected")
    screen.page.get_by_role("columnheader", name="Disk").get_by_role("button").click()
    fragment = str(screen.page.evaluate("location.hash"))
    found = all_rows(screen)

    assert fragment == "#q=system&state=protected&sort=name"
    with shown(browser, path, fragment) as again:
        assert all_rows(again) == found
        assert again.control("Search").input_value() == "system"
        assert again.control("State").input_value() == "protected"
        again.page.evaluate("location.hash = '#state=overdue'")
        again.counted("2 of 20 disks")


@pytest.mark.parametrize("fragment", ["#state=toString&sort=valueOf&problem=0", "#nonsense", "#%"])
def test_an_address_that_means_nothing_shows_all_disks(
    browser: Browser, path: Path, fragment: str
) -> None:
    """It may be from an older page."""
    with shown(browser, path, fragment) as screen:
        screen.counted("20 disks")
        assert screen.messages == []


def test_one_button_clears_the_filters(screen: Screen) -> None:
    """It is there only when there is something to clear."""
    clear = screen.page.get_by_role("button", name="Clear", exact=True)
    expect(clear).to_be_hidden()
    # Not only "db", which is in some ids.
    screen.control("Search").fill("db-")
    screen.control("Tag").fill("env=prod")
    screen.counted("6 of 20 disks")
    clear.click()

    screen.counted("20 disks")
    assert screen.control("Search").input_value() == screen.control("Tag").input_value() == ""
    expect(screen.control("Search")).to_be_focused()


@pytest.mark.parametrize(
    ("column", "first", "other"),
    [
        ("Disk", ["api-1-system", "api-2-system"], ["web-4-system", "web-3-system"]),
        ("Newest good", ["db-3-data", "api-3-system"], None),
        ("Last 30 days", ["db-3-data"], None),
    ],
)
def test_a_click_on_a_column_sorts(
    screen: Screen, column: str, first: list[str], other: list[str] | None
) -> None:
    """One way, the other way, and as before; a screen reader is told which."""
    head = screen.page.get_by_role("columnheader", name=column)
    before = all_rows(screen)
    head.get_by_role("button").click()
    assert screen.rows()[: len(first)] == first
    way = head.get_attribute("aria-sort")
    head.get_by_role("button").click()

    assert {way, head.get_attribute("aria-sort")} == {"ascending", "descending"}
    assert other is None or screen.rows()[: len(other)] == other
    head.get_by_role("button").click()
    assert (all_rows(screen), head.get_attribute("aria-sort")) == (before, "none")


def test_what_is_not_known_is_last_whichever_way(screen: Screen) -> None:
    """A disk without a good snapshot is neither the oldest nor the newest."""
    head = screen.page.get_by_role("columnheader", name="Newest good").get_by_role("button")
    for _ in range(2):
        head.click()
        assert set(all_rows(screen)[-4:]) == {
            "batch-1-local",
            "cache-1-data",
            "etl-scratch",
            "legacy-import",
        }


# --- one disk ------------------------------------------------------------------------------------


def test_a_disk_shows_everything_about_it(world: World, screen: Screen) -> None:
    """Its days in words, its tags, its last outcome, and the commands for it."""
    disk_id = disk_named(world, "db-3-data")
    screen.page.get_by_role("button", name=f"db-3-data, {disk_id}").click()
    detail = screen.page.get_by_role("dialog", name="db-3-data")

    expect(detail).to_contain_text("QuotaExceed.Snapshot: delete some of them")
    expect(detail.locator("pre").first).to_have_text(f"ecsnap explain {disk_id}")
    expect(detail.locator("pre").nth(1)).to_have_text(f"ecsnap request --disk {disk_id} --wait 30m")
    days = detail.locator(".days li").all_inner_texts()
    assert [day.split(" ", 1)[1].strip() for day in days[:4]] == ["failed"] * 3 + ["good"]
    assert days[0].startswith("2026-03-31")
    assert "disk=" in screen.page.evaluate("location.hash")
    detail.get_by_role("button", name="env=prod").click()
    screen.counted("13 of 20 disks")
    expect(detail).to_be_hidden()


def test_an_address_can_name_a_disk(browser: Browser, world: World, path: Path) -> None:
    """So that it can be sent to its owner."""
    with shown(browser, path, f"#disk={disk_named(world, 'web-1-system')}") as screen:
        expect(screen.page.get_by_role("dialog", name="web-1-system")).to_be_visible()


def test_the_days_of_a_disk_are_read_out(screen: Screen) -> None:
    """A drawing has a text with the same facts; its signs differ in shape and not in colour."""
    row_ = screen.page.locator("tbody tr").filter(has_text="db-1-data")
    expect(row_.get_by_role("img")).to_have_attribute(
        "aria-label", "Last 30 days: 27 good, 2 failed, 1 missed"
    )


def test_the_signs_of_days_differ_in_shape(screen: Screen) -> None:
    """Not in colour alone; the list of signs has those that are on the page."""
    shapes = screen.page.evaluate(
        "Object.keys(page.kinds).map((kind) => "
        "[...strip(kind).children].map((path) => path.getAttribute('d')).join())"
    )
    assert len({*shapes}) == len(shapes) == 8
    legend = screen.page.locator("#legend > span").all_inner_texts()
    assert legend == ["good", "failed", "missed", "nothing was due", "blank: not known"]


# --- keyboard and screen readers -----------------------------------------------------------------


def test_the_keyboard_reaches_everything(screen: Screen) -> None:
    """In the order of the page; the table is one stop, in which arrows move."""
    page = screen.page
    stops = []
    for _ in range(40):
        page.keyboard.press("Tab")
        stops.append(
            page.evaluate(
                "document.activeElement.id || document.activeElement.textContent.slice(0, 12)"
            )
        )
        if page.evaluate("document.activeElement.classList.contains('open')"):
            break
    wanted = ["skip", "f-search", "f-state", "f-region", "f-policy", "f-tag"]
    assert [stop for stop in stops if stop in wanted] == wanted
    assert stops[-1] == "db-3-data"
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent") == "api-3-system"
    page.keyboard.press("Tab")
    assert not page.evaluate("document.activeElement.classList.contains('open')")


def test_the_skip_link_leads_to_the_disks(screen: Screen) -> None:
    """Past the figures and the filters."""
    screen.page.keyboard.press("Tab")
    screen.page.keyboard.press("Enter")

    assert screen.page.evaluate("document.activeElement.textContent") == "db-3-data"
    assert screen.page.evaluate("location.hash") == ""


def test_keys_move_over_all_disks_and_open_one(browser: Browser, many: Path) -> None:
    """To the last of ten thousand; Escape leads back to it."""
    with shown(browser, many) as screen:
        screen.page.keyboard.press("Tab")
        screen.page.keyboard.press("Enter")
        screen.page.keyboard.press("End")
        focused = screen.page.locator(".open:focus")
        expect(focused).to_have_text("app-99-data-9999")
        expect(focused).to_be_in_viewport()
        for key in ("ArrowUp", "PageUp", "ArrowDown", "PageDown"):
            screen.page.keyboard.press(key)
        expect(focused).to_have_text("app-99-data-9999")
        screen.page.keyboard.press("Enter")
        expect(screen.page.get_by_role("dialog", name="app-99-data-9999")).to_be_visible()
        screen.page.keyboard.press("Escape")
        expect(focused).to_have_text("app-99-data-9999")
        assert screen.page.evaluate("location.hash") == ""
        screen.page.keyboard.press("Home")
        expect(focused).to_have_text("app-7-data-7")
        expect(focused).to_be_in_viewport()


def test_a_screen_reader_knows_how_many_rows_there_are(browser: Browser, many: Path) -> None:
    """And which of them each drawn one is, although few are drawn."""
    with shown(browser, many) as screen:
        table = screen.page.get_by_role("table", name="Disks")
        expect(table).to_have_attribute("aria-rowcount", "10001")
        screen.page.evaluate("scrollTo(0, 100000)")
        screen.page.wait_for_function("document.querySelector('tbody tr').ariaRowIndex > 100")
        before = screen.rows()
        screen.page.evaluate("scrollBy(0, -500)")
        screen.page.wait_for_function(
            "(first) => document.querySelector('tbody .open').textContent !== first", arg=before[0]
        )
        indexes = screen.page.locator("tbody tr").evaluate_all(
            "(rows) => rows.map((row) => Number(row.getAttribute('aria-rowindex')))"
        )
        assert indexes == [*range(indexes[0], indexes[0] + len(indexes))]
        assert len(indexes) < 60
        assert len(screen.page.get_by_role("columnheader").all()) == 6


def test_a_focused_row_stays_when_it_is_scrolled_away(browser: Browser, many: Path) -> None:
    """Else the focus would jump to the top of the page."""
    with shown(browser, many) as screen:
        screen.page.keyboard.press("Tab")
        screen.page.keyboard.press("Enter")
        screen.page.evaluate("scrollTo(0, 100000)")
        screen.page.wait_for_function("document.querySelectorAll('tbody tr')[5].ariaRowIndex > 100")

        assert screen.page.evaluate("document.activeElement.textContent") == "app-7-data-7"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_serious(
    browser: Browser, path: Path, scheme: str, size: tuple[int, int]
) -> None:
    """On the page, with a filter, and with a disk open."""
    with shown(browser, path, size=size, color_scheme=scheme) as screen:
        assert screen.violations() == []
        screen.page.get_by_role("button", name="Overdue").first.click()
        assert screen.violations() == []
        screen.page.locator(".open").first.click()
        expect(screen.page.get_by_role("dialog")).to_be_visible()
        assert screen.violations() == []


# --- phone and paper -----------------------------------------------------------------------------


@pytest.mark.parametrize("size", [PHONE, SMALL_PHONE, (820, 1180)])
def test_nothing_is_wider_than_the_window(
    browser: Browser, path: Path, size: tuple[int, int]
) -> None:
    """Neither the page nor a disk; and no row covers another."""
    with shown(browser, path, size=size) as screen:
        assert screen.wide() == size[0]
        covered = screen.page.locator("tbody tr").evaluate_all(
            "(rows) => rows.filter((row) => row.scrollHeight > row.clientHeight + 1).length"
        )
        assert covered == 0
        screen.page.locator(".open").first.click()
        dialog = screen.page.get_by_role("dialog")
        assert dialog.evaluate("(one) => one.scrollWidth <= one.clientWidth")


def test_a_phone_sorts_by_a_list(browser: Browser, path: Path) -> None:
    """Where there are no columns."""
    with shown(browser, path, size=PHONE) as screen:
        screen.control("Sort").select_option(label="Disk: Z to A")
        assert screen.rows()[0] == "web-4-system"


def test_all_rows_are_printed_that_fit_the_filter(browser: Browser, many: Path) -> None:
    """Not only those that are drawn; afterwards the screen is as before."""
    with shown(browser, many, "#state=overdue") as screen:
        screen.page.evaluate(
            "addEventListener('beforeprint', () => {"
            "window.printed = document.querySelectorAll('tbody tr').length; })"
        )
        paper = screen.page.pdf(prefer_css_page_size=True)

        assert paper.startswith(b"%PDF")
        assert screen.page.evaluate("window.printed") == 100
        assert len(screen.rows()) < 60
        assert screen.page.evaluate("document.getElementById('printed').textContent") == ""


def test_paper_says_what_it_leaves_out(browser: Browser, many: Path) -> None:
    """10,000 disks are 500 sheets."""
    with shown(browser, many) as screen:
        screen.page.evaluate("dispatchEvent(new Event('beforeprint'))")

        assert screen.page.locator("tbody tr").count() == 2000
        screen.page.emulate_media(media="print")
        expect(screen.page.get_by_text("The first 2,000 of 10,000 disks")).to_be_visible()
        screen.page.emulate_media(media="screen")
        screen.page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert len(screen.rows()) < 60


# --- safety --------------------------------------------------------------------------------------


def test_nothing_leaves_the_page_and_the_console_is_silent(browser: Browser, path: Path) -> None:
    """Whatever is done with it."""
    with shown(browser, path) as screen:
        screen.control("Search").fill("db-")
        screen.page.locator(".open").first.click()
        screen.page.keyboard.press("Escape")
        screen.page.evaluate("scrollTo(0, 10000)")

        assert screen.requests == [path.as_uri()]
        assert screen.messages == []
        screen.page.evaluate("fetch('https://example.com').catch(() => 0)")
        assert "Content Security Policy" in screen.messages[0]


def test_texts_of_an_account_are_no_markup(browser: Browser, tmp_path: Path) -> None:
    """Markup in every text of a row is shown as it is, in the row, the lists and the dialog."""
    about = {
        **dict.fromkeys(("disk_id", "name", "region", "why", "newest_good"), MARKUP),
        **dict.fromkeys(("native_policy", "last_code", "last_reason", "last_status"), MARKUP),
        "newest_good_at": MARKUP,
        "instance_ids": [MARKUP],
        "policies": [MARKUP],
        "tags": {MARKUP: MARKUP, "__proto__": MARKUP},
        "state": "overdue",
    }
    path = tmp_path / "page.html"
    path.write_text(page_of_rows([row(7, **about), row(1)]), encoding="utf-8")
    with shown(browser, path) as screen:
        assert screen.rows()[0] == MARKUP
        expect(screen.page.locator("#problem-list code").first).to_have_text(MARKUP)
        assert MARKUP in screen.control("Policy").locator("option").all_inner_texts()
        screen.page.locator(".open").first.click()
        detail = screen.page.get_by_role("dialog")
        assert detail.get_by_text(MARKUP).count() >= 6
        expect(detail.get_by_role("button", name=f"__proto__={MARKUP}")).to_be_visible()
        expect(detail.locator("pre").first).to_contain_text("ecsnap explain '</script>")
        detail.get_by_role("button", name=f"{MARKUP}={MARKUP}").click()
        screen.counted("1 of 2 disks")

        assert screen.page.locator("img, b").count() == 0
        assert screen.page.title() == "Snapshot coverage: main"
        assert (screen.messages, len(screen.requests)) == ([], 1)
        fragment = f"#q={quote(MARKUP)}&tag={quote(MARKUP)}&policy={quote(MARKUP)}"
        screen.page.evaluate(f"location.hash = {json.dumps(fragment)}")
        screen.counted("1 of 2 disks")
        assert screen.page.locator("img, b").count() == 0


def test_texts_of_ecs_are_no_markup(browser: Browser, tmp_path: Path) -> None:
    """The same by the whole way: tags, names, and a code and a message of ECS."""
    with month(tmp_path) as world:
        world.disk(name=MARKUP, tags={"env": "prod", MARKUP: MARKUP})
        world.fault("error", code=f"Bad.{MARKUP}", message=MARKUP, status=400, times=None)
        with pytest.raises(Exception, match=re.escape(MARKUP)):
            world.tick("nightly")
        world.clock.advance(60)
        path = tmp_path / "page.html"
        write_page(world, path)
    with shown(browser, path) as screen:
        screen.control("Search").fill("onerror")
        screen.page.locator(".open", has_text=MARKUP).click()
        detail = screen.page.get_by_role("dialog")
        expect(detail).to_contain_text(f"{MARKUP}={MARKUP}")
        expect(detail).to_contain_text(f"Bad.{MARKUP}")
        assert screen.page.locator("img, b").count() == 0
        assert (screen.messages, len(screen.requests)) == ([], 1)


def test_without_javascript_the_page_says_so(browser: Browser, path: Path) -> None:
    """And what to do instead."""
    with shown(browser, path, java_script_enabled=False) as screen:
        expect(screen.page.get_by_text("This page needs JavaScript.")).to_be_visible()


def test_an_account_without_disks_has_a_page(browser: Browser, tmp_path: Path) -> None:
    """With figures that are zero, and nothing to do."""
    path = tmp_path / "page.html"
    path.write_text(page_of_rows([]), encoding="utf-8")
    with shown(browser, path) as screen:
        screen.counted("0 disks")
        assert screen.figure("Protected") == "0"
        expect(screen.page.get_by_text("What to do")).to_be_hidden()
        assert screen.messages == []

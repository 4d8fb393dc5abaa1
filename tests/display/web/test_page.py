"""The page in a real browser: Chromium, without a window."""

import os
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from selfplay.display.web.moves import Positions
from tests.display.web.conftest import serving

playwright = pytest.importorskip(
    "playwright.sync_api", reason="needs playwright: pip install 'selfplay[browser]'"
)
expect = playwright.expect
expect.set_options(timeout=20_000)
SYSTEM = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        own = Path(driver.chromium.executable_path)
        found = str(own) if own.exists() else next(filter(None, map(shutil.which, SYSTEM)), None)
        if found is None:
            pytest.skip(f"needs a browser: playwright install chromium, or {', '.join(SYSTEM)}")
        sandbox = ["--no-sandbox"] if os.name == "posix" and os.geteuid() == 0 else []
        browser = driver.chromium.launch(executable_path=found, args=sandbox)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser):
    """Opens a page; afterwards, nothing was wrong in its console and nothing left the machine."""
    context = browser.new_context(reduced_motion="reduce")
    context.set_default_timeout(120_000)
    wrong = []

    def only_here(route):
        if urlsplit(route.request.url).hostname == "127.0.0.1":
            route.continue_()
        else:
            wrong.append(f"asked for {route.request.url}")
            route.abort()

    def visit(address, moves=""):
        page = context.new_page()
        page.route("**/*", only_here)
        page.on("console", lambda message: wrong.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"http://{address}/#{moves}")
        expect(page.locator("#board > *")).to_be_visible(timeout=60_000)
        expect(page.locator("#warming")).to_be_hidden(timeout=120_000)
        return page

    yield visit
    context.close()
    assert wrong == []


def says(page, pattern):
    expect(page.locator("#state")).to_contain_text(re.compile(pattern), timeout=60_000)


def moves_of(page):
    return page.locator("#moves button").all_inner_texts()


def columns(page):
    return page.locator("#board [role=button]")


def test_a_whole_game_by_clicks(visit, address, agents):
    page = visit(address)
    ending = re.compile("You win!|one wins.|A draw.")
    while not ending.search(page.locator("#state").inner_text()):
        made = len(moves_of(page))
        columns(page).last.click()
        expect(page.locator("#moves button").nth(made)).to_be_visible()
        says(page, f"Your move|{ending.pattern}")
    env = agents["one"].env
    played = [env.parse_action(name) for name in moves_of(page)]
    position = Positions(env).describe((), played)
    assert position["ended"]
    result = {1: "You win!", -1: "one wins.", 0: "A draw."}[position["returns"][0]]
    says(page, re.escape(result))
    assert page.locator("#board .won").count() == len(position["picture"]["winning"])
    assert page.locator("#board .stone:not(.hover)").count() == len(played)
    page.get_by_role("button", name="Play again").click()
    says(page, "Your move")
    assert moves_of(page) == []


def test_undo_redo_and_steps(visit, address):
    page = visit(address)
    page.keyboard.press("4")
    expect(page.locator("#moves button")).to_have_count(2)
    two = moves_of(page)
    assert two[0] == "4"
    page.keyboard.press("u")
    expect(page.locator("#board .stone:not(.hover)")).to_have_count(0)
    assert moves_of(page) == two
    page.get_by_role("button", name="Redo").click()
    expect(page.locator("#board .stone:not(.hover)")).to_have_count(2)
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#moves [aria-current]")).to_have_text("4")
    says(page, "one to move")
    page.keyboard.press("Home")
    expect(page.locator("#moves [aria-current]")).to_have_count(0)
    page.keyboard.press("1")  # what followed is replaced
    expect(page.locator("#moves button").first).to_have_text("1")
    expect(page.locator("#moves button")).to_have_count(2)


def test_the_other_side_and_both(visit, address):
    page = visit(address)
    page.get_by_label("Second").check()
    says(page, "Your move")
    expect(page.locator("#moves button")).to_have_count(1)
    page.get_by_label("Both").check()
    page.keyboard.press("2")
    says(page, "First player to move")
    page.keyboard.press("2")
    says(page, "Second player to move")
    page.get_by_role("button", name="Agent’s move").click()
    says(page, "First player to move")
    expect(page.locator("#moves button")).to_have_count(4)


def test_thoughts_are_drawn_and_can_be_hidden(visit, address):
    page = visit(address)
    marks = page.locator("#board .mark")
    expect(marks).to_have_count(4)
    expect(page.locator("#board .mark.best .visits")).to_have_text(re.compile(r"\d"))
    expect(page.locator("#actions tr")).to_have_count(4)
    expect(page.locator("#verdict")).to_contain_text("after 4 simulations")
    page.locator(".step").first.hover()
    expect(page.locator("#board .ghost")).to_have_count(1)
    page.get_by_role("slider").fill("0")
    expect(page.locator("#verdict")).to_contain_text("by the network alone")
    page.keyboard.press("Escape")
    page.get_by_label("Show what the agent thinks").uncheck()
    expect(marks).to_have_count(0)
    for part in ("#thoughts", "#value-bar", "#graph"):
        expect(page.locator(part)).to_be_hidden()


def test_a_pasted_position_and_its_error(visit, address):
    page = visit(address)
    box = page.get_by_label("Set up a position")
    box.fill("1 22 23")
    box.press("Enter")
    expect(page.locator("#board .stone:not(.hover)")).to_have_count(6)  # the agent has answered
    assert moves_of(page)[:5] == ["1", "2", "2", "2", "3"]
    box.fill("11112 1")
    box.press("Enter")
    error = page.locator("#pasted-error")
    expect(error).to_contain_text("Move 6, “1”, is not possible there; these are: 2, 3, 4")
    selected = page.locator("#pasted").evaluate("box => [box.selectionStart, box.selectionEnd]")
    assert selected == [6, 7]
    page.get_by_label("Both").check()
    error.get_by_role("button", name="Set up the 5 moves before it").click()
    expect(error).to_be_hidden()
    expect(page.locator("#moves button")).to_have_text(list("11112"))
    expect(page.locator("#graph .point")).to_have_count(6)


def test_a_link_opens_a_position(visit, address):
    page = visit(address, "12121")
    says(page, "You win!")
    assert page.locator("#board .won").count() == 3
    page.keyboard.press("ArrowLeft")
    says(page, "Your move")
    expect(page.locator("#board .won")).to_have_count(0)


def test_two_agents_play_and_pause(visit, address):
    page = visit(address)
    page.get_by_label("Neither").check()
    expect(page.get_by_role("slider")).to_have_count(2)
    expect(page.get_by_label("Which agent: second player")).to_have_value("1")
    expect(page.locator("#moves button")).not_to_have_count(0)
    page.get_by_role("button", name="Pause").click()
    paused = len(moves_of(page))
    page.wait_for_timeout(1200)
    assert len(moves_of(page)) == paused
    page.get_by_role("button", name="Play", exact=True).click()
    says(page, "(one|two) wins.|A draw.")


def test_an_environment_without_a_board_has_text_and_buttons(visit, speller):
    with serving({"speller": speller}) as address:
        page = visit(address)
        expect(page.locator("#board pre")).to_contain_text("last: ")
        page.locator("#problem-text").fill("abcb")
        page.get_by_role("button", name="Start", exact=True).click()
        expect(page.locator("#play")).to_have_attribute("aria-busy", "false")
        for letter in "abcb":
            page.locator("#actions").get_by_role("button", name=f"Play {letter}").click()
            expect(page.locator("#moves button").last).to_have_text(letter)
        says(page, r"it paid \+1.00")


def test_stones_that_move_are_clicked_twice_and_passes_have_buttons(visit, marcher):
    with serving({"marcher": marcher}) as address:
        page = visit(address)
        page.get_by_label("Both").check()
        page.get_by_role("button", name="Move the stone of up").click()
        expect(page.locator("#board .selected")).to_have_count(1)
        page.locator("#board").get_by_role("button", name="Play up").click()
        says(page, "Second player to move")
        page.get_by_label("Show what the agent thinks").uncheck()
        page.locator("#actions").get_by_role("button", name="Play wait").click()
        says(page, "First player to move")
        assert moves_of(page) == ["up", "wait"]

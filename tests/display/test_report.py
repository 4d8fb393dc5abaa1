"""The page of a run: whole, self-contained, escaped, its figures those of the run's files."""

import dataclasses
import html
import html.parser
import json
import re
import shutil

import pytest

from selfplay import config as config_lib
from selfplay import train as train_lib
from selfplay.agent import Agent
from selfplay.display import report
from selfplay.evaluate import evaluate, to_json
from selfplay.evaluation.arena import MatchResult, Tally
from selfplay.run import metrics
from selfplay.run.directory import RunDirectory
from selfplay_envs.games.tic_tac_toe import TicTacToe
from tests.tiny import SETTINGS

VOID = {"meta", "link", "br", "hr", "img", "input"}
SVG_ALONE = {"path", "circle", "rect"}


class Page(html.parser.HTMLParser):
    """A page's elements and text; raises AssertionError where a tag is not closed in its turn."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.text = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in SVG_ALONE
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    @property
    def ids(self):
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]


def read(path):
    """The page's text and its elements, after what holds for every page."""
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) < 2_000_000
    assert not re.search(r"https?://|\bsrc=|\bhref=|url\(|@import", text)
    return text, Page(text)


def words(page):
    return re.sub(r"\s+", " ", " ".join(page.text))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "small"
    train_lib.train(config_lib.from_dict(SETTINGS), run=path)
    found = evaluate(path, simulations=(0, 2), games=0)
    played = MatchResult(("agent", "pure MCTS"), Tally(3, 1, 2), Tally(1, 0, 5))
    written = to_json(dataclasses.replace(found, matches=(played,)))
    RunDirectory(path).evaluation.write_text(json.dumps(written))
    return path


@pytest.fixture
def quick(monkeypatch):
    """No blunders are looked for and no games played, which takes long to compile."""
    monkeypatch.setattr(report, "worst_moves", lambda *arguments: (0, []))
    monkeypatch.setattr(report.records, "games_to_show", lambda agent: [])


@pytest.fixture(scope="module")
def worst(run):
    """How many blunders there are, and the worst five; the agent."""
    agent = Agent.load(run)
    return *report.worst_moves(agent, agent.env.solved_positions(), 5), agent


@pytest.fixture(scope="module")
def page(run):
    path = report.write_report(run)
    assert path == run / "report.html"
    return read(path)


SECTIONS = ["findings", "strength", "curves", "blunders", "games", "settings", "machine"]


def test_each_section_is_there(page):
    _, parsed = page
    assert [name for name in parsed.ids if name in SECTIONS] == SECTIONS
    assert len(parsed.ids) == len(set(parsed.ids))


def test_figures_are_those_of_the_evaluation(run, page):
    text = words(page[1])
    found = json.loads((run / "evaluation.json").read_text())
    for score in [*found["exact"].values()]:
        assert f"{100 * score['kept']:.1f} % ({100 * score['critical_kept']:.1f} %)" in text
        for bucket in score["buckets"]:
            assert f"{100 * bucket['kept'] / bucket['positions']:.1f} %" in text
    for match in found["matches"]:
        low, high = match["interval"]
        shown = f"{100 * match['score']:.1f} % {100 * low:.1f} % – {100 * high:.1f} %"
        assert f"{match['names'][1]} 12 4 1 7 {shown}" in text


def test_figures_are_those_of_the_run(run, page, worst):
    text = words(page[1])
    rows = metrics.read(RunDirectory(run).metrics)
    assert f"{sum(row['games'] for row in rows):,.0f} games of self-play" in text
    count, _, _ = worst
    assert f"gives the value away in {count} of " in text
    assert count > 0
    for panel in report.PANELS:
        drawn = any(key in row for key in panel.curves for row in rows)
        assert (panel.title in text and panel.explanation in text) == drawn
    spent = report.time_spent(rows)
    assert sum(spent.values()) == pytest.approx(rows[-1]["seconds"])
    assert "looking at exact truth" in text


def test_blunders_are_wrong_by_exact_truth(worst):
    _, blunders, agent = worst
    drops = []
    for blunder in blunders:
        values = agent.env.oracle(blunder.problem, blunder.state)
        best, got = float(values[blunder.best[0]]), float(values[blunder.decision.action])
        assert best == float(max(v for v in values if v == v)) > got
        assert blunder.decision.action not in blunder.best
        assert blunder.before == {1: "a win", 0: "a draw"}[int(best)]
        assert blunder.after == {0: "a draw", -1: "a loss"}[int(got)]
        drops.append(best - got)
    assert drops == sorted(drops, reverse=True)


def test_settings_that_differ_from_the_preset_are_marked(page):
    text, _ = page
    changed = re.findall(
        r'<tr class="changed"><td>(\w+)</td><td>([^<]*) <small>preset: ([^<]*)', text
    )
    assert ("width", "16", "128") in changed
    assert "learning_rate" not in {name for name, _, _ in changed}


def test_games_are_drawn_to_their_end(page):
    _, parsed = page
    classes = [attributes.get("class", "") for _, attributes in parsed.elements]
    assert classes.count("strip") == 3
    assert sum(name.startswith("board") for name in classes) >= classes.count("ply") > 3 * 5
    assert words(parsed).count("End: ") == 3


EVIL = """<script>alert('x')</script>"&amp;{{ 7*7 }}"""


def test_names_are_escaped(run, tmp_path, quick):
    evil = tmp_path / EVIL.replace("/", "∕")
    shutil.copytree(run, evil)
    player = {"name": EVIL, "elo": 1, "low": 0, "high": 2, "games": 4, "score": 0.5}
    (evil / "arena.json").write_text(json.dumps({"players": [player], "anchor": EVIL}))
    judged = json.loads((evil / "evaluation.json").read_text())
    judged["matches"][0]["names"][1] = EVIL
    (evil / "evaluation.json").write_text(json.dumps(judged))
    text, parsed = read(report.write_report(evil, tmp_path / "page.html"))
    assert sum(tag == "script" for tag, _ in parsed.elements) == 1
    assert text.count(html.escape(EVIL).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")) == 3
    assert "49" not in text.split("<h1>")[1].split("</p>")[0]
    assert "Ladder" in words(parsed)


def test_a_run_that_nobody_judged(run, tmp_path, quick):
    bare = tmp_path / "bare"
    shutil.copytree(run, bare)
    (bare / "evaluation.json").unlink()
    (bare / "report.html").unlink(missing_ok=True)
    _, parsed = read(report.write_report(bare, judge=False))
    assert "Nobody has judged this run yet" in words(parsed)
    assert not (bare / "evaluation.json").exists()


def test_a_game_without_exact_truth(run, tmp_path, quick, monkeypatch):
    monkeypatch.setattr(TicTacToe, "solved_positions", lambda env: None)
    _, parsed = read(report.write_report(run, tmp_path / "page.html"))
    assert "No positions with exact values are known here" in words(parsed)


def test_a_lone_player_without_a_board(tmp_path):
    """Spell: problems, text in place of boards, returns in place of wins."""
    network = {"kind": "transformer", "width": 8, "depth": 0, "num_heads": 1}
    values = SETTINGS | {"env": "tests.worlds:Spell", "iterations": 1, "network": network}
    run = train_lib.train(config_lib.from_dict(values), run=tmp_path / "run")
    _, parsed = read(report.write_report(run, judge=False))
    text = words(parsed)
    assert "No positions with exact values are known here" in text
    assert sum(attributes.get("class") == "position" for _, attributes in parsed.elements) > 6
    assert text.count("End: return") == 3
    assert "Held-out problem 1: return" in text


def test_a_run_without_rows_has_nothing_to_report(run, tmp_path):
    empty = tmp_path / "empty"
    shutil.copytree(run, empty)
    (empty / "metrics.jsonl").unlink()
    with pytest.raises(ValueError, match="nothing to report: no iteration"):
        report.write_report(empty)
    (empty / "metrics.jsonl").write_text('{"iteration": 1, "seconds": 1.0, "games": 1}\n')
    (empty / "evaluation.json").write_text("{")
    with pytest.raises(ValueError, match=r"evaluation\.json is damaged"):
        report.write_report(empty)

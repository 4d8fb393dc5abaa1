"""The server: its answers, and whom it refuses."""

import http.client
import json
import re
from pathlib import Path

import pytest

from selfplay import cli
from selfplay.display.web import server
from selfplay.display.web.guard import MAX_BODY
from selfplay.display.web.server import KINDS, PAGE, listen
from selfplay.display.web.table import Table
from tests.display.web.conftest import SIMULATIONS


def request(address, method, path, body=b"", **headers):
    """Status, headers and content of an answer; `headers` replace what a browser would send."""
    usual = {"Host": address, "Origin": f"http://{address}", "Content-Type": "application/json"}
    sent = {**usual, **{name.replace("_", "-"): value for name, value in headers.items()}}
    connection = http.client.HTTPConnection(address)
    try:
        connection.putrequest(method, path, skip_host=True)
        for name, value in {"Content-Length": str(len(body)), **sent}.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(body)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def ask(address, name, **question):
    status, _, content = request(address, "POST", f"/api/{name}", json.dumps(question).encode())
    return status, json.loads(content)


def test_facts_tell_how_to_begin(address):
    status, facts = ask(address, "facts")
    assert status == 200
    assert facts["actions"] == ["1", "2", "3", "4"]
    assert facts["arguments"] == {"rows": "4", "columns": "4", "in_a_row": "3"}
    assert [agent["name"] for agent in facts["agents"]] == ["one", "two"]
    assert (facts["players"], facts["simulations"], facts["has_problems"]) == (
        2,
        SIMULATIONS,
        False,
    )
    assert facts["budgets"] == [0, *(2**n for n in range(13))]


def test_positions_moves_and_thoughts_are_answered(address):
    status, position = ask(address, "position", moves=[0, 0])
    assert (status, position["mover"], position["legal"]) == (200, 0, [0, 1, 2, 3])
    assert ask(address, "read", text="12 9")[1]["moves"] == [0, 1]
    status, thoughts = ask(address, "think", moves=[0], agent=1, simulations=SIMULATIONS)
    assert (status, thoughts["mover"]) == (200, 1)
    assert sum(item["visits"] for item in thoughts["actions"]) == SIMULATIONS
    assert ask(address, "status") == (200, {"ready": True})


@pytest.mark.parametrize(
    ("name", "question", "message"),
    [
        ("position", {"moves": [9]}, "move 1, action 9, is not possible"),
        ("position", {"moves": "12"}, "moves"),
        ("position", {"moves": [0.5]}, "moves"),
        ("position", {"moves": [0, 1, 0, 1, 0, 1]}, "comes after the end"),
        ("position", {"problem": "hard"}, "has no problems"),
        ("problem", {"seed": -1}, "seed must be"),
        ("think", {"agent": 2}, "agent must be 0 to 1, got 2"),
        ("think", {"simulations": 10**9}, "simulations must be 0 to 4096"),
        ("think", {"cheat": True}, "cheat"),
    ],
)
def test_what_is_wrong_with_a_question_is_told(address, name, question, message):
    status, answer = ask(address, name, **question)
    assert status == 400
    assert message in answer["error"]


@pytest.mark.parametrize("body", [b"", b"moves", b"[]", b"\xff", b"1", b"[" * 10**5])
def test_what_is_no_question_is_refused(address, body):
    assert request(address, "POST", "/api/position", body)[0] == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 421),
        ({"Host": None}, 400),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": None}, 403),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Length": str(MAX_BODY + 1)}, 413),
        ({"Content_Length": None, "Transfer_Encoding": "chunked"}, 411),
    ],
)
def test_only_its_own_page_may_ask(address, headers, status):
    # No body: one still on its way when the server hangs up would be a reset, not an answer.
    assert request(address, "POST", "/api/facts", **headers)[0] == status


def test_other_names_of_this_machine_are_refused_for_the_page_too(address):
    port = address.split(":")[1]
    assert request(address, "GET", "/", Host=f"localhost:{port}")[0] == 200
    assert request(address, "GET", "/", Host="127.0.0.1")[0] == 421
    assert request(address, "GET", "/", Host=f"rebound.example:{port}")[0] == 421


def test_the_page_may_load_nothing_from_elsewhere(address):
    paths = ["/", *(f"/{file.name}" for file in PAGE.iterdir() if file.name != "index.html")]
    assert len(paths) > 5
    for path in paths:
        status, headers, content = request(address, "GET", path, Origin=None)
        assert status == 200
        assert headers["content-security-policy"].startswith(
            "default-src 'none'; script-src 'self'"
        )
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-type"].startswith(KINDS[Path(path).suffix or ".html"])
        links = re.findall(rb"[\w:]*//[\w.]+", content)
        assert set(links) <= {b"http://www.w3.org"}  # the name of SVG, which nothing loads


@pytest.mark.parametrize("path", ["/../server.py", "/%2e%2e/server.py", "/web/", "/api/", "/x.js"])
def test_no_other_file_is_served(address, path):
    assert request(address, "GET", path)[0] in (404, 405)


def test_a_taken_port_is_told_with_what_would_do():
    with listen(0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ValueError, match=f"port {port} is taken: name another, or --port 0"):
            listen(port)
    with pytest.raises(ValueError, match="port 70000 cannot be used"):
        listen(70_000)


def test_agents_of_different_games_do_not_meet(agents, marcher):
    with pytest.raises(ValueError, match=r"env of march is .*, of one 'connect_four'"):
        Table({"one": agents["one"], "march": marcher}, "none")


@pytest.mark.parametrize("flags", [["--side", "none"], ["--versus", "runs/x"], ["--open"]])
def test_what_only_the_browser_can_is_told(flags, capsys, tmp_path):
    assert cli.main(["play", str(tmp_path), *flags]) == 2
    assert "need --web" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (("connect_four-20260101-120000@9", "connect_four-20260101-120000@64"), ("@9", "@64")),
        (("connect_four-20260101@9", "connect_four-20260202@9"), ("20260101@9", "20260202@9")),
        (("first@9", "second@9"), ("first@9", "second@9")),
        (("same@9", "same@9"), ("@9", "@9")),
    ],
)
def test_a_chooser_tells_two_agents_apart(names, short):
    assert server._short(*names) == short

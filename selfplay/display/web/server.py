"""Play in the browser: a page, and the questions it asks, on the loopback address."""

import asyncio
import contextlib
import errno
import json
import socket
import webbrowser
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import dacite
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from selfplay.agent import Agent
from selfplay.display.web.guard import Guard
from selfplay.display.web.table import Question, Side, Table
from selfplay.run import names

HOST = "127.0.0.1"
PAGE = Path(__file__).with_name("page")
KINDS = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
"""Of the page's files."""


def play_in_browser(
    run: Path,
    *,
    versus: str | None,
    side: Side,
    simulations: int | None,
    iteration: int | None,
    port: int,
    open_page: bool,
) -> None:
    """Serves a run's agent, and that of `versus` if given, until Ctrl-C.

    Raises ValueError if a run cannot be loaded, the two play different games, or the port is
    taken.
    """
    agents = {names.shown(run): Agent.load(run, iteration)}
    if versus is not None:
        rival, at = names.split(versus)
        both = ((run, *agents.values()), (Path(rival), Agent.load(rival, at)))
        one, other = _short(*(f"{names.shown(path)}@{agent.iteration}" for path, agent in both))
        agents = {one: both[0][1], other if other != one else f"{other} (versus)": both[1][1]}
    with listen(port) as listener, contextlib.closing(Table(agents, side, simulations)) as table:
        url = f"http://{HOST}:{listener.getsockname()[1]}/"
        print(f"play at {url}\nCtrl-C ends it", flush=True)
        if open_page:
            webbrowser.open(url)
        with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again once it is done
            make_server(table, listener.getsockname()[1]).run(sockets=[listener])
    print("Until next time.")


def _short(one: str, other: str) -> tuple[str, str]:
    """Two agents' names without what both begin with: a chooser on the page has little room."""
    same = one[: next((i for i in range(len(one)) if one[: i + 1] != other[: i + 1]), len(one))]
    cut = max(same.rfind("-") + 1, same.rfind("@"), 0)
    return one[cut:], other[cut:]


def listen(port: int) -> socket.socket:
    """A socket on a port of the loopback address; 0 takes a free one.

    Raises ValueError if the port is taken or may not be used.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        taken = getattr(error, "errno", None) == errno.EADDRINUSE
        why = f"port {port} is taken" if taken else f"port {port} cannot be used ({error})"
        raise ValueError(f"{why}: name another, or --port 0 for any that is free") from None
    return listener


class _Server(uvicorn.Server):
    """Closes the table when it is told to end, so that no request waits for a search."""

    def __init__(self, config: uvicorn.Config, table: Table):
        super().__init__(config)
        self._table = table

    def handle_exit(self, sig: int, frame: Any) -> None:
        self._table.close()
        super().handle_exit(sig, frame)


def make_server(table: Table, port: int) -> uvicorn.Server:
    """The server for `uvicorn.Server.run` with a socket that listens on `port`."""
    app = make_app(table, frozenset({f"{HOST}:{port}", f"localhost:{port}"}))
    config = uvicorn.Config(
        app,
        log_level="warning",
        lifespan="off",
        ws="none",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    return _Server(config, table)


def make_app(table: Table, hosts: frozenset[str]) -> ASGIApp:
    """The page's files under `/`, the table's answers under `/api/`, for these hosts only."""
    routes = [
        Route("/" if path.name == "index.html" else f"/{path.name}", _file(path))
        for path in sorted(PAGE.iterdir())
        if path.suffix in KINDS
    ]
    answers = (table.facts, table.status, table.problem, table.position, table.read, table.think)
    routes += [
        Route(f"/api/{answer.__name__}", _asked(table, answer), methods=["POST"])
        for answer in answers
    ]
    return Guard(Starlette(routes=routes), hosts)


def _file(path: Path) -> Callable[[Request], Any]:
    """Answers with one of the page's files; no name from outside becomes a path."""
    content = path.read_bytes()

    async def answer(request: Request) -> Response:
        return Response(content, media_type=KINDS[path.suffix])

    return answer


def _asked(
    table: Table, answer: Callable[[Question], dict[str, Any] | Future[dict[str, Any]]]
) -> Any:
    """Reads a question, and answers it in JSON; what is wrong with it is told with status 400."""

    async def asked(request: Request) -> Response:
        try:
            found = await run_in_threadpool(answer, _question(await request.body()))
            if isinstance(found, Future):
                found = await _result(found, table)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(found)

    return asked


async def _result(future: Future[dict[str, Any]], table: Table) -> dict[str, Any]:
    """What a search found; does not wait for it once the table is closed, which is a ValueError."""
    waiting = asyncio.wrap_future(future)
    while not table.closed:
        done, _ = await asyncio.wait({waiting}, timeout=0.2)
        if done and not waiting.cancelled():
            return waiting.result()
    waiting.cancel()
    raise ValueError("the server has ended")


def _question(body: bytes) -> Question:
    """The question in a request's JSON. Raises ValueError if it is none."""
    try:
        values = json.loads(body)
        if not isinstance(values, dict):
            raise ValueError(f"a question is a JSON object, got {type(values).__name__}")
        return dacite.from_dict(Question, values, dacite.Config(strict=True))
    except (dacite.DaciteError, RecursionError) as error:
        raise ValueError(f"this question does not fit: {error}") from error

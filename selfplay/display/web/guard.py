"""Keeps a server on the loopback address to its own page.

Any page that a browser has open can send requests to this machine, and a name of its own can be
made to mean 127.0.0.1 (DNS rebinding). So the host must be one of ours, a request that asks for
work must come from our page and be JSON, and the page may load nothing from elsewhere.
"""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 2**18
"""Bytes of a request; as many moves as an episode can have fit."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Of every response."""


class Guard:
    """An application, behind checks of each request's host, origin, kind and size."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]):
        """Only requests to `hosts` (each as HOST:PORT) pass."""
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; a refused one never reaches the application."""
        if scope["type"] != "http":
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope))
        app = self._app if refusal is None else JSONResponse({"error": refusal[1]}, refusal[0])
        await app(scope, receive, with_headers)

    def _refusal(self, method: str, headers: Headers) -> tuple[int, str] | None:
        """The status and message with which to refuse a request; None to let it pass."""
        host = headers.get("host", "")
        if host not in self._hosts:
            return 421, f"this server answers to {', '.join(sorted(self._hosts))}, got {host!r}"
        if method in ("GET", "HEAD"):
            return None
        if headers.get("origin") != f"http://{host}":
            return 403, "only this server's own page may ask for that"
        if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return 415, "the request must be application/json"
        length = headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            return 411, "the request must say its Content-Length"
        if int(length) > MAX_BODY:
            return 413, f"a request may have {MAX_BODY:,} bytes, got {int(length):,}"
        return None

"""What stands between the network and Gradio: limits on what is sent here, and no doors that the page does not use."""

import re
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mtinst.page import texts

UPLOAD = re.compile(r"/gradio_api/upload/?")
FORM_BYTES = 100_000
"""What a form adds to the file in it."""
MESSAGE_BYTES = 1_000_000
"""What a click sends is much smaller."""

# Gradio answers these too. The page uses none of them; they would fetch other addresses, write files, take uploads
# around the limit, or tell what others do.
CLOSED = re.compile(
    r"/(?:gradio_api/)?(?:"
    r"file=\s*[a-z][a-z0-9+.-]+:|file/|proxy=|stream/|deep_link|run-history|runs|monitoring|profiling|component_server|"
    r"process_recording|vibe-|undo-vibe-|dev/|custom_component/|openapi\.json|docs|redoc"
    r").*",
    re.IGNORECASE | re.DOTALL,
)

# A page from here asks nothing of anybody else. Gradio's own scripts are inline and compile functions.
POLICY = "; ".join(
    (
        "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}


class Guard:
    """ASGI middleware that refuses before anything is read.

    Parameters
    ----------
    app : ASGI application
    max_file_bytes : float
        Largest file that may be uploaded.
    """

    def __init__(self, app: ASGIApp, max_file_bytes: float) -> None:
        self.app = app
        self.max_file_bytes = max_file_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(scope)
        await (self.app if refusal is None else refusal)(scope, receive, send_guarded)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        """Why a request is not handed on, if so."""
        path: str = scope["path"]
        if CLOSED.fullmatch(path):
            return PlainTextResponse("Not Found", status_code=404)
        if scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return None
        length = Headers(scope=scope).get("content-length", "")
        if not (length.isascii() and length.isdecimal()):
            return PlainTextResponse("Length Required", status_code=411)
        most = self.max_file_bytes + FORM_BYTES if UPLOAD.fullmatch(path) else MESSAGE_BYTES
        if int(length[:20]) > most:  # no number of more digits is smaller
            return PlainTextResponse(texts.BODY_TOO_LARGE, status_code=413)
        return None


def visitor_address(connection: HTTPConnection) -> str:
    """Where a visitor comes from, to tell visitors apart.

    Behind a proxy of the same house, whose address is a private one, that is what the proxy says: the last public
    address of ``X-Forwarded-For``. From outside that header is not believed.

    Examples
    --------
    >>> scope = {"type": "http", "client": ("10.0.0.7", 4711), "headers": [(b"x-forwarded-for", b"1.2.3.4, 8.8.8.8")]}
    >>> visitor_address(HTTPConnection(scope))
    '8.8.8.8'
    >>> visitor_address(HTTPConnection(scope | {"client": ("9.9.9.9", 4711)}))
    '9.9.9.9'
    """
    peer = "" if connection.client is None else connection.client.host
    if _is_public(peer):
        return peer
    named = [name.strip() for name in connection.headers.get("x-forwarded-for", "").split(",")]
    return next((name for name in reversed(named) if _is_public(name)), peer)


def _is_public(address: str) -> bool:
    try:
        return ip_address(address).is_global
    except ValueError:
        return False

"""The addresses that the page's server answers besides Gradio's own: scripts, what players load, files to take away."""

import hashlib
import re
from functools import cache, partial
from pathlib import Path

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from mtinst.errors import MtinstError
from mtinst.grid import INSTRUMENT_NAMES
from mtinst.page import entries, texts
from mtinst.page.guard import visitor_address
from mtinst.page.player.song import PROBABILITIES
from mtinst.page.studio import Studio
from mtinst.page.takeaway import make, offers, safe_stem

HERE = Path(__file__).parent
# Below Gradio's own prefix, which proxies in front of a page let through.
TAKE_PREFIX = "gradio_api/take"
KEPT_PREFIX = "gradio_api/kept"
MODULES_PREFIX = "gradio_api/modules"
FOR_EVER = {"cache-control": "public, max-age=31536000, immutable"}
KEPT_KEY = re.compile(r"(source|view|files|preview)-[0-9a-f]{32}")
KEPT_FILES = frozenset(
    (entries.ORIGINAL, entries.SONG, PROBABILITIES, *(f"{instrument}.flac" for instrument in INSTRUMENT_NAMES))
)
AT_ONCE = 2
"""Files to take away that are made at a time; more wait, so that they cannot take all of the server's threads. Those of
sound and all others count apart, since sound may have to wait until other people's songs are done."""


def kept_url(path: Path) -> str:
    """Where a file of a result is, relative to the page, so that it also works behind a proxy.

    Examples
    --------
    >>> kept_url(Path("/tmp/cache/view-12ab/song.json"))
    'gradio_api/kept/view-12ab/song.json'
    """
    return f"{KEPT_PREFIX}/{path.parent.name}/{path.name}"


def take_url(key: str, slug: str) -> str:
    """Where a result's file is, relative to the page.

    Examples
    --------
    >>> take_url("view-12ab", "midi")
    'gradio_api/take/view-12ab/midi'
    """
    return f"{TAKE_PREFIX}/{key}/{slug}"


@cache
def modules() -> dict[str, bytes]:
    """The scripts of the page and of the player by their addresses, relative to the page.

    All addresses change with any of the scripts, so that none that a browser has kept imports one of another age.
    """
    scripts = {path.relative_to(HERE).as_posix(): path.read_bytes() for path in sorted(HERE.glob("*/*.js"))}
    version = hashlib.sha256(b"".join(scripts.values())).hexdigest()[:16]
    return {f"{MODULES_PREFIX}/{version}/{name}": script for name, script in scripts.items()}


def module_url(path: Path) -> str:
    """Where a script is, relative to the page."""
    return next(url for url in modules() if url.endswith(f"/{path.relative_to(HERE).as_posix()}"))


def modules_route() -> Route:
    """The route that sends the scripts, and nothing else that lies beside them."""

    def module(request: Request) -> Response:
        script = modules().get(f"{MODULES_PREFIX}/{request.path_params['path']}")
        if script is None:
            return PlainTextResponse(texts.NO_SUCH_FILE, status_code=404)
        return Response(script, media_type="text/javascript", headers=FOR_EVER)

    return Route(f"/{MODULES_PREFIX}/{{path:path}}", module)


def kept_route(studio: Studio) -> Route:
    """The route that sends what players load, and nothing else that may lie in the cache's folder."""

    def kept(request: Request) -> Response:
        key, name = request.path_params["key"], request.path_params["name"]
        is_known = KEPT_KEY.fullmatch(key) is not None and name in KEPT_FILES
        folder = studio.cache.find(key) if is_known else None
        if folder is None or not (folder / name).is_file():
            return PlainTextResponse(texts.NO_SUCH_FILE, status_code=404)
        return FileResponse(folder / name)

    return Route(f"/{KEPT_PREFIX}/{{key}}/{{name}}", kept)


def take_route(studio: Studio) -> Route:
    """The route that makes a file and sends it under the song's name; a sentence and status 404 when it cannot."""
    by_slug = offers()
    limiters: dict[bool, CapacityLimiter] = {}  # whether it is of sound; made where they are used, in the server's loop

    def found(request: Request) -> Response:
        try:
            offer = by_slug.get(request.path_params["slug"])
            if offer is None:
                raise MtinstError(texts.NO_SUCH_FILE)
            result = studio.open(request.path_params["key"])
            path = make(studio, result, offer, visitor_address(request))
        except MtinstError as error:
            return PlainTextResponse(str(error), status_code=404)
        return FileResponse(path, filename=f"{safe_stem(result.title)}{offer.suffix}")

    async def take(request: Request) -> Response:
        offer = by_slug.get(request.path_params["slug"])
        needs_audio = offer is not None and offer.needs_audio
        if needs_audio not in limiters:
            limiters[needs_audio] = CapacityLimiter(AT_ONCE)
        return await run_sync(partial(found, request), limiter=limiters[needs_audio])

    return Route(f"/{TAKE_PREFIX}/{{key}}/{{slug}}", take)

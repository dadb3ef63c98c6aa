"""The one address that the page's server answers besides Gradio's own: files to take away."""

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from mtinst.errors import MtinstError
from mtinst.ui import texts
from mtinst.ui.studio import Studio
from mtinst.ui.takeaway import make, offers, safe_stem

# Below Gradio's own prefix, which proxies in front of a page let through.
TAKE_PREFIX = "gradio_api/take"


def take_url(key: str, slug: str) -> str:
    """Where a result's file is, relative to the page.

    Examples
    --------
    >>> take_url("view-12ab", "midi")
    'gradio_api/take/view-12ab/midi'
    """
    return f"{TAKE_PREFIX}/{key}/{slug}"


def take_route(studio: Studio) -> Route:
    """The route that makes a file and sends it under the song's name; a sentence and status 404 when it cannot."""
    by_slug = offers()

    def take(request: Request) -> Response:
        try:
            offer = by_slug.get(request.path_params["slug"])
            if offer is None:
                raise MtinstError(texts.NO_SUCH_FILE)
            result = studio.open(request.path_params["key"])
            path = make(studio, result, offer)
        except MtinstError as error:
            return PlainTextResponse(str(error), status_code=404)
        return FileResponse(path, filename=f"{safe_stem(result.title)}{offer.suffix}")

    return Route(f"/{TAKE_PREFIX}/{{key}}/{{slug}}", take)

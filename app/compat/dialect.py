"""What the foreign APIs have in common: their own shape for errors, and a key in a header of their own."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from app.context import Context
from app.deps import get_context, viewer_of_token
from app.errors import AppError, Invalid, NotAllowed, NotSignedIn
from app.services.accounts import Viewer

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class DialectRoute(APIRoute):
    """A route whose errors are told in the words of another API. Unexpected ones stay the application's."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()

        async def handle_in_dialect(request: Request) -> Response:
            try:
                return await handle(request)
            except AppError as error:
                return self.told(error)
            except RequestValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(part) for part in first["loc"] if part != "body")
                return self.told(Invalid(f"{where}: {first['msg']}."))
            except HTTPException as error:  # how the framework says that a body is no JSON
                return self.told(Invalid(str(error.detail)))

        return handle_in_dialect

    def told(self, error: AppError) -> JSONResponse:
        raise NotImplementedError


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries for errors told in the words of another API."""
    about = {"description": "Refused, in the words of the other API.", "content": {"application/json": {}}}
    return dict.fromkeys(statuses, about)


def viewer_with_key(request: Request, token: str, scope: str | None) -> Viewer:
    """Whose API key this is.

    Raises:
        NotSignedIn: there is no key, or it is not valid (any more).
        NotAllowed: the key lacks ``scope`` (None: any key will do).
    """
    context: Context = get_context(request)
    viewer = viewer_of_token(context, token) if token else None
    if viewer is None:
        raise NotSignedIn("The API key is missing or not valid (any more).")
    if scope is not None and not viewer.may(scope):
        raise NotAllowed(f"The API key lacks the scope {scope}.", scope=scope)
    return viewer

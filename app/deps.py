"""Annotated dependencies shared by the API and the pages: sessions, and who is asking.

Sessions have scope "function": they commit before the response is sent, so that nobody is told 201 for a failed
commit. Authentication uses its own short reading session and yields a frozen Viewer, never a row.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Annotated, Any, cast

from fastapi import Depends, Header, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer

from app.context import Context
from app.db import ReadSession, WriteSession
from app.errors import NotAllowed, NotSignedIn
from app.sentences import say
from app.services import accounts
from app.services.accounts import Viewer

SESSION_COOKIE = "albumen_session"
CSRF_HEADER = "x-csrf-token"
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}

# Only so that OpenAPI says how to authenticate; the resolving is done by `_viewer_of`.
_bearer = HTTPBearer(auto_error=False, description="A session token from /auth/login, or an API key.")
_cookie = APIKeyCookie(
    name=SESSION_COOKIE,
    auto_error=False,
    description="The browser's session; with it, unsafe calls need X-CSRF-Token.",
)


async def _context_of(request: Request) -> Context:  # async, and so no hop to a thread and back
    return get_context(request)


def get_context(request: Request) -> Context:
    return cast(Context, request.app.state.context)


ContextDep = Annotated[Context, Depends(_context_of)]


def _read_session(context: ContextDep) -> Iterator[ReadSession]:
    with context.database.read() as session:
        yield session


def _write_session(context: ContextDep) -> Iterator[WriteSession]:
    with context.database.write() as session:
        yield session


ReadDb = Annotated[ReadSession, Depends(_read_session, scope="function")]
WriteDb = Annotated[WriteSession, Depends(_write_session, scope="function")]


def bearer_token(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def cookie_token(request: Request) -> str | None:
    return request.cookies.get(SESSION_COOKIE)


def csrf_token(request: Request) -> str:
    """The token a form or script of this browser session must send back; empty when nobody is signed in."""
    token = cookie_token(request)
    return accounts.csrf_token(token) if token else ""


def check_csrf(request: Request, given: str | None) -> None:
    """Refuse an unsafe request that came with the cookie but without the token only our own pages know."""
    token = cookie_token(request)
    if token is None or given is None or not accounts.same_token(given, accounts.csrf_token(token)):
        raise NotAllowed("The page is out of date. Reload it and try again.")


def check_same_origin(request: Request) -> None:
    """For forms before sign-in: refuse what another site's page sends.

    Browsers leave Sec-Fetch-Site out on plain HTTP (but to localhost); there Origin names the page's host.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is None and origin is not None:
        own = origin.partition("://")[2] == request.headers.get("host")
        site = "same-origin" if own else "cross-site"
    if site not in (None, "same-origin", "none"):
        raise NotAllowed("This form must be sent from Albumen's own page.")


def optional_viewer(request: Request) -> Viewer | None:
    """Who is signed in, for pages; None for nobody. API keys open no pages: a page asks for no scope, so the
    weakest key would show everything."""
    viewer = _viewer_of(request)
    return viewer if viewer is None or viewer.scopes is None else None


def _viewer_of(request: Request) -> Viewer | None:
    """Who is asking, by bearer token or cookie; None for nobody. An invalid bearer token is an error."""
    bearer, cookie = bearer_token(request), cookie_token(request)
    if bearer is None and cookie is None:
        return None
    viewer = viewer_of_token(get_context(request), bearer or cookie or "")
    if viewer is None and bearer is not None:
        raise NotSignedIn("The token or API key is not valid (any more).")
    return viewer


def viewer_of_token(context: Context, token: str) -> Viewer | None:
    """Whose session token or API key this is; None when it is not valid (any more)."""
    with context.database.read() as session:
        credential = accounts.resolve(session, token)
    if credential is None:
        return None
    if credential.due:
        with context.database.write() as session:
            accounts.touch(session, credential)
    return credential.viewer


def _api_viewer(
    request: Request,
    _b: Annotated[Any, Security(_bearer)] = None,
    _c: Annotated[Any, Security(_cookie)] = None,
) -> Viewer:
    viewer = _viewer_of(request)
    if viewer is None:
        raise NotSignedIn("Sign in, or send a bearer token.", headers={"WWW-Authenticate": "Bearer"})
    if bearer_token(request) is None and request.method not in _SAFE_METHODS:
        check_csrf(request, request.headers.get(CSRF_HEADER))
    return viewer


SignedIn = Annotated[Viewer, Depends(_api_viewer)]


def viewer_with(scope: str) -> Callable[[Viewer], Awaitable[Viewer]]:
    """A dependency: the viewer, if the user and the key used may do ``scope``."""

    async def check(viewer: SignedIn) -> Viewer:
        if not viewer.may(scope):
            raise NotAllowed(say("This needs the scope {scope}.", scope=scope), scope=scope)
        return viewer

    return check


PhotoReader = Annotated[Viewer, Depends(viewer_with("photos.read"))]
PhotoUploader = Annotated[Viewer, Depends(viewer_with("photos.upload"))]
PhotoWriter = Annotated[Viewer, Depends(viewer_with("photos.write"))]
AlbumReader = Annotated[Viewer, Depends(viewer_with("albums.read"))]
AlbumWriter = Annotated[Viewer, Depends(viewer_with("albums.write"))]
ImageProcessor = Annotated[Viewer, Depends(viewer_with("images"))]
Administrator = Annotated[Viewer, Depends(viewer_with("admin"))]


def _language(viewer: SignedIn, accept_language: Annotated[str, Header()] = "") -> str:
    return language_of(accept_language, viewer.language)


Language = Annotated[str, Depends(_language)]
"""``en`` or ``zh``: the language of an answer to the one who asks."""


def language_of(accept_language: str, chosen: str | None = None) -> str:
    """``zh`` or ``en``: what the user chose, else the first of the two the client asks for."""
    for part in [chosen or "", *accept_language.split(",")]:
        tag = part.split(";")[0].strip().lower()[:2]
        if tag in ("en", "zh"):
            return tag
    return "en"

"""WebDAV (RFC 4918, class 1) over albums, for programs that copy files: rclone, phone sync apps, file managers.

``/dav/`` holds a folder for every manual album; see ``app.services.clients.folders`` for what names mean. Programs
sign in by Basic authentication with an API key as the password; the user name does not matter. A file is streamed
through the same intake as every other upload, so that what is no picture is refused. Locks (class 2) are not offered.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Annotated
from urllib.parse import quote, unquote, urlsplit
from xml.sax.saxutils import escape

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import StreamingResponse

from app.api.files import send_original
from app.api.uploads import buffered
from app.context import Context
from app.deps import ContextDep, ReadDb, WriteDb, get_context, viewer_of_token
from app.errors import AppError, Conflict, Invalid, NotAllowed, NotFound, NotSignedIn, TooLarge
from app.imaging.formats import MEDIA_TYPES
from app.services import intake
from app.services.accounts import Viewer
from app.services.clients import folders
from app.services.clients.folders import File, Folder

router = APIRouter(tags=["WebDAV"], include_in_schema=False)
ROOT = "/dav"
_ALLOWED = "OPTIONS, PROPFIND, GET, HEAD, PUT, MKCOL, DELETE, MOVE"
_HEADERS = {"DAV": "1", "Allow": _ALLOWED, "MS-Author-Via": "DAV"}
_XML = "application/xml; charset=utf-8"


class _Exists(AppError):
    code, status, title = "exists", 405, "It is there already"


class _IsFolder(AppError):
    code, status, title = "is-a-folder", 405, "This is a folder"


class _Unwanted(AppError):
    code, status, title = "precondition-failed", 412, "Not under this condition"


class _TooDeep(AppError):
    code, status, title = "propfind-finite-depth", 403, "One folder at a time"


# --- who asks -------------------------------------------------------------------------------------------------


def _with(scope: str) -> Callable[[Request], Viewer]:
    def check(request: Request) -> Viewer:
        token = _password(request.headers.get("authorization", ""))
        # A session token is no app password: it opens everything and is not listed as a device.
        viewer = viewer_of_token(get_context(request), token) if token.startswith("alk_") else None
        if viewer is None:
            raise NotSignedIn(
                "Sign in with an API key as the password.",
                headers={"WWW-Authenticate": 'Basic realm="Albumen", charset="UTF-8"'},
            )
        _need(viewer, scope)
        return viewer

    return check


def _need(viewer: Viewer, scope: str) -> None:
    if not viewer.may(scope):
        raise NotAllowed(f"The API key lacks the scope {scope}.", scope=scope)


def _password(header: str) -> str:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


_Looker = Annotated[Viewer, Depends(_with("albums.read"))]
_Reader = Annotated[Viewer, Depends(_with("photos.read"))]
_Uploader = Annotated[Viewer, Depends(_with("photos.upload"))]
_Maker = Annotated[Viewer, Depends(_with("albums.write"))]
_Changer = Annotated[Viewer, Depends(_with("photos.write"))]


# --- looking --------------------------------------------------------------------------------------------------


@router.api_route("/dav", methods=["OPTIONS"])
@router.api_route("/dav/{path:path}", methods=["OPTIONS"])
def options() -> Response:
    return Response(headers=_HEADERS)


@router.api_route("/dav", methods=["PROPFIND"])
@router.api_route("/dav/{path:path}", methods=["PROPFIND"])
def propfind(
    request: Request, viewer: _Looker, session: ReadDb, context: ContextDep, path: str = ""
) -> Response:
    """All properties, whichever were asked for; a folder's files are sent as they are read."""
    depth = request.headers.get("depth", "1")
    if depth not in ("0", "1"):
        raise _TooDeep("Ask for one folder at a time (Depth: 0 or 1).")
    thing = folders.find(session, viewer, path)
    with_files = depth == "1" and isinstance(thing, Folder)
    content = _multistatus(context, viewer, thing) if with_files else _multistatus(None, viewer, thing)
    return StreamingResponse(content, status_code=207, media_type=_XML)


def _multistatus(context: Context | None, viewer: Viewer, thing: Folder | File) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="utf-8"?>\n<D:multistatus xmlns:D="DAV:">'
    with context.database.read() if context else nullcontext() as session:
        if isinstance(thing, File):
            yield _file(thing)
        else:
            yield _folder(thing)
            if session is not None:
                yield from (_folder(below) for below in folders.subfolders(session, viewer, thing))
                yield from (_file(file) for file in folders.files(session, viewer, thing))
    yield "</D:multistatus>"


def _folder(folder: Folder) -> str:
    kind = "<D:resourcetype><D:collection/></D:resourcetype>"
    href = _href(folder.path) + ("/" if folder.path else "")
    return _response(href, folder.path.rpartition("/")[2], folder.changed, kind)


def _file(file: File) -> str:
    photo = file.photo
    about = (
        f"<D:resourcetype/><D:getcontentlength>{photo.size}</D:getcontentlength>"
        f"<D:getcontenttype>{MEDIA_TYPES[photo.format]}</D:getcontenttype>"
        f'<D:getetag>"{photo.checksum}"</D:getetag>'
    )
    return _response(_href(f"{file.folder}/{file.name}"), file.name, photo.added_at, about)


def _href(path: str) -> str:
    return f"{ROOT}/{quote(path)}"


def _response(href: str, name: str, changed: datetime, about: str) -> str:
    made = changed.astimezone(UTC)
    return (
        f"<D:response><D:href>{escape(href)}</D:href><D:propstat><D:prop><D:displayname>{escape(name)}"
        f"</D:displayname><D:creationdate>{made:%Y-%m-%dT%H:%M:%SZ}</D:creationdate>"
        f"<D:getlastmodified>{format_datetime(made, usegmt=True)}</D:getlastmodified>{about}</D:prop>"
        "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>\n"
    )


@router.api_route("/dav/{path:path}", methods=["GET", "HEAD"])
def get(request: Request, viewer: _Reader, session: ReadDb, context: ContextDep, path: str) -> Response:
    """The original, byte for byte, with ranges and conditions."""
    thing = folders.find(session, viewer, path)
    if isinstance(thing, Folder):
        raise _IsFolder("This is a folder. Ask what is in it with PROPFIND.", headers={"Allow": _ALLOWED})
    answer = send_original(request, context, thing.photo, thing.name)
    answer.headers["Cache-Control"] = "private, no-cache"  # a name can come to mean another photo
    return answer


# --- changing -------------------------------------------------------------------------------------------------


@router.api_route("/dav/{path:path}", methods=["PUT"])
async def put(request: Request, viewer: _Uploader, context: ContextDep, path: str) -> Response:
    """Another file of the same name stays beside the new one as an older one."""
    if "content-range" in request.headers:
        raise Invalid("A file is put whole.", field="Content-Range")
    limit = context.settings.max_upload_bytes
    if int(request.headers.get("content-length") or 0) > limit:
        raise TooLarge(f"The file is larger than {limit / 1024**2:.0f} MB.", limit=limit)
    time = _time(request.headers.get("x-oc-mtime"))
    folder, name = await run_in_threadpool(_place, request, context, viewer, path)
    with await run_in_threadpool(context.storage.incoming) as incoming:
        try:
            async for data in buffered(request):
                await run_in_threadpool(incoming.write, data)
        except (ClientDisconnect, TimeoutError):
            raise Conflict("The connection broke.") from None
        wanted = request.headers.get("oc-checksum", "").lower()
        if wanted.startswith("sha1:") and wanted != f"sha1:{incoming.sha1}":
            raise Invalid("The bytes are not those OC-Checksum announces.", field="OC-Checksum")
        chosen = intake.Options(filename=name, file_time=time)
        added = await run_in_threadpool(intake.add_received, context, viewer, incoming, chosen)
    await run_in_threadpool(_name, context, viewer, folder, name, added)
    headers = {"ETag": f'"{added.checksum}"', **({"X-OC-MTime": "accepted"} if time else {})}
    return Response(status_code=204 if added.duplicate else 201, headers=headers)


def _place(request: Request, context: Context, viewer: Viewer, path: str) -> tuple[Folder, str]:
    with context.database.read() as session:
        folder, name = folders.place(session, viewer, path)
        if request.headers.get("if-none-match") == "*" and _is_there(session, viewer, path):
            raise _Unwanted("There is a file of this name already.")
    if folder.album_id is None:  # until now it had only folders in it
        _need(viewer, "albums.write")
        with context.database.write() as session:
            made = folders.make(session, viewer, folder.path)
            folder = Folder(folder.path, made.id, made.updated_at)
    return folder, name


def _is_there(session: ReadDb, viewer: Viewer, path: str) -> bool:
    try:
        folders.find(session, viewer, path)
    except NotFound:
        return False
    return True


def _name(context: Context, viewer: Viewer, folder: Folder, name: str, added: intake.Added) -> None:
    assert folder.album_id is not None
    with context.database.write() as session:
        folders.put(session, viewer, folder.album_id, name, added.id)


def _time(header: str | None) -> datetime | None:
    """When the file was made, as sync programs tell it: seconds since 1970."""
    try:
        return datetime.fromtimestamp(float(header), UTC) if header else None
    except (ValueError, OverflowError, OSError):
        return None


@router.api_route("/dav/{path:path}", methods=["MKCOL"], status_code=201)
def mkcol(viewer: _Maker, session: WriteDb, path: str) -> Response:
    if _is_there(session, viewer, path):
        raise _Exists("There is a file or folder of this name already.")
    folders.make(session, viewer, path)
    return Response(status_code=201)


@router.api_route("/dav/{path:path}", methods=["DELETE"])
def delete(viewer: _Changer, session: WriteDb, path: str) -> Response:
    """A file goes to the trash, unless another folder holds it too; the photos of a folder stay in the library."""
    folders.remove(session, viewer, _changeable(session, viewer, path))
    return Response(status_code=204)


@router.api_route("/dav/{path:path}", methods=["MOVE"])
def move(request: Request, viewer: _Changer, session: WriteDb, path: str) -> Response:
    target = urlsplit(request.headers.get("destination", ""))
    to = unquote(target.path)
    if not to.startswith(f"{ROOT}/") or (target.netloc and target.netloc != request.url.netloc):
        raise Invalid("The destination is an address below /dav/ on this server.", field="Destination")
    to = to.removeprefix(f"{ROOT}/")
    replaces = _is_there(session, viewer, to)
    if replaces and request.headers.get("overwrite", "T").upper() == "F":
        raise _Unwanted("There is a file or folder of this name already.")
    folders.move(session, viewer, _changeable(session, viewer, path), to)
    return Response(status_code=204 if replaces else 201)


def _changeable(session: WriteDb, viewer: Viewer, path: str) -> Folder | File:
    thing = folders.find(session, viewer, path)
    if isinstance(thing, Folder):
        _need(viewer, "albums.write")
    return thing

"""Resumable uploads: the tus protocol 1.0.0 (core, creation, creation-with-upload, checksum, expiration, termination).

The upload's metadata are the form fields of POST /photos plus ``checksum``, the whole file's SHA-256. With the last
byte the upload becomes a photo before the answer is given; ``Albumen-Photo`` then names it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from email.utils import format_datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Request
from fastapi.concurrency import contextmanager_in_threadpool, run_in_threadpool
from fastapi.routing import APIRoute
from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from app.api.forms import form_options
from app.api.schemas import Uploaded, UploadState, problems
from app.context import Context
from app.deps import ContextDep, PhotoUploader
from app.errors import AppError, Conflict, Invalid, TooLarge, UnsupportedImage
from app.sentences import say
from app.services.accounts import Viewer
from app.services.clients import resumable
from app.services.clients.resumable import State

_VERSION = "1.0.0"
_EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination"
_ALGORITHMS = ("sha1", "sha256")
_PIECE = "application/offset+octet-stream"
_BUFFER = 1024 * 1024
_STALLED = 60.0  # seconds without a byte after which a connection counts as lost and gives its lock back


class WrongVersion(AppError):
    code, status, title = "wrong-version", 412, "Another version of the protocol"


class _TusRoute(APIRoute):
    """Every answer, errors included, names the protocol's version; every request but OPTIONS and GET must."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_tus(request: Request) -> Response:
            try:
                if request.method not in ("OPTIONS", "GET"):
                    _check_version(request)
                response = await handle(request)
            except AppError as error:
                error.headers["Tus-Resumable"] = _VERSION
                raise
            response.headers["Tus-Resumable"] = _VERSION
            return response

        return handle_tus


router = APIRouter(tags=["resumable uploads"], route_class=_TusRoute)
_Offset = Annotated[int, Header(alias="Upload-Offset", ge=0)]


def _check_version(request: Request) -> None:
    if request.headers.get("tus-resumable") != _VERSION:
        raise WrongVersion(
            "Send the header Tus-Resumable: 1.0.0; that is the version spoken here.",
            headers={"Tus-Version": _VERSION},
        )


@router.options("/uploads", status_code=204, summary="What of tus is spoken here")
def upload_options(context: ContextDep) -> Response:
    headers = {
        "Tus-Version": _VERSION,
        "Tus-Extension": _EXTENSIONS,
        "Tus-Max-Size": str(context.settings.max_upload_bytes),
        "Tus-Checksum-Algorithm": ",".join(_ALGORITHMS),
    }
    return Response(status_code=204, headers=headers)


@router.post(
    "/uploads",
    status_code=201,
    summary="Begin a resumable upload",
    responses=problems(401, 403, 404, 412, 413, 415, 422, 429, 460, 507),
)
async def begin_upload(
    request: Request,
    viewer: PhotoUploader,
    context: ContextDep,
    upload_length: Annotated[int, Header(alias="Upload-Length", ge=0)],
    upload_metadata: Annotated[str, Header(alias="Upload-Metadata", max_length=8192)] = "",
) -> Response:
    """`Location` is where the bytes go; some may come with this request already."""
    fields = _metadata(upload_metadata)
    checksum = fields.pop("checksum", "").lower() or None
    if checksum and not re.fullmatch(r"[0-9a-f]{64}", checksum):
        raise Invalid("The checksum is a SHA-256 in hexadecimal.", field="checksum")
    chosen = form_options(FormData(list(fields.items())), fields.get("filename") or fields.get("name", ""))
    upload_id = await run_in_threadpool(resumable.create, context, viewer, upload_length, chosen, checksum)
    has_bytes = request.headers.get("content-type", "").startswith(_PIECE)
    now = None
    if has_bytes or upload_length == 0:
        now = await _receive(request, context, viewer, upload_id, 0)
    else:
        now = await run_in_threadpool(resumable.state, context, viewer, upload_id)
    location = {"Location": str(request.url_for("upload_head", upload_id=upload_id).path)}
    return Response(status_code=201, headers={**_headers(now), **location})


@router.head(
    "/uploads/{upload_id}",
    name="upload_head",
    summary="How far an upload is",
    responses=problems(401, 403, 404, 410, 412, 422),
)
def upload_head(viewer: PhotoUploader, context: ContextDep, upload_id: UUID) -> Response:
    now = resumable.state(context, viewer, upload_id)
    return Response(headers={**_headers(now), "Upload-Length": str(now.length)})


@router.get(
    "/uploads/{upload_id}",
    response_model=UploadState,
    summary="How far an upload is, as JSON",
    responses=problems(401, 403, 404, 410, 422),
)
def get_upload(viewer: PhotoUploader, context: ContextDep, upload_id: UUID) -> UploadState:
    """Not part of tus; for clients that want to know the photo an upload became."""
    now = resumable.state(context, viewer, upload_id)
    photo = None if now.added is None else Uploaded.model_validate(now.added)
    return UploadState(
        id=now.id, length=now.length, offset=now.offset, expires_at=now.expires_at, photo=photo
    )


@router.patch(
    "/uploads/{upload_id}",
    status_code=204,
    summary="Send a piece",
    responses=problems(401, 403, 404, 409, 410, 412, 413, 415, 422, 423, 460, 507),
)
async def continue_upload(
    request: Request, viewer: PhotoUploader, context: ContextDep, upload_id: UUID, upload_offset: _Offset
) -> Response:
    """`Upload-Offset` must be where the upload ends. What arrived before a connection broke is kept."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != _PIECE:
        raise UnsupportedImage(say("A piece has the content type {kind}.", kind=_PIECE))
    return Response(
        status_code=204, headers=_headers(await _receive(request, context, viewer, upload_id, upload_offset))
    )


@router.delete(
    "/uploads/{upload_id}",
    status_code=204,
    summary="Give an upload up",
    responses=problems(401, 403, 404, 410, 412, 422, 423),
)
def delete_upload(viewer: PhotoUploader, context: ContextDep, upload_id: UUID) -> Response:
    """The bytes are forgotten; a photo the upload has become stays."""
    resumable.terminate(context, viewer, upload_id)
    return Response(status_code=204)


# --- receiving ------------------------------------------------------------------------------------------------


async def _receive(request: Request, context: Context, viewer: Viewer, upload_id: UUID, offset: int) -> State:
    """Take the request's body, and make the photo when it was the last piece."""
    now = await run_in_threadpool(resumable.state, context, viewer, upload_id)
    if now.added is not None:
        if offset != now.length:
            raise Conflict("The upload is finished.", offset=now.length)
        return now
    if offset + int(request.headers.get("content-length") or 0) > now.length:
        raise TooLarge("More bytes come than the upload was announced to have.", limit=now.length)
    checksum = _checksum(request.headers.get("upload-checksum"))
    appending = resumable.append(context, viewer, upload_id, offset, checksum)
    async with contextmanager_in_threadpool(appending) as piece:
        try:
            async for data in buffered(request):
                await run_in_threadpool(piece.write, data)
        except (ClientDisconnect, TimeoutError):
            await run_in_threadpool(piece.broken)
            raise Conflict("The connection broke.", offset=piece.offset) from None
        await run_in_threadpool(piece.end)
        expires = await run_in_threadpool(resumable.prolong, context, upload_id)
        if piece.offset == now.length:
            return await run_in_threadpool(resumable.complete, context, viewer, upload_id)
        return State(upload_id, now.length, piece.offset, expires, None)


async def buffered(request: Request) -> AsyncIterator[bytes]:
    """The body in large pieces: one hop to a thread for a megabyte. What came before a break is given out first.

    Raises:
        ClientDisconnect, TimeoutError: the connection is gone, or nothing has come for too long.
    """
    buffer = bytearray()
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(_STALLED):
                chunk = await anext(stream, None)
        except (ClientDisconnect, TimeoutError):
            yield bytes(buffer)
            raise
        if chunk is None:
            break
        buffer += chunk
        if len(buffer) >= _BUFFER:
            yield bytes(buffer)
            buffer.clear()
    yield bytes(buffer)


def _checksum(header: str | None) -> tuple[str, bytes] | None:
    if header is None:
        return None
    algorithm, _, encoded = header.partition(" ")
    try:
        digest = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if algorithm not in _ALGORITHMS or not digest:
        raise Invalid(
            say("Upload-Checksum is one of {known}, a space, and base64.", known=", ".join(_ALGORITHMS)),
            field="Upload-Checksum",
        )
    return algorithm, digest


def _metadata(header: str) -> dict[str, str]:
    """Pairs of a name and a base64 value, separated by commas; a name alone is empty."""
    fields = {}
    for pair in header.split(","):
        name, _, value = pair.strip().partition(" ")
        if name:
            try:
                fields[name] = base64.b64decode(value, validate=True).decode()
            except (binascii.Error, ValueError):
                raise Invalid(
                    say("The metadata {name} is not base64 of UTF-8 text.", name=name),
                    field="Upload-Metadata",
                ) from None
    return fields


def _headers(now: State) -> dict[str, str]:
    headers = {
        "Upload-Offset": str(now.offset),
        "Upload-Expires": format_datetime(now.expires_at, usegmt=True),
        "Cache-Control": "no-store",
    }
    if now.added is not None:
        headers["Albumen-Photo"] = str(now.added.id)
        headers["Albumen-Duplicate"] = "true" if now.added.duplicate else "false"
    return headers

"""Around every request: an id, one log line, metrics, security headers, and a limit on the body."""

from __future__ import annotations

import logging
import time
from uuid import uuid4

from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette_compress import CompressMiddleware, add_compress_type, remove_compress_type

from app.errors import TooLarge
from app.logs import request_id
from app.sentences import say
from app.settings import Settings

log = logging.getLogger("albumen.request")

REGISTRY = CollectorRegistry()
_REQUESTS = Counter(
    "albumen_requests", "Requests by route and status.", ["method", "route", "status"], registry=REGISTRY
)
_SECONDS = Histogram(
    "albumen_request_seconds", "Time to answer, by route.", ["method", "route"], registry=REGISTRY
)

_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
_SMALL_BODY = 2 * 1024 * 1024
_ID_LISTS = 16 * 1024 * 1024
_PICTURES_IN_JSON = ("/api/v1/photos/base64", "/api/v1/search/picture", "/search/picture")
_FORM_OVERHEAD = 1024 * 1024


# What is compressed is a list of types, and pictures are not in it. Pages hold a secret (the forms' token) beside words
# of the request, so that their compressed size would tell about the secret; events have to arrive at once.
_NOT_COMPRESSED = ("text/html", "text/event-stream", "image/bmp")
_COMPRESSED = ("application/problem+json", "application/xml")


def install_middleware(app: FastAPI, settings: Settings) -> None:
    for kind in _COMPRESSED:
        add_compress_type(kind)
    for kind in _NOT_COMPRESSED:
        remove_compress_type(kind)
    app.add_middleware(CompressMiddleware, minimum_size=1024, zstd_level=4, gzip_level=5, brotli=False)
    app.add_middleware(_Requests, settings=settings)


class _Requests:
    """Pure ASGI, so that streamed bodies in both directions stay streams."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        token = request_id.set(uuid4().hex[:12])
        started, status = time.perf_counter(), 500

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _merged(message["headers"], request_id.get() or "")
            await send(message)

        limit = self._body_limit(scope["path"])
        try:
            await self.app(scope, _limited(receive, limit), send_with_headers)
        finally:
            self._record(scope, status, time.perf_counter() - started)
            request_id.reset(token)

    def _body_limit(self, path: str) -> int:
        if path in _PICTURES_IN_JSON or path.startswith(("/api/v1/images/", "/v1.0/", "/v2/")):
            return self.settings.max_base64_bytes
        if path in ("/api/v1/photos", "/api/assets") or path.startswith(("/api/v1/uploads", "/dav/")):
            return self.settings.max_upload_bytes + _FORM_OVERHEAD
        if path.startswith(("/api/assets/", "/api/albums")):
            return _ID_LISTS
        if path.startswith("/api/v1/shares/") and path.endswith("/photos"):
            return self.settings.max_upload_bytes + _FORM_OVERHEAD
        if path in ("/upload", "/share-target") or (path.startswith("/s/") and path.endswith("/photos")):
            return 20 * self.settings.max_upload_bytes
        return _SMALL_BODY

    def _record(self, scope: Scope, status: int, seconds: float) -> None:
        route = template(scope)
        _REQUESTS.labels(scope["method"], route, status).inc()
        _SECONDS.labels(scope["method"], route).observe(seconds)
        if route not in ("/healthz", "/readyz", "/metrics"):
            # The route template, not the path or query: searches and file names are nobody's business in a log.
            log.info(
                "request",
                extra={
                    "method": scope["method"],
                    "route": route,
                    "status": status,
                    "ms": round(seconds * 1000),
                },
            )


def template(scope: Scope) -> str:
    """The route's whole path with its parameters' names, and never their values: they are names of files and albums.

    A router knows only its own part of the path, so what stands before the part that its pattern takes is put back.
    """
    route = scope.get("route")
    own, pattern = getattr(route, "path", None), getattr(route, "path_regex", None)
    if own is None or pattern is None:
        return "unmatched"
    path = scope["path"]
    starts = [at for at, sign in enumerate(path) if sign == "/"] or [0]
    return next((path[:at] + own for at in starts if pattern.match(path[at:])), own)


def _merged(headers: list[tuple[bytes, bytes]], request: str) -> list[tuple[bytes, bytes]]:
    present = {name.lower() for name, _ in headers}
    extra = {**_HEADERS, "x-request-id": request}
    return [*headers, *((k.encode(), v.encode()) for k, v in extra.items() if k.encode() not in present)]


def _limited(receive: Receive, limit: int) -> Receive:
    received = 0

    async def receive_within_limit() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise TooLarge(
                say("The request is larger than the {size:.0f} MiB allowed here.", size=limit / 1024**2),
                limit=limit,
            )
        return message

    return receive_within_limit

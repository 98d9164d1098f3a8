"""Every route and everyone: who may do what is written down here, and a route that is missing here fails.

Each row says who may call a route, with which scope, and what they get. The columns of a rule are the expected
statuses of: nobody, the owner of the thing, another user, an administrator, and a key of the owner that has every
scope but the one needed. ``OK`` stands for the row's own success. Whoever is refused must not have changed anything.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from app.db import new_id
from app.services import accounts
from tests.api.world import V1, Objects, World, installed
from tests.conftest import Drawn, make_user

OK = 0
ACTORS = ("nobody", "owner", "other", "admin", "weak key")
Rule = tuple[int, int, int, int, int]

OPEN: Rule = (OK, OK, OK, OK, OK)  # for the whole world
ANYONE: Rule = (401, OK, OK, OK, 403)  # about the caller's own things
OWNER: Rule = (401, OK, 404, 404, 403)  # about a thing of one user: nobody else's, the administrator included
ADMIN: Rule = (401, 403, 403, OK, 403)
SESSION: Rule = (401, OK, OK, OK, 403)  # a person only: no key, whatever its scopes
OWN_SESSION: Rule = (401, OK, 404, 404, 403)
ANY_KEY: Rule = (401, OK, OK, OK, OK)  # no scope is needed
PAGE: Rule = (401, OK, OK, OK, 401)  # keys open no pages
OWN_PAGE: Rule = (401, OK, 404, 404, 401)
ADMIN_PAGE: Rule = (401, 403, 403, OK, 401)


@dataclass(frozen=True)
class Row:
    """What is expected of one route; ``send`` makes the request's body from the objects it is about."""

    rule: Rule
    scope: str | None = None
    ok: int = 200
    send: Callable[[Objects], dict[str, Any]] = field(default=lambda _objects: {})
    call: bool = True  # False: success is not tried (an endless answer), only the refusals are


def body(**values: Any) -> Callable[[Objects], dict[str, Any]]:
    return lambda _objects: {"json": values}


def form(**values: str) -> Callable[[Objects], dict[str, Any]]:
    return lambda _objects: {"data": values}


def tus(**headers: str) -> Callable[[Objects], dict[str, Any]]:
    return lambda _objects: {"headers": {"Tus-Resumable": "1.0.0", **headers}}


def picture(name: str) -> Callable[[Objects], dict[str, Any]]:
    return lambda objects: {"files": {name: ("a.jpg", objects.world.draw())}}


def bare(status: int) -> Row:
    """A facade's route called with an empty body: past the door it is a bad request."""
    return Row(ANYONE, "images", status, body())


READ, UPLOAD, WRITE = "photos.read", "photos.upload", "photos.write"
ALBUMS, ALBUMS_WRITE = "albums.read", "albums.write"
TEXT = {"Content-Type": "text/plain"}

ROWS: dict[str, Row] = {
    # accounts
    f"POST {V1}/auth/setup": Row(OPEN, ok=409, send=body(username="x", password="long enough")),
    f"POST {V1}/auth/login": Row(OPEN, ok=401, send=body(username="nobody", password="long enough")),
    f"POST {V1}/auth/logout": Row(ANY_KEY, ok=204),
    f"GET {V1}/auth/me": Row(ANY_KEY),
    f"GET {V1}/auth/keys": Row(ANY_KEY),
    f"POST {V1}/auth/keys": Row(SESSION, ok=201, send=body(name="k", scopes=["images"])),
    f"DELETE {V1}/auth/keys/{{key_id}}": Row(OWN_SESSION, ok=204),
    f"POST {V1}/auth/pairings": Row(SESSION, ok=201, send=body(name="k", scopes=["images"])),
    f"POST {V1}/auth/pair": Row(OPEN, ok=404, send=body(code="2222-2222-2222-2222")),
    f"GET {V1}/users": Row(ADMIN, "admin"),
    f"POST {V1}/users": Row(
        ADMIN, "admin", 201, lambda o: {"json": {"username": f"user {new_id()}", "password": "long enough"}}
    ),
    f"PATCH {V1}/users/{{user_id}}": Row(ADMIN, "admin", send=body(disabled=True)),
    # photos
    f"POST {V1}/photos": Row(ANYONE, UPLOAD, 201, picture("file")),
    f"POST {V1}/photos/base64": Row(
        ANYONE, UPLOAD, 201, lambda o: {"json": {"data": base64.b64encode(o.world.draw()).decode()}}
    ),
    f"POST {V1}/photos/exists": Row(ANYONE, UPLOAD, send=body(checksums=[])),
    f"GET {V1}/photos": Row(ANYONE, READ),
    f"POST {V1}/photos/get": Row(ANYONE, READ, send=body(ids=[])),
    f"GET {V1}/timeline": Row(ANYONE, READ),
    f"GET {V1}/timeline/{{month}}": Row(ANYONE, READ),
    f"POST {V1}/photos/download": Row(OWNER, READ, send=lambda o: {"json": {"ids": [o["photo_id"]]}}),
    f"DELETE {V1}/jobs/{{job_id}}/edits": Row(OWNER, WRITE, 422),  # a job of another kind
    f"POST {V1}/photos/batch": Row(
        ANYONE, WRITE, send=lambda o: {"json": {"action": "delete", "ids": [o["photo_id"]]}}
    ),
    f"GET {V1}/photos/{{photo_id}}": Row(OWNER, READ),
    f"PATCH {V1}/photos/{{photo_id}}": Row(OWNER, WRITE, send=body(title="mine")),
    f"DELETE {V1}/photos/{{photo_id}}": Row(OWNER, WRITE, 204),
    f"POST {V1}/photos/{{photo_id}}/restore": Row(OWNER, WRITE, 204),
    f"DELETE {V1}/trash": Row(ANYONE, WRITE, 204),
    f"PUT {V1}/photos/{{photo_id}}/tags/{{slug}}": Row(OWNER, WRITE, 204),
    f"DELETE {V1}/photos/{{photo_id}}/tags/{{slug}}": Row(OWNER, WRITE, 204),
    f"DELETE {V1}/photos/{{photo_id}}/tags/{{slug}}/verdict": Row(OWNER, WRITE, 204),
    f"GET {V1}/photos/{{photo_id}}/original": Row(OWNER, READ),
    f"HEAD {V1}/photos/{{photo_id}}/original": Row(OWNER, READ),
    f"GET {V1}/photos/{{photo_id}}/rendition/{{kind}}": Row(OWNER, READ),
    f"HEAD {V1}/photos/{{photo_id}}/rendition/{{kind}}": Row(OWNER, READ),
    # shares
    f"POST {V1}/albums/{{album_id}}/shares": Row(OWNER, ALBUMS_WRITE, 201, body()),
    f"POST {V1}/photos/{{photo_id}}/shares": Row(OWNER, WRITE, 201, body()),
    f"GET {V1}/shares": Row(ANYONE, READ),
    f"DELETE {V1}/shares/{{share_id}}": Row(OWNER, ALBUMS_WRITE, 204),
    f"GET {V1}/shares/{{token}}": Row(OPEN),
    f"POST {V1}/shares/{{token}}/unlock": Row(OPEN, send=body(password="any")),  # it has none
    f"GET {V1}/shares/{{token}}/photos": Row(OPEN),
    f"POST {V1}/shares/{{token}}/photos": Row(OPEN, ok=403, send=picture("file")),  # for looking only
    f"GET {V1}/shares/{{token}}/photos/{{photo_id}}/rendition/{{kind}}": Row(OPEN),
    f"GET {V1}/shares/{{token}}/photos/{{photo_id}}/original": Row(OPEN, ok=403),  # for looking only
    "GET /s/{token}": Row(OPEN),
    "POST /s/{token}": Row(OPEN, ok=303, send=form(password="any")),
    "POST /s/{token}/photos": Row(OPEN, ok=403, send=picture("file")),
    "GET /shares": Row(PAGE),
    "GET /shares/new": Row(OWN_PAGE, send=lambda o: {"params": {"photo": o["photo_id"]}}),
    "POST /shares": Row(OWN_PAGE, send=lambda o: {"data": {"album": o["album_id"], "days": "7"}}),
    "POST /shares/{share_id}/revoke": Row(OWN_PAGE, ok=303),
    # delta sync
    f"GET {V1}/changes": Row(ANYONE, READ),
    f"GET {V1}/changes/counts": Row(ANYONE, READ),
    # resumable uploads
    f"OPTIONS {V1}/uploads": Row(OPEN, ok=204),
    f"POST {V1}/uploads": Row(ANYONE, UPLOAD, 201, tus(**{"Upload-Length": "10"})),
    f"HEAD {V1}/uploads/{{upload_id}}": Row(OWNER, UPLOAD, send=tus()),
    f"GET {V1}/uploads/{{upload_id}}": Row(OWNER, UPLOAD),
    f"PATCH {V1}/uploads/{{upload_id}}": Row(
        OWNER, UPLOAD, 204, tus(**{"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"})
    ),
    f"DELETE {V1}/uploads/{{upload_id}}": Row(OWNER, UPLOAD, 204, tus()),
    # albums and tags
    f"GET {V1}/albums": Row(ANYONE, ALBUMS),
    f"POST {V1}/albums": Row(ANYONE, ALBUMS_WRITE, 201, body(title="New")),
    f"GET {V1}/albums/{{album_id}}": Row(OWNER, ALBUMS),
    f"PATCH {V1}/albums/{{album_id}}": Row(OWNER, ALBUMS_WRITE, send=body(title="Changed")),
    f"DELETE {V1}/albums/{{album_id}}": Row(OWNER, ALBUMS_WRITE, 204),
    f"POST {V1}/albums/{{album_id}}/restore": Row(OWNER, ALBUMS_WRITE),
    f"GET {V1}/albums/{{album_id}}/photos": Row(OWNER, ALBUMS),
    f"PUT {V1}/albums/{{album_id}}/photos/{{photo_id}}": Row(OWNER, ALBUMS_WRITE, 204),
    f"DELETE {V1}/albums/{{album_id}}/photos/{{photo_id}}": Row(OWNER, ALBUMS_WRITE, 204),
    f"POST {V1}/queries/parse": Row(ANYONE, READ, send=body(query="year:2024")),
    f"GET {V1}/albums/suggestions": Row(ANYONE, ALBUMS),
    f"GET {V1}/albums/rules": Row(ANYONE, ALBUMS),
    f"POST {V1}/albums/rules": Row(
        ANYONE, ALBUMS_WRITE, send=lambda _o: {"content": "album: A\nrule: year:2024\n", "headers": TEXT}
    ),
    f"GET {V1}/albums/{{rule_id}}/pins": Row(OWNER, ALBUMS),
    f"DELETE {V1}/albums/{{rule_id}}/pins/{{photo_id}}": Row(OWNER, ALBUMS_WRITE, 204),
    f"GET {V1}/tags": Row(ANYONE, READ),
    f"POST {V1}/tags": Row(
        OWNER, WRITE, 201, lambda o: {"json": {"name": "Our boat", "examples": [o["photo_id"]]}}
    ),
    f"GET {V1}/tags/hidden": Row(ANYONE, READ),
    f"GET {V1}/tags/{{slug}}/review": Row(ANYONE, READ, 404),  # it was not taught
    f"GET {V1}/tags/changed": Row(ANYONE, READ),
    f"POST {V1}/tags/merge": Row(ANYONE, WRITE, send=body(tags=["seashore"], into="beach")),
    f"POST {V1}/tags/{{slug}}/restore": Row(ANYONE, WRITE),
    f"PATCH {V1}/tags/{{slug}}": Row(ANYONE, WRITE, send=body(hidden=True)),
    f"DELETE {V1}/tags/{{slug}}": Row((401, OK, OK, OK, 403), WRITE, 403),  # the vocabulary stays
    f"GET {V1}/photos/{{photo_id}}/tags/{{slug}}/evidence": Row(OWNER, READ, 404),  # it has no such tag
    f"GET {V1}/photos/{{photo_id}}/similar": Row(OWNER, READ),
    f"GET {V1}/photos/{{photo_id}}/albums": Row(OWNER, ALBUMS),
    f"GET {V1}/photos/{{photo_id}}/explain": Row(
        OWNER, READ, 404, lambda _o: {"params": {"tag": "no-such-tag"}}
    ),
    # the library as a whole
    f"GET {V1}/suggest": Row(ANYONE, READ, send=lambda _o: {"params": {"q": "be"}}),
    f"GET {V1}/places": Row(ANYONE, READ),
    f"GET {V1}/map": Row(ANYONE, READ),
    f"GET {V1}/memories": Row(ANYONE, READ),
    f"GET {V1}/duplicates": Row(ANYONE, READ),
    f"POST {V1}/duplicates/merge": Row(
        OWNER, WRITE, send=lambda o: {"json": {"keeper": o["photo_id"], "others": [o["second_photo"]]}}
    ),
    f"POST {V1}/duplicates/merges/{{photo_merge_id}}/undo": Row(OWNER, WRITE),
    f"POST {V1}/duplicates/dismiss": Row(
        OWNER, WRITE, 204, lambda o: {"json": {"ids": [o["photo_id"], o["second_photo"]]}}
    ),
    f"DELETE {V1}/duplicates/dismiss": Row(
        OWNER, WRITE, 204, lambda o: {"params": {"ids": [o["photo_id"], o["second_photo"]]}}
    ),
    # people
    f"GET {V1}/people": Row(ANYONE, READ),
    f"GET {V1}/people/suggestions": Row(ANYONE, READ),
    f"POST {V1}/people/suggestions/{{first}}/{{second}}/accept": Row(OWNER, WRITE),
    f"POST {V1}/people/suggestions/{{first}}/{{second}}/reject": Row(OWNER, WRITE, 204),
    f"POST {V1}/people/merge": Row(
        OWNER, WRITE, send=lambda o: {"json": {"into": o["first"], "people": [o["second"]]}}
    ),
    f"POST {V1}/people/merges/{{merge_id}}/undo": Row(OWNER, WRITE),
    f"GET {V1}/people/{{person_id}}": Row(OWNER, READ),
    f"PATCH {V1}/people/{{person_id}}": Row(OWNER, WRITE, send=body(name="Mia")),
    f"GET {V1}/people/{{person_id}}/photos": Row(OWNER, READ),
    f"GET {V1}/people/{{person_id}}/faces": Row(OWNER, READ),
    f"POST {V1}/people/{{person_id}}/split": Row(
        OWNER, WRITE, 201, lambda o: {"json": {"faces": [o["face_id"]]}}
    ),
    f"POST {V1}/faces/{{face_id}}/assign": Row(OWNER, WRITE, send=body(person=None)),
    f"GET {V1}/faces/{{face_id}}/crop": Row(OWNER, READ),
    # edits and pictures that are not stored
    f"GET {V1}/enhancements": Row(ANYONE, READ),
    f"GET {V1}/photos/{{photo_id}}/suggestions": Row(OWNER, READ),
    f"POST {V1}/photos/{{photo_id}}/edits": Row(OWNER, WRITE, 202, body(recipe=[{"op": "invert"}])),
    f"POST {V1}/photos/{{photo_id}}/edits/preview": Row(OWNER, READ, send=body(recipe=[{"op": "invert"}])),
    f"GET {V1}/photos/{{photo_id}}/edits": Row(OWNER, READ),
    f"GET {V1}/edits/{{edit_id}}": Row(OWNER, READ),
    f"GET {V1}/edits/{{edit_id}}/file": Row(OWNER, READ, 409),  # not rendered yet
    f"GET {V1}/edits/{{edit_id}}/preview": Row(OWNER, READ, 409),
    f"DELETE {V1}/edits/{{edit_id}}": Row(OWNER, WRITE, 204),
    f"POST {V1}/edits/{{edit_id}}/restore": Row(OWNER, WRITE),
    f"POST {V1}/edits/{{edit_id}}/copy": Row(OWNER, WRITE, 409),
    f"POST {V1}/images/process": Row(ANYONE, "images", 422, body(image="#")),
    f"POST {V1}/images/analyze": Row(ANYONE, "images", 422, body(image="#")),
    f"POST {V1}/search/picture": Row(ANYONE, READ, 422, body(image="#")),
    # work
    f"GET {V1}/jobs": Row(ANYONE, READ),
    f"GET {V1}/jobs/{{job_id}}": Row(OWNER, READ),
    f"POST {V1}/jobs/{{job_id}}/cancel": Row(OWNER, WRITE),
    f"POST {V1}/jobs/pause": Row(ANYONE, WRITE),
    f"POST {V1}/jobs/resume": Row(ANYONE, WRITE),
    f"POST {V1}/jobs/retry-failed": Row(ANYONE, WRITE),
    f"POST {V1}/jobs/{{job_id}}/retry": Row(OWNER, WRITE, 409),  # nothing failed
    f"GET {V1}/events": Row(ANYONE, READ, call=False),
    f"GET {V1}/admin/stats": Row(ADMIN, "admin"),
    f"GET {V1}/admin/models": Row(ADMIN, "admin"),
    f"POST {V1}/admin/retag": Row(ADMIN, "admin", 202, body(query="", stages=["tags"])),
    f"GET {V1}/admin/retag": Row(ADMIN, "admin"),
    f"GET {V1}/admin/retag/{{campaign_id}}": Row(ADMIN, "admin"),
    f"POST {V1}/admin/retag/{{campaign_id}}/pause": Row(ADMIN, "admin"),
    f"POST {V1}/admin/retag/{{campaign_id}}/resume": Row(ADMIN, "admin", 409),  # it is not paused
    f"POST {V1}/admin/retag/{{campaign_id}}/cancel": Row(ADMIN, "admin"),
    f"POST {V1}/admin/retag/{{campaign_id}}/undo": Row(ADMIN, "admin", 409),  # it still runs
    f"POST {V1}/admin/retag/try": Row(ADMIN, "admin", 202, body(query="", stages=["tags"], sample=1)),
    f"POST {V1}/admin/models/fetch": Row(ADMIN, "admin", 404, body(model="no/such@model")),
    f"POST {V1}/admin/models/measure": Row(ADMIN, "admin", 404, body(model="no/such@model")),
    f"POST {V1}/admin/models/choose": Row(ADMIN, "admin", 422, body(model="no/such@model")),
    f"GET {V1}/admin/storage": Row(ADMIN, "admin"),
    f"POST {V1}/admin/check": Row(ADMIN, "admin", 202, body()),
    f"GET {V1}/admin/health": Row(ADMIN, "admin"),
    # other products' APIs
    "POST /v1.0/image/tagging": bare(400),
    "POST /v2/{project_id}/image/tagging": bare(400),
    "POST /v1.0/vision/dark-enhance": bare(400),
    "POST /v1.0/vision/defog": bare(400),
    "POST /v1.0/vision/super-resolution": bare(400),
    "GET /.well-known/immich": Row(OPEN),
    "GET /api/server/ping": Row(OPEN),
    "GET /api/server/version": Row(OPEN),
    "GET /api/server/media-types": Row(OPEN),
    "GET /api/server/about": Row(ANY_KEY),
    "GET /api/users/me": Row(ANY_KEY),
    "GET /api/api-keys/me": Row(ANY_KEY),
    "GET /api/assets/statistics": Row(ANYONE, READ),
    "POST /api/assets/bulk-upload-check": Row(ANYONE, UPLOAD, send=body(assets=[])),
    "POST /api/assets": Row(ANYONE, UPLOAD, 201, picture("assetData")),
    "GET /api/albums": Row(ANYONE, ALBUMS),
    "POST /api/albums": Row(ANYONE, ALBUMS_WRITE, 201, body(albumName="New")),
    "PUT /api/albums/{album_id}/assets": Row(
        OWNER, ALBUMS_WRITE, send=lambda o: {"json": {"ids": [o["photo_id"]]}}
    ),
    # albums as folders; every actor comes with a key, because nothing else opens them
    "OPTIONS /dav": Row(OPEN),
    "OPTIONS /dav/{path:path}": Row(OPEN),
    "PROPFIND /dav": Row(ANYONE, ALBUMS, 207),
    "PROPFIND /dav/{path:path}": Row(OWNER, ALBUMS, 207),
    "GET /dav/{path:path}": Row(OWNER, READ),
    "HEAD /dav/{path:path}": Row(OWNER, READ),
    "PUT /dav/{path:path}": Row((401, OK, 409, 409, 403), UPLOAD, 201, lambda o: {"content": o.world.draw()}),
    "MKCOL /dav/{path:path}": Row((401, OK, 409, 409, 403), ALBUMS_WRITE, 405),  # it is there already
    "DELETE /dav/{path:path}": Row(OWNER, WRITE, 204),
    "MOVE /dav/{path:path}": Row(
        OWNER, WRITE, 201, lambda _o: {"headers": {"Destination": "/dav/Folder/b.jpg"}}
    ),
    # operation
    "GET /healthz": Row(OPEN),
    "GET /readyz": Row(OPEN),
    "GET /metrics": Row(OPEN),
    # pages
    "GET /setup": Row(OPEN, ok=303),
    "POST /setup": Row(OPEN, ok=409, send=form(username="x", password="long enough")),
    "GET /sign-in": Row((200, 303, 303, 303, 200)),
    "POST /sign-in": Row(OPEN, ok=401, send=form(username="nobody", password="long enough")),
    "POST /sign-out": Row(PAGE, ok=303),
    "GET /": Row(PAGE),
    "GET /favorites": Row(PAGE),
    "GET /archive": Row(PAGE),
    "GET /trash": Row(PAGE),
    "GET /search": Row(PAGE),
    "GET /search/words": Row(PAGE),
    "GET /explore": Row(PAGE),
    "GET /tag/{slug}/review": Row(PAGE, ok=404),  # it was not taught
    "POST /tag/{slug}/review": Row(
        OWN_PAGE, ok=303, send=lambda o: {"data": {"photo": o["photo_id"], "verdict": "confirm"}}
    ),
    "POST /tag/{slug}/review/undo": Row(
        OWN_PAGE, ok=303, send=lambda o: {"params": {"photo": o["photo_id"]}}
    ),
    "GET /explore/tags": Row(PAGE),
    "POST /explore/tags/{slug}": Row(
        (401, OK, 303, 303, 401), ok=303, send=form(name_en="Strand", name_zh="海滩", parent="")
    ),
    "POST /explore/tags/{slug}/merge": Row((401, OK, 303, 303, 401), ok=303, send=form(into="boat")),
    "POST /explore/tags/{slug}/hide": Row((401, OK, 303, 303, 401), ok=303),
    "POST /explore/tags/{slug}/restore": Row((401, OK, 303, 303, 401), ok=303),
    "POST /explore/tags/{slug}/delete": Row((401, OK, 303, 303, 401), ok=303),
    "GET /people": Row(PAGE),
    "GET /person/{person_id}": Row(OWN_PAGE),
    "GET /places": Row(PAGE),
    "GET /memories": Row(PAGE),
    "GET /albums/ideas": Row(PAGE),
    "POST /album/{rule_id}/pins/{photo_id}": Row(OWN_PAGE, ok=303, send=form(pin="never")),
    "GET /duplicates": Row(PAGE),
    "POST /duplicates": Row(
        OWN_PAGE, ok=303, send=lambda o: {"data": {"keeper": o["photo_id"], "gone": o["second_photo"]}}
    ),
    "POST /duplicates/merges/{photo_merge_id}/undo": Row(OWN_PAGE, ok=303),
    "POST /duplicates/back": Row(
        OWN_PAGE, ok=303, send=lambda o: {"params": {"photos": f"{o['photo_id']}.{o['second_photo']}"}}
    ),
    "POST /people/merges/{merge_id}/undo": Row(OWN_PAGE, ok=303),
    # Somebody else's question is told in a message on the list, as one that was answered already is.
    "POST /people/suggestions/{first}/{second}": Row(
        (401, OK, 303, 303, 401), ok=303, send=form(answer="yes")
    ),
    "POST /person/{person_id}/faces": Row(
        OWN_PAGE, ok=303, send=lambda o: {"data": {"action": "split", "face": o["face_id"], "name": "Mia"}}
    ),
    "POST /person/{person_id}/hidden": Row(OWN_PAGE, ok=303, send=form(value="1")),
    "POST /person/{person_id}/merge": Row(
        OWN_PAGE, ok=303, send=lambda o: {"data": {"into": o["other_person"]}}
    ),
    "POST /person/{person_id}/name": Row(OWN_PAGE, ok=303, send=form(name="Mia")),
    "POST /person/{person_id}/return": Row(
        OWN_PAGE, ok=303, send=lambda o: {"params": {"faces": o["face_id"]}}
    ),
    "GET /photo/{photo_id}/edit": Row(OWN_PAGE),
    "GET /photo/{photo_id}/edit/style/{preset}": Row(OWN_PAGE, ok=422),  # the weights are not here
    "POST /photo/{photo_id}/edit": Row(OWN_PAGE, ok=303, send=form(operation="invert")),
    "POST /photo/{photo_id}/edits/{edit_id}/delete": Row(OWN_PAGE, ok=303),
    "POST /photo/{photo_id}/edits/{edit_id}/restore": Row(OWN_PAGE, ok=303),
    "POST /photo/{photo_id}/edits/{edit_id}/copy": Row(OWN_PAGE, ok=303),
    "GET /photo/{photo_id}": Row(OWN_PAGE),
    "GET /albums": Row(PAGE),
    "GET /album/{album_id}": Row(OWN_PAGE),
    "GET /upload": Row(PAGE),
    "GET /activity": Row(PAGE),
    "POST /photo/{photo_id}": Row(OWN_PAGE, ok=303, send=form(title="mine")),
    "POST /photo/{photo_id}/favorite": Row(OWN_PAGE, ok=303, send=form(value="1")),
    "POST /photo/{photo_id}/archive": Row(OWN_PAGE, ok=303, send=form(value="1")),
    "POST /photo/{photo_id}/delete": Row(OWN_PAGE, ok=303),
    "POST /photo/{photo_id}/restore": Row(OWN_PAGE, ok=303),
    "POST /photo/{photo_id}/purge": Row(OWN_PAGE, ok=404),  # it is not in the trash
    "POST /photo/{photo_id}/tags": Row(OWN_PAGE, ok=303, send=form(name="holiday")),
    "POST /photo/{photo_id}/tags/{slug}": Row(OWN_PAGE, ok=303, send=form(verdict="confirm")),
    "POST /photo/{photo_id}/albums": Row(OWN_PAGE, ok=303, send=lambda o: {"data": {"album": o["album_id"]}}),
    "POST /photo/{photo_id}/albums/{album_id}": Row(OWN_PAGE, ok=303),
    "POST /photo/{photo_id}/again": Row(OWN_PAGE, ok=303),
    "POST /download": Row(OWN_PAGE, send=lambda o: {"data": {"ids": o["photo_id"]}}),
    "POST /trash/empty": Row(PAGE, ok=303),
    "POST /albums": Row(PAGE, ok=303, send=form(title="New")),
    "POST /album/{album_id}": Row(OWN_PAGE, ok=303, send=form(title="Changed")),
    "POST /album/{album_id}/delete": Row(OWN_PAGE, ok=303),
    "POST /album/{album_id}/restore": Row(OWN_PAGE, ok=303),
    "POST /activity/pause": Row(PAGE, ok=303),
    "POST /activity/resume": Row(PAGE, ok=303),
    "POST /activity/retry-failed": Row(PAGE, ok=303),
    "POST /activity/retag": Row(ADMIN_PAGE, ok=303, send=form(stage="tags", query="name:*")),
    "POST /activity/retag/{campaign_id}/{action}": Row(ADMIN_PAGE, ok=303),
    "GET /admin/models": Row(ADMIN_PAGE),
    "POST /admin/models/{action}": Row(ADMIN_PAGE, ok=303, send=form(model="no/such@model")),
    "GET /admin/storage": Row(ADMIN_PAGE),
    "POST /admin/check": Row(ADMIN_PAGE, ok=303),
    "GET /admin/health": Row(ADMIN_PAGE),
    "POST /activity/{job_id}/cancel": Row(OWN_PAGE, ok=303),
    "POST /activity/{job_id}/retry": Row(OWN_PAGE, ok=303),
    "POST /upload": Row(PAGE, send=picture("file")),
    "POST /share-target": Row(
        PAGE, send=lambda o: {**picture("file")(o), "headers": {"Sec-Fetch-Site": "none"}}
    ),
    "GET /manifest.webmanifest": Row(OPEN),
    "GET /sw.js": Row(OPEN),
    "GET /offline": Row(OPEN),
    "POST /search/picture": Row(PAGE, ok=422),  # without a picture
    "GET /settings": Row(PAGE),
    "POST /settings/look": Row(PAGE, ok=303, send=form(language="en")),
    "POST /settings/keys": Row(PAGE, send=form(name="k", scope="images")),
    "POST /settings/pair": Row(PAGE, send=form(name="k", scope="images")),
    "POST /settings/keys/{key_id}/revoke": Row(OWN_PAGE, ok=303),
    "POST /settings/password": Row(
        PAGE, ok=303, send=form(old_password="not it", new_password="long enough")
    ),
    "GET /admin/users": Row(ADMIN_PAGE),
    "POST /admin/users": Row(
        ADMIN_PAGE,
        ok=303,
        send=lambda o: {"data": {"username": f"user {new_id()}", "password": "long enough"}},
    ),
    "POST /admin/users/{user_id}": Row(ADMIN_PAGE, ok=303, send=form(disabled="1")),
}
NOT_OURS = {"/api/openapi.json", "/api/docs", "/docs/oauth2-redirect", "/static"}  # public by design


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, empty_album: Path, draw: Drawn) -> Iterator[World]:
    with installed(tmp_path_factory.mktemp("world") / "data", empty_album, draw) as world:
        yield world


# --- asking ---------------------------------------------------------------------------------------------------


def routes_of(router: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """(method, path) of every route, through included routers; a mount or plain route has the method ``*``."""
    for route in router.routes:
        if hasattr(route, "original_router"):
            yield from routes_of(route.original_router, prefix + route.include_context.prefix)
        else:
            methods = getattr(route, "methods", None) if hasattr(route, "dependant") else None
            yield from ((method, prefix + route.path) for method in (methods or {"*"}))


def credentials(world: World, path: str, actor: str, row: Row) -> dict[str, str] | None:
    """The headers ``actor`` sends; None when there is no such actor for this row."""
    if actor == "nobody":
        return {}
    if actor in ("weak key", "strong key"):
        holder = "admin" if row.scope == "admin" else "owner"
        every = [scope for scope in accounts.SCOPES if scope != "admin" or holder == "admin"]
        if actor == "strong key":
            if row.scope is None:
                return None
            return header(path, world.key(holder, [row.scope]))
        return header(path, world.key(holder, [scope for scope in every if scope != row.scope]))
    if path.startswith("/dav"):
        return header(path, world.key(actor, [scope for scope in accounts.SCOPES if scope != "admin"]))
    token = world.session(actor)
    if is_page(path):
        return {"Cookie": f"albumen_session={token}"}
    return header(path, token)


def header(path: str, secret: str) -> dict[str, str]:
    if path.startswith(("/v1.0/", "/v2/")):
        return {"X-Auth-Token": secret}
    if path.startswith("/api/") and not path.startswith("/api/v1/"):
        return {"x-api-key": secret}
    return {"Authorization": f"Bearer {secret}"}


def is_page(path: str) -> bool:
    return not path.startswith(
        ("/api/", "/dav", "/v1.0/", "/v2/", "/.well-known", "/healthz", "/readyz", "/metrics")
    )


def ask(world: World, route: str, headers: dict[str, str], objects: Objects, row: Row) -> int:
    method, _, path = route.partition(" ")
    sent = row.send(objects)
    if is_page(path) and method == "POST":
        # A form carries the token its page would hold; a key brings a session cookie of its own making.
        token = headers.get("Cookie", "").removeprefix("albumen_session=") or "made up"
        if "Authorization" in headers:
            headers = {**headers, "Cookie": f"albumen_session={token}"}
        sent = {**sent, "data": {**sent.get("data", {}), "csrf_token": accounts.csrf_token(token)}}
    url = path.replace(":path}", "}").format_map(objects)
    return world.client(**headers).request(method, url, **sent).status_code


@pytest.mark.parametrize("route", ROWS)
def test_who_may_do_what(world: World, route: str) -> None:
    row = ROWS[route]
    path = route.partition(" ")[2]
    objects = Objects(world)
    expected = dict(zip(ACTORS, row.rule, strict=True))
    refused = [actor for actor in ACTORS if expected[actor] != OK]
    for name in [part.split("}")[0].split(":")[0] for part in path.split("{")[1:]]:
        _ = objects[name]
    row.send(objects)
    before = world.state()
    got = {}
    for actor in refused:
        headers = credentials(world, path, actor, row)
        assert headers is not None
        got[actor] = ask(world, route, headers, objects, row)
    assert got == {actor: expected[actor] for actor in refused}
    assert world.state() == before, "somebody who was refused changed something"
    if not row.call:
        return
    for actor in (*ACTORS, "strong key"):
        if actor in refused:
            continue
        headers = credentials(world, path, actor, row)
        if headers is not None:
            got[actor] = ask(world, route, headers, Objects(world), row)
            assert got[actor] == row.ok, (actor, got[actor])


def test_every_route_is_in_the_table(world: World) -> None:
    known = {(method, path) for method, path in (row.split(" ") for row in ROWS)}
    there = {(method, path) for method, path in routes_of(world.app) if path not in NOT_OURS}
    assert sorted(there - known) == [], "a new route: say in ROWS who may call it"
    assert sorted(known - there) == [], "these routes are gone"


class TestAcross:
    """Things of two users in one request."""

    def test_another_users_photo_goes_into_no_album(self, world: World) -> None:
        his = world.client(Authorization=f"Bearer {world.session('other')}")
        photo_id = Objects(world)["photo_id"]
        album_id = his.post(f"{V1}/albums", json={"title": "Mine"}).json()["id"]
        assert his.put(f"{V1}/albums/{album_id}/photos/{photo_id}").status_code == 404
        assert his.patch(f"{V1}/albums/{album_id}", json={"cover_photo_id": photo_id}).status_code == 404
        put = his.put(
            f"/api/albums/{album_id}/assets",
            json={"ids": [photo_id]},
            headers={"x-api-key": world.session("other")},
        )
        assert put.json() == [{"id": photo_id, "success": False, "error": "not_found"}]
        assert his.get(f"{V1}/albums/{album_id}").json()["count"] == 0

    def test_another_users_photo_lends_no_style(self, world: World) -> None:
        his = world.client(Authorization=f"Bearer {world.session('other')}")
        own = his.post(f"{V1}/photos", files={"file": ("a.jpg", world.draw())}).json()["id"]
        recipe = [{"op": "style", "photo": Objects(world)["photo_id"]}]
        for what in ("edits", "edits/preview"):
            assert his.post(f"{V1}/photos/{own}/{what}", json={"recipe": recipe}).status_code == 404

    def test_a_batch_leaves_another_users_photos_alone(self, world: World) -> None:
        his = world.client(Authorization=f"Bearer {world.session('other')}")
        photo_id = Objects(world)["photo_id"]
        answer = his.post(f"{V1}/photos/batch", json={"action": "delete", "ids": [photo_id]})
        assert (answer.json()["done"], answer.json()["missing"]) == (0, [photo_id])

    def test_a_search_finds_only_ones_own(self, world: World) -> None:
        his = world.client(Authorization=f"Bearer {world.session('other')}")
        photo_id = Objects(world)["photo_id"]
        found = his.get(f"{V1}/photos", params={"q": f"similar:{photo_id} or name:*", "limit": 500})
        assert photo_id not in found.text

    def test_a_disabled_users_key_is_dead(self, world: World) -> None:
        viewer = make_user(world.context, f"gone {new_id()}")
        world.people["gone"] = viewer
        secret = world.key("gone", ["photos.read"])
        client = world.client(Authorization=f"Bearer {secret}")
        assert client.get(f"{V1}/photos").status_code == 200
        with world.context.database.write() as session:
            accounts.set_disabled(session, accounts.get_user_by_id(session, viewer.user_id), True)
        assert client.get(f"{V1}/photos").status_code == 401

"""Every page and form of the browser, as one router. The JSON twins live in ``app.api``."""

from __future__ import annotations

from fastapi import APIRouter

from app.web import (
    account,
    activity,
    admin,
    albums,
    browse,
    duplicates,
    editor,
    forms,
    gate,
    memories,
    people,
    places,
    pwa,
    sharing,
    tags,
    teach,
)

router = APIRouter()
for part in (
    gate, browse, forms, account, activity, admin, editor, people, sharing, duplicates, teach, tags, pwa, places,
    memories, albums,
):  # fmt: skip
    router.include_router(part.router)

"""Every page and form of the browser, as one router. The JSON twins live in ``app.api``."""

from __future__ import annotations

from fastapi import APIRouter

from app.web import (
    account,
    activity,
    admin,
    browse,
    duplicates,
    editor,
    forms,
    gate,
    people,
    pwa,
    sharing,
    tags,
    teach,
)

router = APIRouter()
for part in (
    gate,
    browse,
    forms,
    account,
    activity,
    admin,
    editor,
    people,
    sharing,
    duplicates,
    teach,
    tags,
    pwa,
):
    router.include_router(part.router)

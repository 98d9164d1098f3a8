"""Every page under axe-core: desk and phone, light and dark, both languages. Nothing serious or critical."""

# ruff: noqa: F811 - fixtures of the other browser tests

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.context import Context
from app.services.accounts import Viewer
from app.services.collections import albums, shares
from app.services.understanding import retag
from app.worker import Worker
from tests.web.test_browser import (  # noqa: F401 - fixtures
    PATHS,
    address,
    chromium,
    library,
    listening,
    screen,
)

pytestmark = pytest.mark.slow

RUN = """async () => {
  const found = await axe.run(document, {resultTypes: ['violations'],
                                         runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']});
  return found.violations.filter(v => ['serious', 'critical'].includes(v.impact))
    .map(v => [v.id, v.nodes.slice(0, 3).map(node => node.target.join(' ') + ' | ' + node.failureSummary)]);
}"""
OWN = ["/shares", "/admin/models", "/admin/storage", "/admin/health", "/people", "/places", "/offline", "/no-such-page",
       "/photo/{photo}", "/photo/{photo}/edit", "/album/{album}", "/shares/new?album={album}", "/search?q=tga:dog",
       "/duplicates", "/tags", "{share}", "{locked}"]  # fmt: skip


@pytest.fixture(scope="module")
def axe() -> str:
    package = pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")
    return (Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def things(
    context: Context, anna: Viewer, library: list[str], fake_analyzer: Any, analysis: Any
) -> dict[str, str]:
    """Photos with tags, an album with links, a campaign under way, and a job that failed."""
    from app.services.tagging.vocabulary import sync_vocabulary

    with context.database.write() as session:
        sync_vocabulary(session)
    Worker(context, fake_analyzer(lambda _image: analysis(("dog", 0.9), ("beach", 0.4)))).run_once()
    with context.database.write() as session:
        album = albums.create_album(session, anna, "Trip", description="By the sea")
        albums.add_photos(session, anna, album.id, [UUID(photo) for photo in library[:6]])
        options = {"album_id": album.id, "download": True, "upload": True}
        open_link = shares.create_share(session, anna, **options)[1]
        locked = shares.create_share(session, anna, album_id=album.id, password="open sesame")[1]
        retag.start(session, [UUID(library[0])], stages=["tags"], query="year:2024")
    return {"photo": library[0], "album": str(album.id), "share": f"/s/{open_link}", "locked": f"/s/{locked}"}


@pytest.mark.parametrize(
    ("width", "scheme", "locale"),
    [(1280, "light", "en-GB"), (390, "dark", "zh-CN"), (1280, "dark", "zh-CN"), (390, "light", "en-GB")],
)
def test_nothing_serious_on_any_page(
    screen: Any,
    things: dict[str, str],
    axe: str,
    width: int,
    scheme: str,
    locale: str,
) -> None:
    s = screen(
        viewport={"width": width, "height": 900}, color_scheme=scheme, locale=locale, reduced_motion="reduce",
        service_workers="block",
    )  # fmt: skip
    found = {}
    for path in [*PATHS, *OWN]:
        page = path.format_map(things)
        s.open(page)
        s.page.wait_for_timeout(200)
        s.page.evaluate(axe)
        if problems := s.page.evaluate(RUN):
            found[path] = problems
    assert found == {}


def test_a_fault_would_be_found(screen: Any, axe: str) -> None:
    s = screen(service_workers="block")
    s.open("/settings")
    s.page.evaluate("document.querySelector('label[for=key-name]').remove()")
    s.page.evaluate("document.querySelector('#key-name').removeAttribute('placeholder')")
    s.page.evaluate("document.querySelector('details:has(#key-name)').open = true")
    s.page.evaluate(axe)
    assert "label" in [rule for rule, _ in s.page.evaluate(RUN)]

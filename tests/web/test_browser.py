"""The scripts in a real browser over a real server: layout, uploads, keys, live updates, and a clean console."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from app.context import Context
from app.main import create_app
from app.services.accounts import Viewer
from tests.web.conftest import eventually

pytestmark = pytest.mark.slow

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    if not CHROMIUM.is_file():
        pytest.skip(f"there is no browser at {CHROMIUM}; set CHROMIUM")
    with playwright.sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


# The lists and the photo page have their scripts: what is pressed from now on is heard.
BUILT = "() => !document.querySelector(':is(photo-viewer, photo-grid, photo-timeline):not(:defined)')"


@dataclass
class Listening:
    """A server over this test's data, until ``stop``."""

    server: uvicorn.Server
    thread: threading.Thread

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)


@pytest.fixture
def listening(context: Context, anna: Viewer) -> Iterator[Listening]:
    config = uvicorn.Config(
        create_app(context.settings, context), port=0, log_level="error", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.02)
    running = Listening(server, thread)
    yield running
    running.stop()


@pytest.fixture
def address(listening: Listening) -> str:
    return f"http://127.0.0.1:{listening.server.servers[0].sockets[0].getsockname()[1]}"


@dataclass
class Screen:
    """A signed-in page; ``complaints`` collects what the console and the network said against us."""

    page: Any
    address: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(self.address + path, wait_until="load")
        self.page.wait_for_selector("html.js")
        eventually(self.page, BUILT)

    def upload(self, pictures: dict[str, bytes], button: str = ".bar a.button[data-upload]") -> None:
        files = [{"name": name, "mimeType": "image/jpeg", "buffer": data} for name, data in pictures.items()]
        with self.page.expect_file_chooser() as chooser:
            self.page.click(button)
        chooser.value.set_files(files)


@pytest.fixture
def screen(chromium: Any, address: str) -> Iterator[Callable[..., Screen]]:
    contexts = []

    def start(**options: Any) -> Screen:
        context = chromium.new_context(
            **{"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **options}
        )
        contexts.append(context)
        screen = Screen(context.new_page(), address)
        page = screen.page
        page.set_default_timeout(60_000)  # a machine may be busy
        page.on(
            "console", lambda m: screen.complaints.append(m.text) if m.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: screen.complaints.append(str(error)))
        page.on(
            "request",
            lambda r: (
                None if r.url.startswith((address, "data:", "blob:")) else screen.complaints.append(r.url)
            ),
        )
        page.goto(f"{address}/sign-in")
        page.fill("#username", "anna")
        page.fill("#password", PASSWORD)
        page.click("button.primary")
        page.wait_for_url(f"{address}/")
        return screen

    yield start
    for context in contexts:
        context.close()


@pytest.fixture
def library(address: str, context: Context, anna: Viewer, draw: Any) -> list[str]:
    """Thirty photos of many shapes over three months."""
    from app.services import intake

    shapes = [(640, 480), (480, 640), (900, 300), (500, 500), (300, 800)]
    ids = []
    for i in range(30):
        taken = datetime(2024, 3 + i % 3, 1 + i // 3, 12, tzinfo=UTC)
        options = intake.Options(filename=f"IMG_{i}.jpg", taken_at=taken)
        ids.append(str(intake.add_stream(context, anna, io.BytesIO(draw(shapes[i % 5])), options).id))
    return ids


BOXES = """() => [...document.querySelectorAll('.month')].map(month => {
  const list = month.querySelector('.grid').getBoundingClientRect();
  return {width: list.width, tiles: [...month.querySelectorAll('.tile')].map(tile => {
    const box = tile.getBoundingClientRect();
    const [width, height] = ['width', 'height'].map(name => Number(tile.querySelector('img').getAttribute(name)));
    return {x: box.left - list.left, y: box.top - list.top, width: box.width, height: box.height,
            ratio: width / height};
  })};
})"""


@pytest.mark.parametrize("width", [390, 1280])
def test_rows_are_flush_and_pictures_keep_their_shape(screen: Any, library: list[str], width: int) -> None:
    s = screen(viewport={"width": width, "height": 3000})
    s.open("/")
    s.page.wait_for_selector(".grid.laid .tile")
    s.page.wait_for_selector(".tile >> nth=29")
    for month in s.page.evaluate(BOXES):
        rows: dict[int, list[dict[str, float]]] = {}
        for tile in month["tiles"]:
            rows.setdefault(round(tile["y"]), []).append(tile)
        for row in list(rows.values())[:-1]:
            assert abs(max(t["x"] + t["width"] for t in row) - month["width"]) < 1.5
        for tile in month["tiles"]:
            assert tile["width"] / tile["height"] == pytest.approx(min(4, max(0.4, tile["ratio"])), rel=0.03)
            assert tile["x"] + tile["width"] <= month["width"] + 1
    assert s.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert s.complaints == []


PLACES = """() => [...document.querySelectorAll('.tile')].map(tile => {
  const box = tile.getBoundingClientRect();
  return [box.left, box.top, box.width, box.height];
})"""


@pytest.mark.parametrize(("width", "density"), [(1280, ""), (1280, "tiny"), (390, "tiny")])
def test_nothing_moves_when_the_script_takes_over(
    screen: Any, library: list[str], width: int, density: str
) -> None:
    """The style sheet alone makes the rows that the script makes."""
    places = []
    for scripts in (False, True):
        s = screen(viewport={"width": width, "height": 3000}, java_script_enabled=scripts)
        if density:
            s.page.context.add_cookies([{"name": "albumen_density", "value": density, "url": s.address}])
        s.page.goto(s.address)
        if scripts:
            s.page.wait_for_selector(".month:last-of-type .grid.laid .tile")
        places.append(s.page.evaluate(PLACES))
    assert len(places[0]) == 30
    for before, after in zip(*places, strict=True):
        assert after == pytest.approx(before, abs=0.5)


def test_every_shape_has_the_same_width_in_scripts_pages_and_styles(screen: Any) -> None:
    from app.web.parts.photos import shape

    s = screen()
    sizes = [[400 + 37 * i, 300 + (i * 7919) % 2800] for i in range(300)] + [[9000, 300], [1, 700], [0, 0]]
    shapes = s.page.evaluate(
        """async sizes => {
          const { shapeOf, ratioOf } = await import('/static/js/rows.js');
          const tile = document.createElement('li');
          tile.className = 'tile';
          document.body.append(tile);
          return sizes.map(([width, height]) => {
            tile.dataset.shape = shapeOf(width, height);
            const styled = Number(getComputedStyle(tile).getPropertyValue('--ratio'));
            return [shapeOf(width, height), styled / ratioOf(width, height)];
          });
        }""",
        sizes,
    )
    assert [one for one, _ in shapes] == [shape(width, height) for width, height in sizes]
    assert all(agree == pytest.approx(1, abs=2e-4) for _, agree in shapes)


def test_only_photos_near_the_window_are_elements(screen: Any, library: list[str]) -> None:
    s = screen(viewport={"width": 390, "height": 400})
    s.open("/")
    s.page.wait_for_selector(".month[data-month='2024-03'] .grid.laid", state="attached")
    at_top = s.page.evaluate("document.querySelectorAll('.tile').length")
    assert 0 < at_top < 30
    s.page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    s.page.wait_for_selector(".month[data-month='2024-03'] .tile")
    last = s.page.evaluate(
        "document.querySelector('.month[data-month=\"2024-03\"]').getBoundingClientRect().bottom"
    )
    assert last > 0


def test_uploading_tells_each_files_fate(screen: Any, draw: Any) -> None:
    s = screen()
    good = draw()
    s.open("/")
    s.upload({"good.jpg": good, "bad.jpg": good[:300]})
    s.page.wait_for_selector(".tray-item.kept")
    s.page.wait_for_selector(".tray-item.failed")
    assert "1 photo is safe" in s.page.text_content(".tray h2")
    s.upload({"again.jpg": good})
    s.page.wait_for_selector(".tray-item.duplicate")
    assert "Already here" in s.page.text_content(".tray-item.duplicate")
    s.open("/")
    assert s.page.locator(".tile").count() == 1


def test_dropping_files_anywhere_uploads_them(screen: Any, draw: Any) -> None:
    import base64

    s = screen()
    s.open("/settings")
    s.page.wait_for_timeout(300)
    drop = """([name, data]) => {
      const transfer = new DataTransfer();
      const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
      transfer.items.add(new File([bytes], name, {type: 'image/jpeg'}));
      document.body.dispatchEvent(new DragEvent('dragenter', {bubbles: true, dataTransfer: transfer}));
      window.veiled = Boolean(document.querySelector('.drop-veil'));
      document.body.dispatchEvent(new DragEvent('drop', {bubbles: true, cancelable: true, dataTransfer: transfer}));
    }"""
    s.page.evaluate(drop, ["dropped.jpg", base64.b64encode(draw()).decode()])
    s.page.wait_for_selector(".tray-item.kept")
    assert s.page.evaluate("window.veiled")
    assert s.page.query_selector(".drop-veil") is None


def test_a_keyboard_is_enough(screen: Any, library: list[str]) -> None:
    s = screen()
    s.open("/")
    s.page.wait_for_selector(".grid.laid .tile")
    page = s.page
    page.focus(".tile a")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+X")
    page.wait_for_selector(".batch strong:has-text('2 selected')")
    assert "2 selected" in page.text_content(".batch")
    page.click(".batch button[aria-label='Favourite']")
    page.wait_for_selector(".batch", state="detached")
    page.focus(".tile a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/photo/*")
    page.wait_for_selector(".turn.next")
    first = page.url
    page.keyboard.press("ArrowRight")
    page.wait_for_url(lambda url: url != first)
    page.wait_for_selector(".turn.previous")
    assert page.get_attribute(".love", "aria-pressed") == "true"
    page.keyboard.press("f")
    page.wait_for_selector(".love[aria-pressed='false']")
    page.keyboard.press("t")
    page.keyboard.type("Holiday")
    page.keyboard.press("Enter")
    page.wait_for_selector(".tag-line.confirmed")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Escape")
    page.wait_for_url(f"{s.address}/")
    page.keyboard.press("/")
    page.wait_for_selector("#q:focus")
    assert s.complaints == []


def test_coming_back_takes_the_focus_from_nobody(
    screen: Any, library: list[str], context: Context, anna: Viewer, draw: Any
) -> None:
    from app.services import intake

    for _ in range(40):  # more than a page holds: the last month is asked for when one comes to it
        options = intake.Options(filename="old.jpg", taken_at=datetime(2023, 5, 1, tzinfo=UTC))
        intake.add_stream(context, anna, io.BytesIO(draw((60, 40))), options)
    s = screen()
    page = s.page
    s.open("/")
    page.wait_for_selector(".grid.laid .tile")
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    eventually(page, "document.querySelectorAll('[data-month=\"2023-05\"] .tile').length >= 20")
    page.locator("[data-month='2023-05'] .tile a").last.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".turn.previous")
    late: list[Any] = []
    page.route("**/api/v1/timeline/*", lambda route: late.append(route))  # the photos take their time
    page.go_back()
    eventually(page, "document.documentElement.classList.contains('js')")
    deadline = time.monotonic() + 20
    while not late:
        assert time.monotonic() < deadline, "nothing was asked for"
        page.wait_for_timeout(50)
    page.keyboard.press("/")
    page.wait_for_selector("#q:focus")
    for held in late:
        held.continue_()
    eventually(page, "document.querySelectorAll('[data-month=\"2023-05\"] .tile').length >= 20")
    page.wait_for_timeout(300)
    assert page.evaluate("document.activeElement.id") == "q"


def test_completion_offers_fields_and_tags(screen: Any, library: list[str], context: Context) -> None:
    from app.services.tagging.vocabulary import sync_vocabulary

    with context.database.write() as session:
        sync_vocabulary(session)
    s = screen()
    s.open("/")
    s.page.wait_for_timeout(300)
    s.page.fill("#q", "")
    s.page.type("#q", "tag:bea", delay=20)
    s.page.wait_for_selector("[role=option] >> nth=1")
    assert "beach" in "".join(s.page.locator("[role=option]").all_text_contents())
    assert s.page.locator("[role=option]").first.text_content() == "Search for “tag:bea”"
    s.page.keyboard.press("ArrowDown")
    s.page.keyboard.press("ArrowDown")
    s.page.keyboard.press("Enter")
    assert s.page.input_value("#q").startswith("tag:")
    assert s.page.get_attribute("#q", "aria-expanded") == "false"


def test_deleting_a_selection_and_undoing_it(screen: Any, library: list[str]) -> None:
    s = screen()
    s.open("/")
    s.page.wait_for_selector(".grid.laid .tile")
    s.page.hover(".tile >> nth=0")
    s.page.click(".tile >> nth=0 >> .tick")
    s.page.click(".batch button[aria-label='Move to trash']")
    s.page.wait_for_selector(".toast")
    assert "1 photo moved to the trash" in s.page.text_content(".toast")
    assert "9 photos" in s.page.text_content(".month header")
    s.page.click(".toast button")
    s.page.wait_for_selector(".month header:has-text('10 photos')")


def test_a_photo_that_becomes_ready_shows_without_a_reload(
    screen: Any, library: list[str], context: Context, fake_analyzer: Any, analysis: Any
) -> None:
    from uuid import UUID

    from app.models import Photo

    s = screen()
    s.open("/")
    newest = s.page.get_attribute(".tile >> nth=0", "data-id")
    assert s.page.get_attribute(".tile >> nth=0", "data-status") == "pending"
    s.page.wait_for_timeout(1500)
    with context.database.write() as session:
        photo = session.get(Photo, UUID(newest))
        assert photo is not None
        photo.status = "ready"
        photo.updated_at = photo.updated_at.now(photo.updated_at.tzinfo)
    s.page.wait_for_selector(f".tile[data-id='{newest}'][data-status='ready']")


PATHS = ["/", "/explore", "/albums", "/favorites", "/archive", "/trash", "/activity", "/settings", "/admin/users",
         "/upload", "/search", "/search?q=IMG_1"]  # fmt: skip


@pytest.mark.parametrize("look", [("light", "en-GB", 1280), ("dark", "zh-CN", 390)], ids=["desktop", "phone"])
def test_every_page_is_quiet_and_fits(screen: Any, library: list[str], look: tuple[str, str, int]) -> None:
    scheme, locale, width = look
    s = screen(viewport={"width": width, "height": 800}, color_scheme=scheme, locale=locale)
    for path in [*PATHS, f"/photo/{library[0]}"]:
        s.open(path)
        s.page.wait_for_timeout(150)
        assert s.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert s.complaints == [], path


def test_without_scripts_the_same_pages_work(screen: Any, library: list[str]) -> None:
    s = screen(java_script_enabled=False)
    page = s.page
    assert page.locator(".tile").count() == 30
    page.fill("#q", "IMG_7")
    page.press("#q", "Enter")
    page.wait_for_url("**/search?q=IMG_7")
    page.click(".tile a >> nth=0")
    page.wait_for_url("**/photo/*")
    page.click(".panel summary >> nth=0")
    page.fill("#title", "Found without scripts")
    page.click(".details-edit button")
    assert page.text_content("h1") == "Found without scripts"


def test_the_placeholder_looks_like_the_picture(screen: Any, context: Context, anna: Viewer) -> None:
    """Our thumbhash decoder against our encoder: left red, right blue."""
    from PIL import Image

    from app.imaging.fingerprints import thumbhash

    image = Image.new("RGB", (90, 60), (200, 30, 30))
    image.paste((30, 40, 200), (45, 0, 90, 60))
    s = screen()
    s.open("/")
    colours = s.page.evaluate(
        """async ([hash]) => {
          const { placeholder } = await import('/static/js/thumbhash.js');
          const picture = new Image();
          picture.src = placeholder(hash, 1.5);
          await picture.decode();
          const canvas = document.createElement('canvas');
          [canvas.width, canvas.height] = [picture.width, picture.height];
          const context = canvas.getContext('2d');
          context.drawImage(picture, 0, 0);
          const at = x => [...context.getImageData(x, canvas.height / 2, 1, 1).data];
          return [at(2), at(canvas.width - 3)];
        }""",
        [thumbhash(image)],
    )
    (left_red, _, left_blue, _), (right_red, _, right_blue, _) = colours
    assert left_red > left_blue + 80
    assert right_blue > right_red + 80


def test_rows_for_thirty_thousand_photos_take_no_notice(screen: Any) -> None:
    s = screen()
    s.open("/")
    result = s.page.evaluate(
        """async () => {
          const { justify } = await import('/static/js/rows.js');
          const ratios = Array.from({length: 30000}, (_, i) => 0.4 + ((i * 7919) % 360) / 100);
          const { boxes, height } = justify(ratios, 1200, 192, 4);
          const rows = Map.groupBy(boxes, box => box.y);
          const widths = [...rows.values()].slice(0, -1).map(row => row.at(-1).x + row.at(-1).width);
          const heights = [...rows.values()].slice(0, -1).map(row => row[0].height);
          return {count: boxes.length, height, widest: Math.max(...widths), narrowest: Math.min(...widths),
                  tallest: Math.max(...heights), lowest: Math.min(...heights)};
        }"""
    )
    assert result["count"] == 30_000
    assert result["widest"] == pytest.approx(1200, abs=0.5)
    assert result["narrowest"] == pytest.approx(1200, abs=0.5)
    assert 100 < result["lowest"] < 192 < result["tallest"] <= 192 * 1.8


class TestAsAGuest:
    """A shared album without an account: rows, the viewer, the slideshow, with scripts and without."""

    @pytest.fixture
    def link(self, context: Context, anna: Viewer, library: list[str]) -> str:
        from uuid import UUID

        from app.services.collections import albums, shares

        with context.database.write() as session:
            album = albums.create_album(session, anna, "Trip")
            albums.add_photos(session, anna, album.id, [UUID(photo_id) for photo_id in library[:5]])
            return (
                f"/s/{shares.create_share(session, anna, album_id=album.id, download=True, upload=True)[1]}"
            )

    @pytest.fixture
    def guest(self, chromium: Any, address: str) -> Iterator[Callable[..., Screen]]:
        contexts = []

        def start(path: str, **options: Any) -> Screen:
            contexts.append(chromium.new_context(**{"locale": "en-GB", **options}))
            screen = Screen(contexts[-1].new_page(), address)
            screen.page.set_default_timeout(60_000)  # a machine may be busy
            screen.page.on("pageerror", lambda error: screen.complaints.append(str(error)))
            screen.page.goto(address + path, wait_until="load")
            return screen

        yield start
        for context in contexts:
            context.close()

    def test_looking_one_by_one_and_as_a_slideshow(self, guest: Any, link: str) -> None:
        s = guest(link)
        page = s.page
        page.wait_for_selector(".grid.laid")
        page.click(".tile >> nth=1 >> a >> nth=0")
        page.wait_for_selector("dialog.lightbox[open]")
        assert page.text_content(".lightbox-count") == "2 of 5"
        page.keyboard.press("ArrowRight")
        assert page.text_content(".lightbox-count") == "3 of 5"
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        assert page.text_content(".lightbox-count") == "5 of 5"
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog.lightbox[open]", state="detached")
        eventually(page, "document.activeElement.closest('.tile') === document.querySelectorAll('.tile')[4]")
        page.click("[data-play]")
        page.wait_for_selector("dialog.lightbox.playing")
        page.wait_for_selector(".lightbox-count:has-text('2 of 5')")
        assert s.complaints == []

    def test_without_scripts(self, guest: Any, link: str, draw: Any) -> None:
        page = guest(link, java_script_enabled=False).page
        assert page.locator(".tile").count() == 5
        assert not page.is_visible("[data-play]")
        page.set_input_files("#files", {"name": "mine.jpg", "mimeType": "image/jpeg", "buffer": draw()})
        page.click(".shared form button")
        page.wait_for_selector(".key-line:has-text('Received')")
        assert page.locator(".tile").count() == 6


KEPT = """async () => (await (await caches.open('albumen-pictures')).keys())
  .map(key => key.url).filter(url => url.includes('/rendition/grid'))"""


class TestServiceWorker:
    """The shell without a connection, and what stays in the browser of whom."""

    @pytest.fixture
    def visited(self, screen: Any, library: list[str], context: Context) -> Screen:
        """A timeline whose small pictures the service worker has kept."""
        from app.worker import Worker
        from tests.conftest import FakeAnalyzer

        Worker(context, FakeAnalyzer()).run_once()  # makes the small pictures of some photos
        s: Screen = screen()
        eventually(s.page, "navigator.serviceWorker.controller !== null")
        s.open("/")
        eventually(s.page, f"async () => (await ({KEPT})()).length > 3")
        return s

    def test_without_a_connection_the_shell_stays(self, visited: Screen, listening: Listening) -> None:
        page, kept = visited.page, visited.page.evaluate(KEPT)
        listening.stop()
        page.goto(visited.address + "/albums")
        assert "No connection" in page.text_content("h1")
        assert (
            page.evaluate("getComputedStyle(document.querySelector('.button.primary')).borderRadius") != "0px"
        )
        assert page.evaluate("url => fetch(url).then(answer => answer.ok)", kept[0])

    def test_nothing_of_anybodys_stays_after_sign_out(self, visited: Screen, listening: Listening) -> None:
        page, kept = visited.page, visited.page.evaluate(KEPT)
        visited.open("/settings")
        page.click("form[action='/sign-out'] button")
        page.wait_for_url(f"{visited.address}/sign-in")
        eventually(page, "async () => !(await caches.keys()).includes('albumen-pictures')")
        listening.stop()
        assert page.evaluate("url => fetch(url).then(() => true, () => false)", kept[0]) is False

    def test_another_person_finds_none_of_the_first_ones(
        self, visited: Screen, context: Context, bob: Viewer
    ) -> None:
        page = visited.page
        page.context.clear_cookies()  # no sign-out was pressed
        page.goto(f"{visited.address}/sign-in")
        page.fill("#username", "bob")
        page.fill("#password", PASSWORD)
        page.click("button.primary")
        page.wait_for_url(f"{visited.address}/")
        eventually(page, f"async () => (await ({KEPT})()).length === 0")

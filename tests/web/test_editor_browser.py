"""The editor in a real browser: previews, undo, cropping by keys, saving, a recipe on another photo."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest

from app.context import Context
from app.imaging.darkroom_bench import BENCH
from app.worker import Worker
from tests.conftest import FakeAnalyzer
from tests.web.test_browser import address, chromium, listening, screen

pytestmark = pytest.mark.slow
__all__ = ["address", "chromium", "listening", "screen"]  # fixtures


@pytest.fixture(autouse=True)
def bench() -> Iterator[None]:
    yield
    BENCH.close()


@pytest.fixture
def worker(context: Context) -> Iterator[None]:
    """Someone who does the jobs while the page is looked at."""
    over = threading.Event()

    def work() -> None:
        worker = Worker(context, cast("Any", FakeAnalyzer()))
        while not over.wait(0.2):
            worker.run_once()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join(60)


@pytest.fixture
def photos(context: Context, anna: Any, draw: Any) -> list[str]:
    import io

    from app.services import intake

    options = intake.Options(filename="a.jpg")
    return [str(intake.add_stream(context, anna, io.BytesIO(draw((640, 480))), options).id) for _ in range(2)]


def shown(page: Any) -> str:
    return str(page.get_attribute(".canvas img:not(.before)", "src"))


def wait_for_preview(page: Any, before: str = "") -> None:
    page.wait_for_selector(f'.canvas img[src^="blob:"]:not(.before):not([src="{before}"])')
    page.wait_for_selector(".working", state="hidden")


def open_editor(s: Any, photo_id: str) -> Any:
    s.open(f"/photo/{photo_id}/edit")
    s.page.wait_for_selector("[role=tab]")
    return s.page


@pytest.mark.parametrize("size", [(1360, 850), (390, 844)])
def test_a_tall_photo_is_seen_whole(
    screen: Any, context: Context, anna: Any, draw: Any, size: tuple[int, int]
) -> None:
    import io

    from app.services import intake

    tall = intake.add_stream(context, anna, io.BytesIO(draw((300, 900))), intake.Options(filename="tall.jpg"))
    s = screen()
    s.page.set_viewport_size({"width": size[0], "height": size[1]})
    page = open_editor(s, str(tall.id))
    box = page.query_selector(".canvas img:not(.before)").bounding_box()
    assert box["height"] > 150
    assert box["y"] + box["height"] <= size[1]


def test_a_recipe_is_made_looked_at_saved_and_put_away(screen: Any, photos: list[str], worker: None) -> None:
    s = screen()
    page = open_editor(s, photos[0])
    untouched = shown(page)
    page.click("#tab-light")
    page.focus("[data-op=exposure] input[type=range]")
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    wait_for_preview(page)
    assert float(page.input_value("[data-op=exposure] input[type=number]")) == pytest.approx(0.3)
    page.click("#tab-colour")
    first = shown(page)
    page.check("[data-op=grayscale] [role=switch]")
    wait_for_preview(page, first)
    page.click("#tab-steps")
    assert page.locator(".steps li").count() == 2
    page.click(".steps [aria-label='Move Black and white up']")
    assert "Black and white" in page.text_content(".steps li >> nth=0")
    assert page.evaluate("document.activeElement.closest('li')?.textContent").startswith("Black and white")

    page.keyboard.press("Control+z")
    assert "Exposure" in page.text_content(".steps li >> nth=0")
    page.keyboard.press("Control+z")
    page.wait_for_selector(".steps li:nth-child(2)", state="detached")
    page.keyboard.press("Control+Shift+z")
    page.wait_for_selector(".steps li:nth-child(2)")

    page.keyboard.press("Control+s")
    page.keyboard.type("Grey")
    page.keyboard.press("Enter")
    page.wait_for_selector(".edit-lines [data-status=ready]")
    page.click("[aria-label='Show Grey']")
    page.wait_for_selector('.canvas img[src^="/api/v1/edits/"]')
    page.click("[aria-label='Save Grey as a new photo']")
    page.wait_for_selector(".toast:has-text('Saved as a new photo') button:has-text('Open')")
    page.click("[aria-label='Delete Grey']")
    page.wait_for_selector(".edit-lines [data-edit]", state="detached")
    page.click(".toast button:has-text('Undo')")
    page.wait_for_selector(".edit-lines [data-status=ready]")

    page.click("summary[aria-label=Recipe]")
    page.click("text=Start over")
    page.wait_for_selector(f'.canvas img[src="{untouched}"]')
    assert s.complaints == []


def test_what_is_suggested_is_applied_with_one_press_and_taken_back(
    screen: Any, context: Context, anna: Any
) -> None:
    import io

    from app.services import intake
    from tests.api.test_suggestions import picture

    data = picture(0.05, side=400)
    photo = intake.add_stream(context, anna, io.BytesIO(data), intake.Options(filename="dark.jpg")).id
    s = screen(locale="zh-CN")
    page = open_editor(s, str(photo))
    page.wait_for_selector(".suggestion:not([hidden])")
    assert page.text_content(".suggestion li >> nth=0") == "照片大部分区域过暗。"
    page.focus(".suggestion button")
    page.keyboard.press("Enter")
    page.wait_for_selector(".suggestion", state="hidden")
    assert page.get_attribute("#tab-steps", "data-count") == "2"
    assert page.evaluate("document.activeElement.id") == "tab-steps", "the focus is not lost with the button"
    page.keyboard.press("Control+z")
    page.wait_for_selector(".suggestion:not([hidden])")
    assert page.get_attribute("#tab-steps", "data-count") == ""


def test_a_slow_preview_shows_a_quick_one_first_and_says_so(
    screen: Any, photos: list[str], draw: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.imaging import darkroom

    go_on = threading.Event()
    sizes = {"fast": (320, 240), "best": (640, 480)}
    asked: list[str] = []

    def develop(settings: Any, order: darkroom.Order, **_limits: Any) -> darkroom.Developed:
        model = order.recipe[0]["model"]
        asked.append(model)
        if model == "best" and len(asked) == 2:
            go_on.wait(20)
        order.target.write_bytes(draw(sizes[model]))
        return darkroom.Developed("jpeg", *sizes[model], 1)

    monkeypatch.setattr(darkroom, "develop", develop)
    monkeypatch.setattr(BENCH, "develop", develop)
    s = screen()
    page = open_editor(s, photos[0])
    page.evaluate("document.querySelector('photo-editor').change((r) => r.add('dehaze', { model: 'best' }))")
    page.wait_for_selector('.canvas img[src^="blob:"]:not(.before)')
    page.wait_for_selector(".stage-note:has-text('Quick preview')")
    wide = "document.querySelector('.canvas img:not(.before)').naturalWidth"
    assert page.evaluate(wide) == 320
    first = shown(page)
    go_on.set()
    wait_for_preview(page, first)
    page.wait_for_selector(".stage-note", state="hidden")
    assert page.evaluate(wide) == 640
    # A slider after the slow step: the server has that step's picture still, nothing has to stand in.
    page.click("#tab-light")
    page.focus("[data-op=exposure] input[type=range]")
    whole = shown(page)
    page.keyboard.press("ArrowRight")
    wait_for_preview(page, whole)
    assert asked == ["fast", "best", "best"]
    assert s.complaints == []


def test_a_slider_put_back_leaves_no_step(screen: Any, photos: list[str]) -> None:
    s = screen()
    page = open_editor(s, photos[0])
    page.click("#tab-light")
    number = page.locator("[data-op=contrast] input[type=number]")
    number.fill("0.4")
    number.press("Enter")
    wait_for_preview(page)
    assert page.get_attribute("#tab-steps", "data-count") == "1"
    page.click("[data-op=contrast] .reset")
    assert page.get_attribute("#tab-steps", "data-count") == ""
    page.wait_for_selector('.canvas img[src^="/api/"]')


def test_cropping_with_keys_and_pointer(screen: Any, photos: list[str]) -> None:
    s = screen()
    page = open_editor(s, photos[0])
    page.click("#tab-shape")
    page.click("button:has-text('Crop')")
    page.focus(".grip.se")
    for _ in range(5):
        page.keyboard.press("Shift+ArrowLeft")
    box = page.locator(".canvas").bounding_box()
    page.mouse.move(box["x"] + 1, box["y"] + 1)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + 0.2 * box["height"], steps=4)
    page.mouse.up()
    page.get_by_label("1:1").check()
    page.keyboard.press("Escape")
    wait_for_preview(page)
    page.wait_for_selector(".crop", state="detached")
    page.click("#tab-steps")
    words = page.text_content(".steps li")
    width, height = (float(re.search(rf"{name} ([\d.]+)", words)[1]) for name in ("Width", "Height"))  # type: ignore[index]
    assert width * 640 == pytest.approx(height * 480, abs=1.5)
    size = page.evaluate(
        "(({naturalWidth: w, naturalHeight: h}) => [w, h])(document.querySelector('.canvas img'))"
    )
    assert abs(size[0] - size[1]) <= 1
    shape = page.locator(".canvas").bounding_box()
    assert shape["width"] == pytest.approx(shape["height"], rel=0.01)
    assert s.complaints == []


def test_before_and_after(screen: Any, photos: list[str]) -> None:
    s = screen()
    page = open_editor(s, photos[0])
    page.click("#tab-colour")
    page.check("[data-op=invert] [role=switch]")
    wait_for_preview(page)
    page.keyboard.press("y")
    page.wait_for_selector(".divider:focus")
    page.keyboard.press("ArrowRight")
    assert "inset(0px 49% 0px 0px)" in page.evaluate("document.querySelector('.before').style.clipPath")
    page.click("[aria-label='Compare side by side']")
    page.wait_for_selector(".divider", state="hidden")
    page.keyboard.down("o")
    page.wait_for_selector(".before", state="visible")
    page.keyboard.up("o")
    page.wait_for_selector(".before", state="hidden")
    assert s.complaints == []


def test_a_recipe_is_used_on_another_photo(screen: Any, photos: list[str]) -> None:
    s = screen(viewport={"width": 390, "height": 800}, color_scheme="dark")
    page = open_editor(s, photos[0])
    page.click("#tab-colour")
    page.check("[data-op=sepia] [role=switch]")
    wait_for_preview(page)
    page.click("summary[aria-label=Recipe]")
    page.click("text=Copy recipe")
    open_editor(s, photos[1])
    page.click("summary[aria-label=Recipe]")
    page.click("text=Paste recipe")
    page.click("dialog button.primary")
    wait_for_preview(page)
    page.click("#tab-steps")
    assert "Sepia" in page.text_content(".steps")
    page.click("summary[aria-label=Recipe]")
    page.click("text=Apply to other photos")
    page.check("dialog .pick-list input")
    page.click("dialog button.primary")
    page.wait_for_selector(".toast:has-text('Editing 1 photo')")
    assert s.complaints == []


def test_a_reload_keeps_the_draft(screen: Any, photos: list[str]) -> None:
    s = screen()
    page = open_editor(s, photos[0])
    page.click("#tab-colour")
    page.check("[data-op=invert] [role=switch]")
    wait_for_preview(page)
    open_editor(s, photos[0])
    page.click("#tab-colour")
    assert page.is_checked("[data-op=invert] [role=switch]")
    wait_for_preview(page)


@pytest.mark.parametrize("look", [("light", "en-GB", 1280), ("dark", "zh-CN", 390)], ids=["desktop", "phone"])
def test_every_tab_is_quiet_and_fits(screen: Any, photos: list[str], look: tuple[str, str, int]) -> None:
    scheme, locale, width = look
    s = screen(viewport={"width": width, "height": 800}, color_scheme=scheme, locale=locale)
    page = open_editor(s, photos[0])
    page.focus("[role=tab]")
    for name in ("light", "colour", "detail", "shape"):
        page.keyboard.press("ArrowRight")
        page.wait_for_selector(f"#tools-{name}:not([hidden])")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        overflow = "(b => b.scrollWidth <= b.clientWidth)(document.querySelector('.tab-bodies'))"
        assert page.evaluate(overflow), name
    assert s.complaints == []


def test_without_scripts_there_is_a_form(screen: Any, photos: list[str]) -> None:
    s = screen(java_script_enabled=False)
    page = s.page
    page.goto(f"{s.address}/photo/{photos[0]}/edit")
    page.select_option("#operation", "invert")
    page.click(".plain-edit button")
    page.wait_for_url(f"**/photo/{photos[0]}")
    assert "The edit is being made" in page.text_content(".stage-flash")

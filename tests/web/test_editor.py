"""The editor over the real application: its page, the form without scripts, styles on a photo, edits put away."""

from __future__ import annotations

import json
import re
import threading
from html import unescape
from typing import Any, cast
from uuid import UUID

import pytest

from app.context import Context
from app.errors import Conflict
from app.imaging import darkroom
from app.services import edits, photos
from app.services.accounts import Viewer
from app.web import editor
from app.web.i18n import LANGUAGES, Translator, messages
from app.worker import Worker
from ml.enhance import OPERATIONS, validate_recipe
from tests.conftest import FakeAnalyzer


def declared(html: str) -> dict[str, Any]:
    found = re.search(r'id="declarations">(.*?)</script>', html, re.S)
    assert found is not None
    return dict(json.loads(found[1]))


def work(context: Context) -> None:
    worker = Worker(context, cast("Any", FakeAnalyzer()))
    while worker.run_once():
        pass


@pytest.fixture
def photo_id(browser: Any, draw: Any) -> str:
    return str(browser.upload(draw((640, 480))))


# --- the page -----------------------------------------------------------------------------------------------------


def test_the_photo_page_leads_to_the_editor(browser: Any, photo_id: str) -> None:
    assert f'href="/photo/{photo_id}/edit"' in browser.get(f"/photo/{photo_id}").text
    page = browser.get(f"/photo/{photo_id}/edit")
    assert page.status_code == 200
    assert f"/api/v1/photos/{photo_id}/rendition/preview" in page.text


def test_every_operation_has_its_place_once(browser: Any, photo_id: str) -> None:
    known = declared(browser.get(f"/photo/{photo_id}/edit").text)
    placed = [name for section in known["sections"] for name in section["operations"]]
    assert sorted(placed) == sorted(set(OPERATIONS) - {"output"})
    assert known["operations"].keys() == OPERATIONS.keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_controls_are_named_in_the_readers_language(language: str) -> None:
    known = editor.declarations(Translator(language))["operations"]
    labels = [p["label"] for operation in known.values() for p in operation["parameters"]]
    wanted = {p.name for operation in OPERATIONS.values() for p in operation.parameters}
    assert [name for name in sorted(wanted) if f"editor.param.{name}" not in messages(language)] == []
    assert all(labels)
    for operation in known.values():
        for parameter in operation["parameters"]:
            if parameter["type"] == "choice":
                values = [value for value, _ in parameter["choices"]]
                assert values == parameter["range"]["choices"]
                assert len({label for _, label in parameter["choices"]}) == len(values), operation["name"]


def test_neutral_operations_are_those_that_do_nothing_by_themselves() -> None:
    known = editor.declarations(Translator("en"))["operations"]
    neutral = {name for name, operation in known.items() if operation["neutral"]}
    assert {"exposure", "contrast", "gamma", "saturation", "crop", "resize"} <= neutral
    assert not neutral & {"grayscale", "invert", "dehaze", "clahe", "flip", "output"}


def test_the_editor_of_another_persons_photo_does_not_exist(
    browser: Any, photo_id: str, open_browser: Any, bob: Viewer
) -> None:
    others = open_browser("bob")
    assert others.get(f"/photo/{photo_id}/edit").status_code == 404
    assert others.post(f"/photo/{photo_id}/edit", {"operation": "invert"}).status_code == 404
    assert others.get(f"/photo/{photo_id}/edit/style/scream").status_code == 404


def test_a_photo_in_the_trash_is_not_edited(browser: Any, photo_id: str) -> None:
    browser.post(f"/photo/{photo_id}/delete")
    assert browser.get(f"/photo/{photo_id}/edit").status_code == 404
    assert f"/photo/{photo_id}/edit" not in browser.get(f"/photo/{photo_id}").text


# --- without scripts ----------------------------------------------------------------------------------------------


def test_a_plain_form_makes_an_edit_that_can_be_put_away_and_brought_back(
    browser: Any, context: Context, photo_id: str
) -> None:
    form = {"operation": "grayscale", "format": "png", "title": "In grey"}
    after = browser.post(f"/photo/{photo_id}/edit", form)
    assert after.url.path == f"/photo/{photo_id}"
    assert "The edit is being made" in after.text
    work(context)
    page = browser.get(f"/photo/{photo_id}").text
    (file,) = set(re.findall(r'href="(/api/v1/edits/[^"]+/file)" download', page))
    assert "In grey" in page
    assert browser.get(file).headers["content-type"] == "image/png"
    (action,) = re.findall(rf'action="(/photo/{photo_id}/edits/[^"]+)/delete"', page)
    gone = browser.post(f"{action}/delete")
    assert "In grey" not in gone.text
    assert f'action="{action}/restore"' in gone.text  # the way back
    assert "In grey" in browser.post(f"{action}/restore").text


def test_every_choice_of_the_plain_form_is_a_recipe(browser: Any, photo_id: str) -> None:
    page = browser.get(f"/photo/{photo_id}/edit").text
    select = page.partition('name="operation"')[2].partition("</select>")[0]
    values = [unescape(value) for value in re.findall(r'<option value="([^"]+)"', select)]
    assert len(values) > 20
    for value in values:
        preset = value.removeprefix("style:")
        step = {"op": value} if preset == value else {"op": "style", "preset": preset}
        assert not validate_recipe([step]).steps[0].changes_nothing(640, 480), value


def test_an_unknown_operation_is_refused_kindly(browser: Any, photo_id: str) -> None:
    answer = browser.post(f"/photo/{photo_id}/edit", {"operation": "<b>sharpn"})
    assert answer.url.path == f"/photo/{photo_id}/edit"
    assert "There is no operation" in answer.text
    assert "<b>sharpn" not in answer.text


# --- styles and previews ------------------------------------------------------------------------------------------


def test_an_unknown_style_is_not_found(browser: Any, photo_id: str) -> None:
    assert browser.get(f"/photo/{photo_id}/edit/style/nonsense").status_code == 404


def test_a_style_is_asked_for_small_and_may_be_kept(
    browser: Any, photo_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    def preview(*arguments: Any, **options: Any) -> None:
        seen.update(options, recipe=arguments[4])
        arguments[5].write_bytes(b"picture")

    monkeypatch.setattr(edits, "preview", preview)
    answer = browser.get(f"/photo/{photo_id}/edit/style/great-wave")
    assert (answer.content, answer.headers["content-type"]) == (b"picture", "image/jpeg")
    assert seen["recipe"] == [{"op": "style", "preset": "great-wave"}]
    assert seen["long_side"] <= 256
    assert answer.headers["cache-control"].startswith("private")


def test_a_style_of_ones_own_photo_is_previewed_from_renditions(
    browser: Any,
    context: Context,
    anna: Viewer,
    photo_id: str,
    draw: Any,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = browser.upload(draw((300, 200)))
    work(context)
    ordered: list[darkroom.Order] = []

    def develop(settings: Any, order: darkroom.Order, **_limits: Any) -> darkroom.Developed:
        ordered.append(order)
        return darkroom.Developed("jpeg", 1, 1, 1)

    monkeypatch.setattr("app.imaging.darkroom_bench.BENCH.develop", develop)
    with context.database.read() as session:
        recipe = [{"op": "style", "photo": other}]
        edits.preview(context, session, anna, UUID(photo_id), recipe, tmp_path / "made")
        checksum = photos.get_photo(session, anna, UUID(other)).checksum
    assert ordered[0].styles == {other: context.storage.rendition(checksum, "preview")}
    assert ordered[0].recipe[0]["model"] == "fast"


def test_a_newer_preview_takes_the_place_of_the_one_before(
    browser: Any,
    context: Context,
    anna: Viewer,
    photo_id: str,
    tmp_path: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first is held until it is told to stop; the second goes through."""
    begun = threading.Event()
    done = darkroom.Developed("jpeg", 1, 1, 1)

    def develop(
        settings: Any, order: darkroom.Order, *, cancelled: Any, **_limits: float
    ) -> darkroom.Developed:
        if order.recipe[0]["op"] == "invert":
            return done
        begun.set()
        waited = threading.Event()
        for _ in range(500):
            if cancelled():
                raise darkroom.Cancelled
            waited.wait(0.02)
        return done

    monkeypatch.setattr("app.imaging.darkroom.develop", develop)
    monkeypatch.setattr("app.imaging.darkroom_bench.BENCH.develop", develop)
    outcome: list[Any] = []

    def ask(viewer: Viewer, op: str) -> None:
        with context.database.read() as session:
            try:
                outcome.append(
                    edits.preview(context, session, viewer, UUID(photo_id), [{"op": op}], tmp_path / op)
                )
            except Conflict as error:
                outcome.append(error)

    first = threading.Thread(target=ask, args=(anna, "sepia"))
    first.start()
    assert begun.wait(10)
    ask(anna, "invert")
    first.join(20)
    assert outcome[0] == done
    assert isinstance(outcome[1], Conflict)


@pytest.mark.parametrize(
    ("step", "model"),
    [
        ({"op": "dehaze", "model": "best"}, "fast"),
        ({"op": "low_light", "model": "best"}, "fast"),
        ({"op": "super_resolution", "model": "cleanup"}, "faithful"),
        ({"op": "super_resolution"}, "faithful"),
    ],
)
def test_a_slow_preview_has_a_quick_stand_in(
    browser: Any,
    context: Context,
    anna: Viewer,
    api: Any,
    draw: Any,
    monkeypatch: pytest.MonkeyPatch,
    step: dict[str, Any],
    model: str,
) -> None:
    ordered: list[darkroom.Order] = []

    def develop(settings: Any, order: darkroom.Order, **_limits: Any) -> darkroom.Developed:
        ordered.append(order)
        order.target.write_bytes(b"picture")
        return darkroom.Developed("jpeg", 1, 1, 1)

    monkeypatch.setattr("app.imaging.darkroom.develop", develop)
    photo = browser.upload(draw((2000, 1500)))
    url = f"/api/v1/photos/{photo}/edits/preview"
    for quick in ("true", "false"):
        answer = api.post(url, params={"quick": quick}, json={"recipe": [step]})
        assert (answer.status_code, answer.content) == (200, b"picture")
    stand_in, whole = ordered
    assert stand_in.recipe[0]["model"] == model
    assert stand_in.long_side <= whole.long_side <= 1024
    estimate = validate_recipe(stand_in.recipe).seconds(stand_in.long_side, stand_in.long_side * 3 // 4)
    assert estimate < 0.5
    assert whole.recipe[0]["model"] == step.get("model", model), "what is asked for is what comes in the end"
    gentle = [{"op": "dehaze"}, {"op": "contrast", "amount": 0.3}]
    assert api.post(url, params={"quick": "true"}, json={"recipe": gentle}).status_code == 204
    assert len(ordered) == 2


def test_slow_recipes_are_previewed_smaller(context: Context, anna: Viewer, browser: Any, draw: Any) -> None:
    photo_id = browser.upload(draw((2000, 1500)))
    with context.database.read() as session:
        photo = photos.get_photo(session, anna, UUID(photo_id))
    quick, slow = [{"op": "invert"}], [{"op": "style", "preset": "scream", "model": "best"}]
    assert edits._quick_side(edits.checked(quick), photo, 1024) == 1024
    assert 448 <= edits._quick_side(edits.checked(slow), photo, 1024) < 1024
    assert edits._quick_side(edits.checked(slow), photo, 160) == 160


def test_an_edit_is_saved_as_a_new_photo_from_the_photos_page(
    browser: Any, context: Context, photo_id: str
) -> None:
    browser.post(f"/photo/{photo_id}/edit", {"operation": "invert", "title": "Negative"})
    page = browser.get(f"/photo/{photo_id}").text
    assert "/copy" not in page, "not while it is being made"
    work(context)
    page = browser.get(f"/photo/{photo_id}").text
    (action,) = re.findall(rf'action="(/photo/{photo_id}/edits/[^"]+/copy)"', page)
    made = browser.post(action)
    assert made.url.path not in (f"/photo/{photo_id}", action)
    assert "This is the new photo." in made.text
    again = browser.post(action)
    assert again.url.path == made.url.path
    assert "You have this photo already." in again.text


def test_an_edit_that_is_not_ready_is_not_copied_and_the_page_says_why(browser: Any, photo_id: str) -> None:
    page = browser.post(f"/photo/{photo_id}/edit", {"operation": "invert"})
    (action,) = re.findall(rf'action="(/photo/{photo_id}/edits/[^"]+)/delete"', page.text)
    early = browser.post(f"{action}/copy")
    assert early.url.path == f"/photo/{photo_id}"
    assert "The edit is still being made." in early.text

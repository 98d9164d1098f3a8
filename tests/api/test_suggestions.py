"""What Albumen would do to a photo: measured, with reasons in both languages, and restrained by what it knows."""

from __future__ import annotations

import io
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.context import Context
from app.imaging import darkroom
from app.models import Cue


def picture(lightness: float, contrast: float = 1.0, side: int = 1200) -> bytes:
    """Smooth noise around a grey of this lightness (0..1), not a screenshot and without lines."""
    random = np.random.default_rng(3)
    small = Image.fromarray((random.random((30, 40, 3)) * 255).astype(np.uint8))
    large = np.asarray(small.resize((side, side * 3 // 4), Image.Resampling.BICUBIC), np.float32) / 255
    pixels = np.clip(lightness * (1 + contrast * (large - 0.5)), 0, 1)
    out = io.BytesIO()
    Image.fromarray((pixels * 255).astype(np.uint8)).save(out, "JPEG", quality=92)
    return out.getvalue()


def added(api: TestClient, data: bytes) -> str:
    return str(api.post("/api/v1/photos", files={"file": ("a.jpg", data)}).json()["id"])


def suggested(api: TestClient, photo: str, language: str = "en") -> dict[str, Any]:
    answer = api.get(f"/api/v1/photos/{photo}/suggestions", headers={"Accept-Language": language})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def flag(context: Context, photo: str, **raised: bool) -> None:
    with context.database.write() as session:
        for name, flagged in raised.items():
            session.add(Cue(photo_id=UUID(photo), name=name, value=20.0, flagged=flagged, model="test"))


def test_a_dark_photo_is_offered_light_with_a_reason_in_both_languages(api: TestClient) -> None:
    photo = added(api, picture(0.05))
    english, chinese = suggested(api, photo), suggested(api, photo, "zh-CN")
    assert english["recipe"] == chinese["recipe"]
    assert english["recipe"][0]["op"] == "low_light"
    assert english["reasons"][0] == {"op": "low_light", "text": "Most of the photo is dark."}
    assert chinese["reasons"][0] == {"op": "low_light", "text": "照片大部分区域过暗。"}


def test_what_is_suggested_is_a_recipe(api: TestClient) -> None:
    photo = added(api, picture(0.05, side=400))
    found = suggested(api, photo)["recipe"]
    assert [step["op"] for step in found][-1] == "super_resolution", "a small photo may be enlarged"
    assert api.post(f"/api/v1/photos/{photo}/edits", json={"recipe": found}).status_code == 202


def test_a_good_photo_needs_nothing_and_is_told_so(api: TestClient) -> None:
    photo = added(api, picture(0.5, 2.2))
    assert suggested(api, photo) == {
        "recipe": [],
        "reasons": [{"op": None, "text": "This photo needs nothing."}],
    }
    assert suggested(api, photo, "zh")["reasons"][0]["text"] == "这张照片无需调整。"


@pytest.mark.parametrize(("raised", "expected"), [(True, []), (False, ["low_light"])])
def test_a_screenshot_is_left_alone(
    api: TestClient, context: Context, raised: bool, expected: list[str]
) -> None:
    """What counts is whether the cue was raised, not its value."""
    photo = added(api, picture(0.05))
    flag(context, photo, screenshot=raised)
    assert [step["op"] for step in suggested(api, photo)["recipe"]][:1] == expected


def test_a_photo_in_the_trash_is_not_looked_at(api: TestClient) -> None:
    photo = added(api, picture(0.05))
    api.delete(f"/api/v1/photos/{photo}")
    assert api.get(f"/api/v1/photos/{photo}/suggestions").status_code == 404


def test_operations_hear_which_cues_were_raised(
    api: TestClient, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Auto enhance asks for "night" and the like as 1 or 0; how colourful a photo is would be no answer."""
    ordered: list[darkroom.Order] = []

    def develop(settings: Any, order: darkroom.Order, **_limits: Any) -> darkroom.Developed:
        ordered.append(order)
        order.target.write_bytes(b"picture")
        return darkroom.Developed("jpeg", 1, 1, 1)

    monkeypatch.setattr(darkroom, "develop", develop)
    photo = added(api, picture(0.05))
    flag(context, photo, bw=False, night=True)
    api.post(f"/api/v1/photos/{photo}/edits/preview", json={"recipe": [{"op": "auto_enhance"}]})
    assert ordered[0].cues == {"bw": 0.0, "night": 1.0}

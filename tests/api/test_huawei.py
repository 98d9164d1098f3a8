"""The retired Huawei Cloud image endpoints: requests as their clients make them, answers as they read them."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.context import Context
from app.imaging.darkroom import Developed
from app.services.understanding import lookup
from ml.types import Analysis, Box, Detection, StageRun, TagScore
from tests.conftest import Drawn, FakeAnalyzer
from tests.server import default_models

TAGGING = ("/v1.0/image/tagging", "/v2/0a1b2c/image/tagging")
ENHANCE = ("/v1.0/vision/dark-enhance", "/v1.0/vision/defog", "/v1.0/vision/super-resolution")


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


class HereAndNow:
    """Answers as the child process of the lookout does, in this process, where the networks are not real."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def ask(self, question: str, **arguments: Any) -> Any:
        return json.loads(json.dumps(getattr(lookup, question)(self.context, **arguments)))

    def close(self) -> None:
        pass


@pytest.fixture
def key(api: TestClient) -> dict[str, str]:
    made = api.post("/api/v1/auth/keys", json={"name": "old client", "scopes": ["images"]}).json()
    return {"X-Auth-Token": made["secret"]}


@pytest.fixture
def client(
    anonymous: TestClient, key: dict[str, str], context: Context, monkeypatch: pytest.MonkeyPatch
) -> TestClient:
    def see(_image: Any) -> Analysis:
        return Analysis(
            tags=(
                TagScore("golden-retriever", 0.875, "scene", "scene/test@one"),
                TagScore("dog", 0.92, "object", "object/test@one"),
                TagScore("beach", 0.55, "scene", "scene/test@one"),
                TagScore("sunset", 0.31, "cue", "cue/test@one"),
            ),
            objects=(Detection("dog", 0.92, Box(0.25, 0.5, 0.5, 0.25)),),
            stages=(StageRun("tags", "scene/test@one", "1", 0.01),),
        )

    monkeypatch.setattr(lookup, "_analyzer", lambda _context: FakeAnalyzer(see))
    context.__dict__["lookout"] = HereAndNow(context)
    return TestClient(anonymous.app, headers=key, raise_server_exceptions=False)


class TestTagging:
    def test_version_one_in_its_shape_and_chinese(self, client: TestClient, draw: Drawn) -> None:
        answer = client.post(TAGGING[0], json={"image": text(draw())})
        assert answer.status_code == 200
        tags = answer.json()["result"]["tags"]
        assert [t["confidence"] for t in tags] == [92.0, 87.5, 55.0, 31.0]
        assert tags[0] == {
            "confidence": 92.0, "tag": "狗", "type": "object", "i18n_tag": {"zh": "狗", "en": "dog"},
        }  # fmt: skip
        assert {t["i18n_tag"]["en"]: t["type"] for t in tags}["beach"] == "scene"
        assert {t["i18n_tag"]["en"]: t["type"] for t in tags}["sunset"] == "concept"

    def test_version_two_keeps_the_sure_ones_with_boxes_in_pixels(
        self, client: TestClient, draw: Drawn
    ) -> None:
        answer = client.post(TAGGING[1], json={"image": text(draw((400, 200))), "language": "en"})
        tags = answer.json()["result"]["tags"]
        assert [(t["tag"], t["confidence"]) for t in tags] == [("dog", "92.0"), ("golden retriever", "87.5")]
        assert tags[0]["instances"] == [
            {
                "bounding_box": {"top_left_x": 100.0, "top_left_y": 100.0, "width": 200.0, "height": 50.0},
                "confidence": "92.0",
            }
        ]
        assert tags[0]["i18n_type"] == {"zh": "物体", "en": "object"}

    def test_threshold_and_limit(self, client: TestClient, draw: Drawn) -> None:
        body = {"image": text(draw()), "language": "en", "threshold": 50, "limit": 2}
        for path in TAGGING:
            assert [t["tag"] for t in client.post(path, json=body).json()["result"]["tags"]] == [
                "dog", "golden retriever",
            ]  # fmt: skip
        everything = client.post(TAGGING[0], json={**body, "limit": -1, "threshold": 0}).json()
        assert len(everything["result"]["tags"]) == 4


class TestRefusals:
    """Every refusal is {error_code, error_msg}, which is all that these clients read."""

    @pytest.mark.parametrize("path", TAGGING + ENHANCE)
    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b'{"image": ', "AIS.0014"),
            (b"[]", "AIS.0014"),
            (b"{}", "AIS.0011"),
            (b'{"image": "###"}', "AIS.0015"),
            (b'{"url": "http://127.0.0.1:8000/metrics"}', "AIS.0012"),
            (b'{"image": "aGVsbG8="}', "AIS.0102"),
        ],
    )
    def test_bad_requests(self, client: TestClient, path: str, body: bytes, code: str) -> None:
        answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["error_code"]) == (400, code)
        assert set(answer.json()) == {"error_code", "error_msg"}

    @pytest.mark.parametrize(
        ("path", "wrong"),
        [
            (TAGGING[0], {"language": "fr"}),
            (TAGGING[1], {"limit": 151}),
            (TAGGING[1], {"threshold": 101}),
            (ENHANCE[0], {"brightness": 1.5}),
            (ENHANCE[1], {"gamma": 0}),
            (ENHANCE[2], {"scale": 5}),
            (ENHANCE[2], {"model": "other"}),
        ],
    )
    def test_values_out_of_range_are_named(
        self, client: TestClient, draw: Drawn, path: str, wrong: dict[str, Any]
    ) -> None:
        answer = client.post(path, json={"image": text(draw()), **wrong})
        assert (answer.status_code, answer.json()["error_code"]) == (400, "AIS.0101")
        assert next(iter(wrong)) in answer.json()["error_msg"]

    @pytest.mark.parametrize("path", TAGGING + ENHANCE)
    def test_no_key_a_wrong_key_and_a_key_without_the_scope(
        self, api: TestClient, anonymous: TestClient, draw: Drawn, path: str
    ) -> None:
        body = {"image": text(draw())}
        for headers in ({}, {"X-Auth-Token": "alk_wrong"}, dict(api.headers)):
            answer = anonymous.post(
                path, json=body, headers={k: v for k, v in headers.items() if k != "authorization"}
            )
            assert (answer.status_code, answer.json()["error_code"]) == (401, "APIGW.0301")
        weak = api.post("/api/v1/auth/keys", json={"name": "k", "scopes": ["photos.read"]}).json()["secret"]
        answer = anonymous.post(path, json=body, headers={"X-Auth-Token": weak})
        assert (answer.status_code, answer.json()["error_code"]) == (403, "AIS.0004")

    def test_too_many_pixels_and_too_many_bytes(
        self, client: TestClient, context: Context, draw: Drawn
    ) -> None:
        object.__setattr__(context.settings, "max_pixels", 10_000)
        answer = client.post(TAGGING[0], json={"image": text(draw((200, 200)))})
        assert (answer.status_code, answer.json()["error_code"]) == (400, "AIS.0103")
        object.__setattr__(context.settings, "max_base64_bytes", 1000)
        answer = client.post(TAGGING[0], json={"image": text(draw((640, 480)))})
        assert (answer.status_code, answer.json()["error_code"]) == (400, "AIS.0103")


class TestEnhancement:
    @pytest.mark.parametrize(
        ("path", "asked", "recipe"),
        [
            (ENHANCE[0], {}, [{"op": "low_light", "strength": 0.9}]),
            (ENHANCE[0], {"brightness": 0.25}, [{"op": "low_light", "strength": 0.25}]),
            (ENHANCE[1], {}, [{"op": "dehaze", "strength": 0.8}]),
            (ENHANCE[1], {"natural_look": False, "gamma": 3},
             [{"op": "dehaze", "strength": 1.0}, {"op": "gamma", "gamma": 2.0}]),
            (ENHANCE[2], {}, [{"op": "super_resolution", "scale": 3, "model": "faithful"}]),
            (ENHANCE[2], {"scale": 4, "model": "SRCNN"},
             [{"op": "super_resolution", "scale": 4, "model": "faithful"}]),
        ],
    )  # fmt: skip
    def test_what_a_request_means(
        self, client: TestClient, draw: Drawn, monkeypatch: pytest.MonkeyPatch, path: str,
        asked: dict[str, Any], recipe: list[dict[str, Any]],
    ) -> None:  # fmt: skip
        done: list[Any] = []

        def process_once(_context: Context, source: Path, recipe: Any, target: Path) -> Developed:
            done.append(recipe)
            target.write_bytes(source.read_bytes()[::-1])
            return Developed("png", 1, 1, 1)

        monkeypatch.setattr("app.services.edits.process_once", process_once)
        data = draw(format="PNG")
        answer = client.post(path, json={"image": text(data), **asked})
        assert answer.status_code == 200
        assert base64.b64decode(answer.json()["result"]) == data[::-1]
        as_file = client.post(
            path, files={"file": ("a.png", data)}, data={k: str(v) for k, v in asked.items()}
        )
        assert (as_file.content, as_file.headers["content-type"]) == (data[::-1], "image/png")
        assert done == [recipe, recipe]

    @pytest.mark.weights
    @pytest.mark.slow
    def test_with_real_networks(self, client: TestClient, context: Context) -> None:
        if not default_models().is_dir():
            pytest.skip("the model weights are not fetched: make models")
        object.__setattr__(context.settings, "models", default_models())
        ramp = np.linspace(4, 40, 96 * 64 * 3).reshape(64, 96, 3).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(ramp).save(buffer, "PNG")
        shown = {}
        for path in ENHANCE:
            answer = client.post(path, json={"image": text(buffer.getvalue())})
            assert answer.status_code == 200, answer.json()
            shown[path] = np.asarray(Image.open(io.BytesIO(base64.b64decode(answer.json()["result"]))))
        assert shown[ENHANCE[0]].mean() > 1.5 * ramp.mean()
        assert shown[ENHANCE[1]].shape == ramp.shape
        assert shown[ENHANCE[2]].shape == (192, 288, 3)


def test_nothing_is_stored(client: TestClient, context: Context, draw: Drawn) -> None:
    client.post(TAGGING[0], json={"image": text(draw())})
    assert list(context.storage.originals()) == []
    assert [p.name for p in (context.settings.data / "incoming").iterdir() if p.name != ".lock"] == []

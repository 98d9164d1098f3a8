"""Image-text models, with a tiny one of three colours: fetching its towers, and what their vectors say."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ml import Analyzer, registry
from ml.cost import cost_here
from ml.imagetext import TextTower
from ml.measure import measure
from ml.registry import CutOff
from ml.semantics import MODEL
from ml.types import Image
from ml.zoo import ChecksumError, ModelDamaged, ModelMissing, Progress, Zoo
from tests import colours
from tests.colours import Hub, id_of

A, WORDS = id_of("a"), "semantic-text/colours-a@test"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with colours.served() as hub:
        yield hub


@pytest.fixture
def zoo(hub: Hub, tmp_path: Path) -> Zoo:
    return Zoo(tmp_path / "models", tmp_path / "cache")


def flat(colour: tuple[int, int, int], size: tuple[int, int] = (30, 20)) -> Image:
    return np.full((*size, 3), colour, np.uint8)


def test_both_towers_come_with_progress_and_leave_no_second_copy(zoo: Zoo) -> None:
    told: list[Progress] = []
    assert [entry.id for entry in zoo.fetch([A], progress=told.append)] == [A, WORDS]
    assert [state.state for state in zoo.verify([A])] == ["ready", "ready"]
    assert {p.name for p in (zoo.models_dir / registry.get(WORDS).folder).iterdir()} == {
        "entry.json",
        "model.onnx",
        "tokenizer.json",
    }
    assert list((zoo.cache / "archives").iterdir()) == []
    done = [p.done for p in told if p.model_id == WORDS and p.step == "download"]
    assert done == sorted(done)
    assert done[-1] == registry.get(WORDS).download_bytes
    assert zoo.fetch([A]) == []


def test_another_file_at_the_address_is_refused(zoo: Zoo, hub: Hub) -> None:
    (path,) = [p for p in hub.files if "colours-a" in p and p.endswith("tokenizer.json")]
    good = hub.files[path]
    hub.files[path] = good.replace(b"red", b"der")
    with pytest.raises(ChecksumError, match=r"tokenizer\.json"):
        zoo.fetch([A])
    assert [state.state for state in zoo.verify([A])] == ["ready", "missing"]
    hub.files[path] = good
    assert [entry.id for entry in zoo.fetch([A])] == [WORDS]


def test_a_mirror_may_serve_what_the_hub_has(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = registry.get(WORDS)
    away = here.source.url.replace(hub.address, "https://huggingface.co")
    entry = dataclasses.replace(here, source=dataclasses.replace(here.source, url=away))
    monkeypatch.setenv("HF_ENDPOINT", hub.address + "/")
    assert Zoo(tmp_path / "models", tmp_path / "cache", [entry]).fetch([WORDS]) == [entry]


def test_words_lie_near_pictures_of_what_they_name(zoo: Zoo) -> None:
    zoo.fetch([A])
    tower = TextTower(A, zoo.models_dir)
    analyzer = Analyzer(zoo.models_dir, options={"image-text": {"model": A}})
    pictures = [flat((250, 5, 5)), flat((5, 250, 5), (8, 300)), flat((5, 5, 250), (1, 1))]
    seen = analyzer.analyze(pictures, ["image-text"])
    vectors = np.stack([s.image_text for s in seen if s.image_text is not None])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1])
    assert [(run.stage, run.model, run.version, run.error) for run in seen[0].stages] == [
        ("image-text", A, "1", None)
    ]
    for text, best in {"red": 0, "GREEN": 1, "blue": 2, "蓝": 2, "a big red\tthing": 0}.items():
        cosines = vectors @ tower.encode(text)
        assert cosines.argmax() == best, text
    assert (vectors @ tower.encode("blue"))[2] > 0.95
    assert abs((vectors @ tower.encode("velvet")).max()) < 0.2
    assert (vectors @ tower.encode("red \ud800")).argmax() == 0  # half a character is no reason to fail


def test_a_text_longer_than_the_tower_reads_is_cut(zoo: Zoo) -> None:
    zoo.fetch([A])
    tower = TextTower(A, zoo.models_dir)
    assert tower.encode("red " * 6) == pytest.approx(tower.encode("red " * 500))
    assert tower.encode("red " * 6 + "green " * 6) == pytest.approx(tower.encode("red"))
    assert np.isfinite(tower.encode("red")).all()


def test_encoding_words_loads_no_torch(tmp_path: Path) -> None:
    """It is done in the web process."""
    code = f"""
import sys
from pathlib import Path
from ml.imagetext import text_tower
from ml.zoo import Zoo
from tests import colours
with colours.served():
    zoo = Zoo(Path({str(tmp_path)!r}) / "models", Path({str(tmp_path)!r}) / "cache")
    zoo.fetch([colours.id_of("a")])
    print(text_tower(colours.id_of("a"), zoo.models_dir).encode("red").shape, "torch" in sys.modules)
"""
    here = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=here, check=True)
    assert done.stdout.strip() == "(4,) False"


@pytest.mark.parametrize(("model", "shape"), [(A, [1, 3, 8, 8]), (WORDS, [1, 6])])
def test_both_towers_can_be_measured(zoo: Zoo, model: str, shape: list[int]) -> None:
    zoo.fetch([A])
    found = measure(model, zoo.models_dir, runs=1)
    assert found["input"] == shape
    assert found["seconds"] >= 0
    cost = cost_here(registry.get(model), zoo.models_dir)
    assert (list(cost.shape), cost.model_id) == (shape, model)


def test_without_a_model_the_stage_is_left_out(zoo: Zoo) -> None:
    plain, asked = Analyzer(zoo.models_dir), ["image-text"]
    assert plain.analyze([flat((1, 2, 3))], asked)[0].stages == ()
    assert not plain.runs("image-text")
    assert plain.runs("objects")


def test_what_is_not_there_or_damaged_is_said(zoo: Zoo) -> None:
    analyzer = Analyzer(zoo.models_dir, options={"image-text": {"model": A}})
    (seen,) = analyzer.analyze([flat((1, 2, 3))], ["image-text"])
    assert "albumen models fetch" in str(seen.stages[0].error)
    assert seen.image_text is None
    with pytest.raises(ModelMissing, match=WORDS):
        TextTower(A, zoo.models_dir).encode("red")
    zoo.fetch([A])
    tokens = zoo.models_dir / registry.get(WORDS).folder / "tokenizer.json"
    data = tokens.read_bytes()
    tokens.write_bytes(data.replace(b"red", b"der"))
    with pytest.raises(ModelDamaged, match="has changed"):
        TextTower(A, zoo.models_dir).encode("red")


@pytest.mark.parametrize("model_id", [MODEL, WORDS, "scene/efficientnet-lite2@in1k"])
def test_what_is_no_image_text_model_has_no_tower(hub: Hub, model_id: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no image-text model"):
        TextTower(model_id, tmp_path)


def test_every_shipped_picture_tower_has_words_and_a_cut_off() -> None:
    towers = [entry for entry in registry.for_task("semantic") if entry.id != MODEL]
    assert towers
    for entry in towers:
        words = [registry.get(name) for name in entry.requires if registry.get(name).text_input]
        assert len(words) == 1, entry.id
        cut = entry.cut_off
        assert cut is not None
        assert cut.unrelated < cut.further <= cut.first < cut.sure
        assert cut.origin


def test_strength_grows_from_unrelated_to_sure() -> None:
    cut = CutOff(first=0.2, further=0.1, within=0.1, unrelated=0.05, sure=0.25, origin="")
    assert [cut.strength(c) for c in (-1, 0.05, 0.15, 0.25, 1)] == pytest.approx([0, 0, 0.5, 1, 1])

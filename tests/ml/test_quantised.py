"""Networks in 8-bit arithmetic: made by `albumen models quantize`, used where the settings say so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.cli import main
from app.services.understanding import models
from app.settings import Settings

NETWORKS = ("scene/efficientnet-lite2@in1k", "object/ssdlite-mobilenet-v2@coco")
STAGES = ["tags", "objects"]


@pytest.mark.weights
@pytest.mark.slow
def test_quantised_networks_see_much_the_same_and_say_that_it_was_they(
    models_dir: Path,
    exact_copy: Callable[[str, Path], None],
    shared_data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in NETWORKS:
        exact_copy(name, tmp_path / "models")
    monkeypatch.setenv("ALBUMEN_MODELS", str(tmp_path / "models"))
    settings = Settings(data=tmp_path / "data", models=tmp_path / "models", int8=True)
    exact = models.build_analyzer(settings)
    assert models.provenance(exact, STAGES) == models.provenance(models.build_analyzer(Settings()), STAGES)

    photos = sorted((shared_data / "photos/imagenet").glob("*.jpg"))
    with pytest.raises(SystemExit, match="0"):
        main(
            ["models", "quantize", "--photos", str(photos[0].parent), "--data", str(settings.data), "--json"]
        )
    assert {made["id"] for made in json.loads(capsys.readouterr().out)} == set(NETWORKS)

    quantised = models.build_analyzer(settings)
    for stage, (model, version) in models.provenance(quantised, STAGES).items():
        before, plain = models.provenance(exact, STAGES)[stage]
        assert (model, version) == (before, f"{plain} int8")
    pictures = [np.array(Image.open(photo).convert("RGB")) for photo in photos[7:400:20]]
    ours = quantised.analyze(pictures, stages=STAGES)
    theirs = models.build_analyzer(Settings(models=models_dir)).analyze(pictures, stages=STAGES)
    best = [(a.tags[0].slug, b.tags[0].slug) for a, b in zip(ours, theirs, strict=True) if a.tags and b.tags]
    assert len(best) >= 15
    assert sum(a == b for a, b in best) >= 0.85 * len(best)
    assert [a.tags for a in ours] != [b.tags for b in theirs]


def test_quantising_needs_enough_photos_and_a_network_that_can_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["models", "quantize", "--data", str(tmp_path)])
    assert "needs 48 photos" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        main(["models", "quantize", "haze/air@albumen", "--data", str(tmp_path)])
    assert "haze/air@albumen cannot be quantised" in capsys.readouterr().err

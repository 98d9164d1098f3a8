"""What `albumen models bench` prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.cli import main
from ml import registry
from ml.cost import CostError, cost_of
from ml.runtime import Network

SMALL = "face-proposal/mtcnn-pnet@facenet"


def bench(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *ids: str) -> int:
    monkeypatch.setenv("ALBUMEN_MODELS", str(models))
    with pytest.raises(SystemExit) as ended:
        main(["models", "bench", *ids, "--json", "--data", str(tmp_path)])
    return int(ended.value.code or 0)


def test_a_network_is_timed_and_weighed_alone(
    models_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(models_dir, tmp_path, monkeypatch, SMALL) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["model_id"] == SMALL
    assert row["runs"] >= 3
    assert 0 < row["quickest"] <= row["milliseconds"]
    # A runtime takes tens of megabytes, this network a few; torch alone would take hundreds.
    assert 0 <= row["network_bytes"] < row["process_bytes"] < 400e6


def test_what_cannot_be_measured_is_told_and_the_rest_goes_on(
    models_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / registry.get(SMALL).folder).symlink_to(
        Network(registry.get(SMALL), models_dir).folder
    )
    absent = "scene/efficientnet-lite2@in1k"
    assert bench(tmp_path / "models", tmp_path, monkeypatch, absent, SMALL) == 1
    missing, measured = json.loads(capsys.readouterr().out)
    assert missing["model_id"] == absent
    assert "albumen models fetch" in missing["error"]
    assert measured["model_id"] == SMALL
    assert measured["runs"] >= 3


def test_a_method_without_a_network_has_no_cost(models_dir: Path) -> None:
    with pytest.raises(CostError, match="no network"):
        cost_of(registry.get("object/ssdlite-mobilenet-v2-tiled@coco"), models_dir)

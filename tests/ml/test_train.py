"""Training scripts: a run can be repeated, stopped and resumed, and what it writes is what the product loads."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from ml.nets import curve, haze
from ml.train import run, train_haze, train_light, train_painters, train_style
from ml.train.describe_styles import FILES


def _photo(seed: int) -> np.ndarray:
    """A well exposed picture with shapes and a highlight, ``(96, 128, 3) uint8``."""
    rng = np.random.default_rng(seed)
    picture = cv2.resize(rng.uniform(40, 200, (4, 5, 3)), (128, 96), interpolation=cv2.INTER_CUBIC)
    picture[10:30, 20:60] = 255
    return np.clip(picture + rng.normal(0, 8, picture.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the scripts want it, with drawn photos."""
    folder = tmp_path_factory.mktemp("data")
    for number, place in enumerate(("train/natural", "photos/scenes", "train/haze_pairs/clear")):
        (folder / place).mkdir(parents=True)
        for n in range(2):
            Image.fromarray(_photo(10 * number + n)).save(folder / place / f"{n}.png")
    (folder / "train/haze_pairs/hazy").mkdir()
    for n in range(2):
        clear = np.asarray(Image.open(folder / f"train/haze_pairs/clear/{n}.png"), np.float32)
        t = np.exp(-np.linspace(0.3, 1.2, 96))[:, None, None]
        hazy = clear * t + 230 * (1 - t)
        Image.fromarray(hazy.round().astype(np.uint8)).save(folder / f"train/haze_pairs/hazy/{n}.png")
    return folder


@pytest.mark.parametrize(("script", "build"), [(train_light, curve.build), (train_haze, haze.build)])
def test_two_runs_write_the_same_weights_and_a_finished_one_stays_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    data: Path,
    script: object,
    build: Callable[[], nn.Module],
) -> None:
    from safetensors.torch import load_file

    def train(out: str, steps: int) -> Path:
        command = [
            "train",
            "--data",
            str(data),
            "--out",
            str(tmp_path / f"{out}.safetensors"),
            "--batch",
            "2",
        ]
        command += ["--checkpoint", str(tmp_path / f"{out}.pt"), "--steps", str(steps), "--device", "cpu"]
        monkeypatch.setattr(sys, "argv", command)
        script.main()  # type: ignore[attr-defined]
        return tmp_path / f"{out}.safetensors"

    whole = train("whole", 3)
    assert whole.read_bytes() == train("again", 3).read_bytes()
    state = load_file(whole)
    build().load_state_dict(state, strict=True)
    before = whole.read_bytes()
    assert train("whole", 3).read_bytes() == before


@pytest.mark.parametrize("script", [train_light, train_haze])
def test_every_script_proves_that_it_can_be_repeated(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    data: Path,
    script: object,
) -> None:
    command = ["train", "--data", str(data), "--out", str(tmp_path / "x"), "--batch", "2", "--device", "cpu"]
    monkeypatch.setattr(sys, "argv", [*command, "--check"])
    script.main()  # type: ignore[attr-defined]
    assert "the same weights twice" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.weights
@pytest.mark.parametrize("script", [train_painters, train_style])
def test_the_scripts_for_styles_prove_it_too(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    data: Path,
    models_dir: Path,
    script: object,
) -> None:
    for number, name in enumerate(FILES.values()):
        Image.fromarray(_photo(100 + number)).save(tmp_path / name)
    command = ["train", "--data", str(data), "--paintings", str(tmp_path), "--models", str(models_dir)]
    monkeypatch.setattr(sys, "argv", [*command, "--out", str(tmp_path / "x"), "--check"])
    script.main()  # type: ignore[attr-defined]
    assert "the same weights twice" in capsys.readouterr().out
    assert not (tmp_path / "x").exists()


def test_the_proof_fails_for_a_run_that_depends_on_what_came_before() -> None:
    drawn = np.random.default_rng(1)

    def losses(net: nn.Module, rng: np.random.Generator, number: int) -> dict[str, torch.Tensor]:
        return {"error": (net(torch.full((1, 2), float(drawn.random()))) - 1).square().mean()}

    with pytest.raises(run.NotRepeatable, match="again"):
        run.check(lambda: nn.Linear(2, 1), losses, seed=1)


def test_a_loss_that_is_not_a_number_stops_the_run(tmp_path: Path) -> None:
    def losses(net: nn.Module, rng: np.random.Generator, number: int) -> dict[str, torch.Tensor]:
        return {"error": net(torch.full((1, 2), np.inf)).sum()}

    training = run.Run(nn.Linear(2, 1), tmp_path / "x.pt", steps=3, peak=1e-3, seed=1)
    with pytest.raises(FloatingPointError, match="step 0"):
        training.train(losses)

"""Automatic enhancement: names each defect, and leaves good photos nearly as they are."""

from __future__ import annotations

import numpy as np
import pytest

from ml.enhance import EnhanceContext, apply, decode, learned, validate_recipe
from ml.enhance.auto import measure, propose

GOOD = {
    "median": 0.45,
    "low": 0.03,
    "high": 0.97,
    "bright": 0.85,
    "veil": 0.08,
    "chroma": 20.0,
    "cast": 4.0,
    "noise": 0.003,
    "tilt": 0.0,
    "width": 4000.0,
    "height": 3000.0,
}
DARK = {"median": 0.06, "bright": 0.3, "high": 0.6, "low": 0.0}
HAZY = {"veil": 0.55, "low": 0.3, "chroma": 5.0, "high": 0.9, "median": 0.6}


def operations(**changes):
    return [suggestion.step["op"] for suggestion in propose({**GOOD, **changes})]


@pytest.fixture
def every_network(monkeypatch):
    monkeypatch.setattr(learned, "available", lambda name: True)


@pytest.mark.usefixtures("every_network")
@pytest.mark.parametrize(
    ("changes", "operation"),
    [
        (DARK, "low_light"),
        (HAZY, "dehaze"),
        ({"low": 0.3, "high": 0.75}, "auto_levels"),
        ({"tilt": -2.5}, "rotate"),
        ({"cast": 24.0}, "white_balance"),
        ({"noise": 0.05}, "denoise"),
        ({"width": 600.0, "height": 400.0}, "super_resolution"),
    ],
)
def test_each_defect_is_named_and_nothing_else(changes, operation):
    assert operations() == []
    found = propose({**GOOD, **changes})
    assert [suggestion.step["op"] for suggestion in found] == [operation]
    assert found[0].reason.en
    assert any("\u4e00" <= letter <= "\u9fff" for letter in found[0].reason.zh)
    validate_recipe([found[0].step])


@pytest.mark.usefixtures("every_network")
def test_flags_of_the_analysis_restrain_the_rules():
    dark = propose({**GOOD, **DARK})[0].step["strength"]
    night = propose({**GOOD, **DARK, "night": 1.0})[0].step["strength"]
    lights = propose({**GOOD, **DARK, "high": 0.95})[0].step["strength"]
    assert dark > 0.6
    assert night < 0.5 * dark
    assert lights < 0.5 * dark
    assert operations(**DARK, screenshot=1.0) == []
    assert operations(cast=24.0, sunset=1.0) == []
    assert "dehaze" not in operations(**HAZY, bw=1.0)


@pytest.mark.usefixtures("every_network")
def test_strength_grows_from_nothing():
    strengths = []
    for median in np.linspace(0.30, 0.05, 60):
        found = propose({**GOOD, **DARK, "median": float(median)})
        strengths.append(sum(s.step["strength"] for s in found if s.step["op"] == "low_light"))
    steps = np.diff(strengths)
    assert strengths[0] == 0
    assert strengths[-1] > 0.6
    assert (steps >= 0).all()
    assert steps.max() < 0.08


def test_missing_cues_silence_their_rules():
    assert propose({}) == []
    assert [s.step["op"] for s in propose({"tilt": 3.0})] == ["rotate"]


def test_measures_know_what_they_measure(scene):
    picture = apply(scene(300, 220), [{"op": "smooth", "radius": 3}])
    base = measure(picture)
    assert (base["width"], base["height"]) == (300, 220)
    darker = measure(apply(picture, [{"op": "exposure", "ev": -3}]))
    assert darker["median"] < base["median"] / 2
    veiled = measure((picture * 0.4 + 140).astype(np.uint8))
    assert veiled["veil"] > base["veil"] + 0.3
    assert veiled["chroma"] < base["chroma"] / 2
    grainy = measure(apply(picture, [{"op": "noise", "amount": 0.06, "monochrome": True}]))
    assert grainy["noise"] == pytest.approx(0.06, rel=0.4)
    assert base["noise"] < 0.02
    assert measure(np.zeros((1, 1, 3), np.uint8))["median"] == 0.0


@pytest.mark.parametrize("angle", [3.0, -5.0])
def test_a_leaning_building_is_seen(angle):
    facade = np.full((500, 700, 3), 200, np.uint8)
    for left in range(40, 660, 90):
        for top in range(30, 460, 80):
            facade[top : top + 50, left : left + 60] = 60
    assert abs(measure(facade)["tilt"]) < 0.3
    leaning = apply(facade, [{"op": "rotate", "angle": angle, "frame": "crop"}])
    assert measure(leaning)["tilt"] == pytest.approx(-angle, abs=0.5)


def test_a_dark_photo_becomes_brighter_without_models(scene):
    dark = apply(scene(200, 150), [{"op": "exposure", "ev": -4}])
    result = apply(dark, [{"op": "auto_enhance"}])
    half = apply(dark, [{"op": "auto_enhance", "strength": 0.5}])
    assert dark.mean() * 1.3 < result.mean()
    assert dark.mean() < half.mean() < result.mean()
    assert result.shape == dark.shape


def test_a_screenshot_is_left_alone(scene):
    dark = apply(scene(), [{"op": "exposure", "ev": -4}])
    context = EnhanceContext(cues={"screenshot": 1.0})
    assert np.array_equal(apply(dark, [{"op": "auto_enhance"}], context=context), dark)


def test_good_photos_hardly_change(shared_data):
    """100 ordinary photos: most are untouched, and what changes, changes little."""
    files = sorted((shared_data / "train" / "natural").glob("*.jpg"))[:100]
    assert len(files) == 100
    changes = []
    for path in files:
        pixels = decode(path).pixels
        result = apply(pixels, [{"op": "auto_enhance"}])
        changes.append(np.abs(result.astype(int) - pixels).mean())
    assert np.median(changes) == 0
    assert np.percentile(changes, 90) < 12
    assert max(changes) < 45


@pytest.mark.weights
def test_good_photos_hardly_change_with_every_network_at_hand(shared_data, fetched):
    context = EnhanceContext(models_dir=fetched("light/curve@albumen", "haze/air@albumen"))
    files = sorted((shared_data / "train" / "natural").glob("*.jpg"))[:100]
    changes = []
    for path in files:
        pixels = decode(path).pixels
        result = apply(pixels, [{"op": "auto_enhance"}], context=context)
        changes.append(np.abs(result.astype(int) - pixels).mean())
    assert len(changes) == 100
    assert np.median(changes) == 0
    assert np.percentile(changes, 90) < 12
    assert max(changes) < 45

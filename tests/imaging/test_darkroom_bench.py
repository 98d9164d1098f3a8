"""The bench gives what a child of its own gives, survives its child, and lets go when asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app.imaging import darkroom
from app.imaging.darkroom_bench import Bench
from app.settings import Settings


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Evenly lit, so that automatic enhancement needs no network, whose weights may not be there."""
    path = tmp_path / "picture.jpg"
    Image.merge("RGB", [Image.linear_gradient("L").resize((640, 400))] * 3).save(path)
    return path


def order(picture: Path, target: str, *steps: dict[str, Any], side: int = 320) -> darkroom.Order:
    recipe = [*steps, {"op": "output", "format": "jpeg"}]
    return darkroom.Order(picture, recipe, picture.with_name(target), {}, {}, side)


RECIPES: list[list[dict[str, Any]]] = [
    [{"op": "exposure", "ev": 0.5}],
    [{"op": "crop", "width": 0.5}, {"op": "invert"}],
    [{"op": "auto_enhance"}, {"op": "saturation", "amount": 0.4}],
    [{"op": "auto_enhance"}, {"op": "saturation", "amount": -0.4}],
    [{"op": "auto_enhance", "strength": 0.5}, {"op": "saturation", "amount": -0.4}],
]


def test_order_after_order_gives_what_a_fresh_child_gives(
    bench: Bench, settings: Settings, picture: Path
) -> None:
    for recipe in RECIPES:
        done = bench.develop(settings, order(picture, "warm.jpg", *recipe), seconds=60)
        fresh = darkroom.develop(settings, order(picture, "fresh.jpg", *recipe), seconds=60)
        assert done == fresh
        assert picture.with_name("warm.jpg").read_bytes() == picture.with_name("fresh.jpg").read_bytes()


ENLARGING: list[dict[str, Any]] = [
    {"op": "stretch", "horizontal": 8},
    {"op": "rotate", "angle": 12},
    {"op": "resize", "width": 5000},
]


@pytest.mark.parametrize("step", ENLARGING, ids=lambda step: str(step["op"]))
def test_what_a_recipe_enlarges_is_shrunk_again(
    bench: Bench, settings: Settings, picture: Path, step: dict[str, Any]
) -> None:
    free = order(picture, "free.jpg", step)
    large = bench.develop(settings, free, seconds=60)
    small = bench.develop(settings, replace(free, result_side=320), seconds=60)
    assert max(large.width, large.height) > 320
    assert max(small.width, small.height) == 320
    assert small.width / small.height == pytest.approx(large.width / large.height, rel=0.03)
    with Image.open(picture.with_name("free.jpg")) as shown:
        assert shown.size == (small.width, small.height)


def test_a_picture_that_changed_is_opened_again(
    bench: Bench, settings: Settings, picture: Path, draw: Any
) -> None:
    bench.develop(settings, order(picture, "one.jpg", {"op": "invert"}), seconds=60)
    picture.write_bytes(draw((400, 640)))
    done = bench.develop(settings, order(picture, "two.jpg", {"op": "invert"}), seconds=60)
    assert (done.width, done.height) == (200, 320)


def test_a_refused_order_does_not_end_the_bench(bench: Bench, settings: Settings, picture: Path) -> None:
    with pytest.raises(darkroom.BadRecipe):
        bench.develop(settings, order(picture, "x.jpg", {"op": "no-such"}), seconds=60)
    assert bench.develop(settings, order(picture, "x.jpg", {"op": "flip"}), seconds=60).width == 320


def test_a_dead_child_is_replaced(bench: Bench, settings: Settings, picture: Path) -> None:
    bench.develop(settings, order(picture, "x.jpg", {"op": "flip"}), seconds=60)
    assert bench._child is not None
    bench._child.kill()
    bench._child.wait()
    assert bench.develop(settings, order(picture, "x.jpg", {"op": "flip"}), seconds=60).width == 320


def test_time_is_limited(bench: Bench, settings: Settings, picture: Path) -> None:
    slow = [{"op": "denoise", "strength": 1.0}] * 40
    with pytest.raises(darkroom.RecipeFailed, match="longer"):
        bench.develop(settings, order(picture, "x.jpg", *slow[:38], side=640), seconds=0.2)


def test_a_cancelled_order_ends_and_the_next_is_done(bench: Bench, settings: Settings, picture: Path) -> None:
    bench.develop(settings, order(picture, "x.jpg", {"op": "flip"}), seconds=60)
    stop = threading.Event()
    slow = [{"op": "denoise", "strength": 1.0}] * 38
    timer = threading.Timer(0.2, stop.set)
    timer.start()
    with pytest.raises(darkroom.Cancelled):
        bench.develop(settings, order(picture, "x.jpg", *slow, side=640), seconds=600, cancelled=stop.is_set)
    assert bench.develop(settings, order(picture, "x.jpg", {"op": "flip"}), seconds=60).width == 320


def test_two_at_once_are_both_done(bench: Bench, settings: Settings, picture: Path) -> None:
    done: list[darkroom.Developed] = []

    def ask(name: str) -> None:
        steps = [{"op": "denoise", "strength": 1.0}] * 6
        done.append(bench.develop(settings, order(picture, name, *steps, side=640), seconds=300))

    threads = [threading.Thread(target=ask, args=(f"{i}.jpg",)) for i in range(2)]
    for thread in threads:
        thread.start()
        time.sleep(0.05)
    for thread in threads:
        thread.join()
    assert [d.width for d in done] == [640, 640]

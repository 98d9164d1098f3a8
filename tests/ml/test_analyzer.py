"""The analyzer's promises: order, isolation of failures, evidence, unloading; shown with small stages."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from ml import Analysis, Analyzer
from ml.analyzer import UnknownStage
from ml.stages import Findings
from ml.types import Box, CueValue, Detection, Image, TagScore
from ml.zoo import ModelMissing


def picture(level: int, size: tuple[int, int] = (8, 10)) -> Image:
    return np.full((*size, 3), level, np.uint8)


class Base:
    stage = ""
    model_ids: tuple[str, ...] = ("scene/double@test", "scene/helper@test")
    version = "7"
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()

    def __init__(self, models_dir: Path, *, device: str = "cpu") -> None:
        self.models_dir = models_dir

    def run(self, images: Sequence[Image], so_far: Sequence[Findings]) -> list[Findings | Exception]:
        return [self.look(image, known) for image, known in zip(images, so_far, strict=True)]

    def look(self, image: Image, known: Findings) -> Findings | Exception:
        raise NotImplementedError

    def unload(self) -> None:
        return


class Scenes(Base):
    """Sees the picture's brightness as its first probability; fails on pictures brighter than 250."""

    stage = "scenes"

    def look(self, image: Image, known: Findings) -> Findings | Exception:
        level = float(image.mean())
        if level > 250:
            return OverflowError("too bright")
        return Findings(probabilities=np.array([level], np.float32), visual=np.ones(1280, np.float32))


class Tags(Base):
    """One tag from the scene, one for every object it is shown."""

    stage = "tags"
    needs = ("scenes",)
    uses = ("objects", "cues")

    def look(self, image: Image, known: Findings) -> Findings | Exception:
        tags = [TagScore("level", float(known["probabilities"][0]) / 255, "scene", "m")]
        tags += [TagScore(o.name, o.confidence, "object", "m") for o in known.get("objects", ())]
        return Findings(tags=tuple(tags))


class Objects(Base):
    stage = "objects"

    def look(self, image: Image, known: Findings) -> Findings | Exception:
        return Findings(objects=(Detection("dog", 0.5, Box(0, 0, 1, 1)),))


class Cues(Base):
    """Raises for the whole batch when a picture of level 13 is in it."""

    stage = "cues"

    def look(self, image: Image, known: Findings) -> Findings | Exception:
        if image[0, 0, 0] == 13:
            raise ZeroDivisionError("unlucky")
        return Findings(cues=(CueValue("night", float(image.mean()), flagged=False),))


KINDS = {"tags": Tags, "cues": Cues, "objects": Objects, "scenes": Scenes}


def analyzer(**others: type[Base]) -> Analyzer:
    return Analyzer(Path("nowhere"), kinds={**KINDS, **others})


def stages(analysis: Analysis) -> dict[str, str | None]:
    return {run.stage: run.error for run in analysis.stages}


def test_all_stages_run_in_the_order_of_their_needs() -> None:
    analysis = analyzer().analyze([picture(100)])[0]
    order = [run.stage for run in analysis.stages]
    assert sorted(order) == ["cues", "objects", "scenes", "tags"]
    assert order[-1] == "tags"
    assert {t.slug for t in analysis.tags} == {"level", "dog"}
    assert analysis.visual is not None
    assert all(run.error is None and run.version == "7" and run.seconds >= 0 for run in analysis.stages)
    assert analysis.stages[0].model == "scene/double@test"


def test_a_stage_brings_what_it_needs_and_not_what_it_only_uses() -> None:
    analysis = analyzer().analyze([picture(100)], stages=["tags"])[0]
    assert set(stages(analysis)) == {"scenes", "tags"}
    assert [t.slug for t in analysis.tags] == ["level"]


def test_a_user_of_the_scene_gets_it_because_it_is_stored_nowhere() -> None:
    class Curious(Objects):
        uses = ("scenes",)

        def look(self, image: Image, known: Findings) -> Findings | Exception:
            return Findings(objects=(Detection(str(known["probabilities"][0]), 1.0, Box(0, 0, 1, 1)),))

    analysis = analyzer(objects=Curious).analyze([picture(9)], stages=["objects"])[0]
    assert analysis.objects[0].name == "9.0"


def test_stored_results_are_evidence_and_are_not_repeated() -> None:
    known = Analysis(
        objects=(Detection("cat", 0.9, Box(0, 0, 1, 1)),), tags=(TagScore("old", 1, "scene", "m"),)
    )
    first, second = analyzer().analyze([picture(1), picture(2)], stages=["tags"], known=[known, None])
    assert [t.slug for t in first.tags] == ["level", "cat"]
    assert first.objects == ()
    assert [t.slug for t in second.tags] == ["level"]


def test_one_photos_failure_in_one_stage_loses_nothing_else() -> None:
    good, bad = analyzer().analyze([picture(100), picture(255)])
    assert set(stages(good).values()) == {None}
    assert stages(bad)["scenes"] == "OverflowError: too bright"
    assert "too bright" in str(stages(bad)["tags"])
    assert stages(bad)["objects"] is None
    assert bad.tags == ()
    assert len(bad.objects) == len(bad.cues) == 1


def test_a_raising_batch_is_tried_picture_by_picture() -> None:
    results = analyzer().analyze([picture(100), picture(13), picture(200)])
    assert [stages(r)["cues"] for r in results] == [None, "ZeroDivisionError: unlucky", None]
    assert [len(r.cues) for r in results] == [1, 0, 1]


def test_missing_weights_fail_their_stage_alone_and_say_what_to_do() -> None:
    class Unfetched(Objects):
        calls = 0

        def run(self, images: Sequence[Image], so_far: Sequence[Findings]) -> list[Findings | Exception]:
            type(self).calls += 1
            raise ModelMissing("fetch it with: albumen models fetch")

    results = analyzer(objects=Unfetched).analyze([picture(1), picture(2)])
    assert all("albumen models fetch" in str(stages(r)["objects"]) for r in results)
    assert all(r.tags and stages(r)["tags"] is None for r in results)
    assert Unfetched.calls == 1


def test_a_stage_that_cannot_even_be_imported_fails_alone() -> None:
    kinds = {**KINDS, "objects": "ml.no_such_module:Stage"}
    analysis = Analyzer(Path("nowhere"), kinds=kinds).analyze([picture(1)])[0]
    assert "no_such_module" in str(stages(analysis)["objects"])
    assert stages(analysis)["tags"] is None


def test_results_that_do_not_match_the_batch_are_an_error_not_a_mix_up() -> None:
    class Short(Objects):
        def run(self, images: Sequence[Image], so_far: Sequence[Findings]) -> list[Findings | Exception]:
            return [Findings(objects=())]

    results = analyzer(objects=Short).analyze([picture(1), picture(2)])
    assert all("2 pictures in, 1 results out" in str(stages(r)["objects"]) for r in results)


@pytest.mark.parametrize(
    "broken",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8), "text"],
)
def test_what_is_no_picture_is_refused_alone(broken: Image) -> None:
    bad, good = analyzer().analyze([broken, picture(5)])
    assert all(stages(bad).values())
    assert not any(stages(good).values())


def test_long_errors_are_cut_to_what_is_stored() -> None:
    class Wordy(Objects):
        def look(self, image: Image, known: Findings) -> Findings | Exception:
            return ValueError("x" * 5000)

    assert len(str(stages(analyzer(objects=Wordy).analyze([picture(1)])[0])["objects"])) == 500


def test_unknown_stages_are_named() -> None:
    with pytest.raises(UnknownStage, match="'weather'"):
        analyzer().analyze([picture(1)], stages=["weather"])
    with pytest.raises(UnknownStage, match="'weather'"):
        Analyzer(Path("nowhere"), stages=["weather"], kinds=KINDS)


def test_known_must_match_the_pictures() -> None:
    with pytest.raises(ValueError, match="zip"):
        analyzer().analyze([picture(1)], known=[None, None])


def test_an_empty_batch_is_no_work() -> None:
    assert analyzer().analyze([]) == []


def test_idle_networks_are_let_go_and_come_back() -> None:
    unloaded = []

    class Heavy(Objects):
        def unload(self) -> None:
            unloaded.append(self)

    subject = analyzer(objects=Heavy)
    subject.analyze([picture(1)])
    assert subject.unload_idle(3600) is False
    assert subject.unload_idle(0) is True
    assert len(unloaded) == 1
    assert subject.unload_idle(0) is False
    assert len(subject.analyze([picture(1)])[0].objects) == 1


def test_options_reach_their_stage() -> None:
    class Choosy(Objects):
        def __init__(self, models_dir: Path, *, device: str = "cpu", name: str = "dog") -> None:
            super().__init__(models_dir, device=device)
            self.name = name

        def look(self, image: Image, known: Findings) -> Findings | Exception:
            return Findings(objects=(Detection(self.name, 1.0, Box(0, 0, 1, 1)),))

    subject = Analyzer(Path("x"), kinds={**KINDS, "objects": Choosy}, options={"objects": {"name": "bird"}})
    assert subject.analyze([picture(1)])[0].objects[0].name == "bird"


def test_importing_the_library_loads_no_network_library() -> None:
    script = (
        "import sys, ml, ml.registry, ml.zoo, ml.analyzer, ml.runtime, ml.download, ml.stages\n"
        "ml.registry.entries()\n"
        "print([m for m in ('torch', 'onnxruntime', 'cv2', 'app') if m in sys.modules])"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_example_of_the_package_runs_as_it_is_written(
    models_dir: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import ml

    lines = [line[4:] for line in (ml.__doc__ or "").splitlines() if line.startswith("    ")]
    assert any("Analyzer.default().analyze" in line for line in lines)
    monkeypatch.setenv("ALBUMEN_MODELS", str(models_dir))
    (retriever,) = (shared_data / "photos" / "imagenet").glob("207_*.jpg")
    exec("\n".join(lines), {"image": np.array(Pillow.open(retriever).convert("RGB"))})
    assert "'golden-retriever'" in capsys.readouterr().out

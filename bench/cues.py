"""Measures the cues: ``python -m bench.cues [--names]``.

Prints how often each cue is raised on sets of photos where it should be, and where it should not, and
the time it takes. Blur, sepia and a screenshot's JPEG compression are made here from real pictures.
``--names`` lists the photos that decide: those missed and those raised wrongly.
"""

from __future__ import annotations

import argparse
import io
import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ml.stages import Findings
from ml.tasks.cues import CueStage
from ml.tasks.scenes import SceneStage

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
_SIDE = 1024

# What the file names do not tell, by eye: the beginnings of the names of night photos and sunsets.
_NIGHT = (
    "night_2015_02057 night_2015_05885 ns_hoover adain_newyork dicm_01 dicm_25 dicm_27 lime_1. lime_10 lime_2 lime_3 "
    "sci_1482 sci_2015_02154 sci_2015_02243 sci_2015_05886 sci_234 sci_252 sci_2850 sci_372 sci_644 sci_645 samsung"
)
_DUSK = "dicm_33 dicm_41 lime_4 sci_0528 pl_bythewater skimage_rocket adain_newyork el_photo el_snow night_"
_SUNSET = "el_sunset lo_sunset pl_eveningglow dicm_05 dicm_31 nst_golden_gate2"
_GREY = (
    "nst_lion skimage_brick skimage_camera skimage_coins skimage_grass skimage_gravel skimage_moon el_mr._lee"
)
_PAPER = "invoice letter minutes"  # drawn too, but documents
_MAYBE_GREY = "receipt skimage_page skimage_text"

Picture = np.ndarray


def main() -> None:
    """Run the measurement and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=Path(os.environ.get("ALBUMEN_MODELS", "models")))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--names", action="store_true")
    arguments = parser.parse_args()
    bench = Bench(arguments.data, arguments.models, arguments.names)
    everyday = bench.look(
        "photos/imagenet", "detection/images", "train/natural", "photos/scenes", "photos/large"
    )
    dark = bench.look("train/lowlight_unpaired")
    hazy = bench.look("train/hazy_unpaired")
    screens = bench.look("photos/screenshots")
    bench.blur()
    bench.rates("dark", dark, everyday, unclear="night_")
    night = {name for name in {**everyday, **dark} if begins(name, _NIGHT)}
    bench.split("night", {**everyday, **dark}, night, unclear=_DUSK)
    bench.rates("haze", hazy, everyday)
    bench.split("bw", everyday, {n for n in everyday if begins(n, _GREY)}, unclear=_MAYBE_GREY)
    bench.sepia()
    screens = {name: cues for name, cues in screens.items() if not begins(name, _PAPER)}
    bench.rates("screenshot", screens, {**everyday, **dark, **hazy})
    bench.compressed_screens()
    sunsets = {name for name in {**everyday, **dark} if begins(name, _SUNSET)}
    bench.split("sunset", {**everyday, **dark}, sunsets, unclear=_DUSK)
    bench.rates("exposure", {}, everyday)
    print(f"time: {bench.milliseconds():.0f} CPU-ms per photo of {_SIDE} pixels (median)")


def begins(path: str, names: str) -> bool:
    """Whether the file's name begins with one of these words."""
    return Path(path).name.startswith(tuple(names.split()))


Cues = dict[str, tuple[float, bool]]


class Bench:
    """The sets, measured once, and the ways to report on them."""

    def __init__(self, data: Path, models: Path, names: bool) -> None:
        self.data, self.names = data, names
        self.stage, self.scenes = CueStage(models), SceneStage(models)
        self.seconds: list[float] = []

    def look(self, *folders: str) -> dict[str, Cues]:
        """Cues of every picture in these folders, with the scene network's view of it."""
        found: dict[str, Cues] = {}
        for folder in folders:
            for path in sorted((self.data / folder).iterdir()):
                if path.suffix.lower() in (".jpg", ".jpeg", ".png"):
                    picture = load(path)
                    found[f"{folder}/{path.name}"] = self.cues(picture, self.scene(picture))
        return found

    def cues(self, picture: Picture, known: Findings | None = None) -> Cues:
        """One picture's cues: name to (value, raised)."""
        started = time.process_time()
        result = self.stage.run([picture], [known or Findings()])[0]
        self.seconds.append(time.process_time() - started)
        if isinstance(result, Exception):
            raise result
        return {cue.name: (cue.value, cue.flagged) for cue in result["cues"]}

    def scene(self, picture: Picture) -> Findings:
        """What the scene network makes of a picture."""
        result = self.scenes.run([picture], [Findings()])[0]
        if isinstance(result, Exception):
            raise result
        return result

    def milliseconds(self) -> float:
        """The median time of one picture."""
        return float(np.median(self.seconds)) * 1000

    def rates(self, cue: str, true: dict[str, Cues], false: dict[str, Cues], unclear: str = "-") -> None:
        """Print how often the cue is raised in a set that is about it and in one that is not."""
        self.split(cue, {**true, **false}, set(true), unclear)

    def split(self, cue: str, photos: dict[str, Cues], true: Iterable[str], unclear: str = "-") -> None:
        """The same for one set, some of whose photos (``true``) show it; ``unclear`` ones do not count."""
        wanted = set(true)
        raised = {name for name, cues in photos.items() if cues[cue][1]}
        others = {name for name in photos if name not in wanted and not begins(name, unclear)}
        wrong = raised & others
        print(
            f"{cue}: raised on {len(raised & wanted)} of {len(wanted)} that show it,"
            f" and on {len(wrong)} of {len(others)} others ({100 * len(wrong) / max(len(others), 1):.1f} %)"
        )
        if self.names:
            print("  missed:", *sorted(wanted - raised))
            print("  wrong:", *sorted(wrong))

    def blur(self) -> None:
        """Print how well sharp photos and blurred copies of them are told apart."""
        paths = [*self.paths("train/natural")[::2], *self.paths("detection/images")]
        sharp = [shrink(load(path), 512) for path in paths]
        before = np.array([self.cues(picture)["sharpness"] for picture in sharp])
        print(f"blur: {int(before[:, 1].sum())} of {len(sharp)} sharp photos raised")
        ways: dict[str, Callable[[Picture], Picture]] = {
            "Gauss 1 px": lambda p: cv2.GaussianBlur(p, (0, 0), 1),
            "Gauss 2 px": lambda p: cv2.GaussianBlur(p, (0, 0), 2),
            "moved 7 px": lambda p: cv2.blur(p, (7, 1)),
            "moved 11 px aslant": lambda p: cv2.filter2D(p, -1, np.eye(11, dtype=np.float32) / 11),
        }
        for title, way in ways.items():
            after = np.array([self.cues(way(picture))["sharpness"] for picture in sharp])
            order = (before[:, 0][:, None] > after[:, 0][None]).mean()
            print(f"  {title}: {100 * after[:, 1].mean():.0f} % raised, AUC {order:.3f}")

    def sepia(self) -> None:
        """Print how often brown prints are raised as black and white."""
        brown = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]]).T
        pictures = [load(path) for path in self.paths("train/natural")[::4]]
        made = [np.clip(picture @ brown, 0, 255).astype(np.uint8) for picture in pictures]
        print(f"bw: raised on {sum(self.cues(p)['bw'][1] for p in made)} of {len(made)} sepia copies")

    def compressed_screens(self) -> None:
        """Print what JPEG compression leaves of the screenshot cue."""
        for quality in (95, 85):
            made = []
            for path in self.paths("photos/screenshots"):
                if begins(path.name, _PAPER):
                    continue
                buffer = io.BytesIO()
                Image.open(path).convert("RGB").save(buffer, "JPEG", quality=quality)
                made.append(shrink(np.array(Image.open(buffer)), _SIDE))
            raised = sum(self.cues(picture)["screenshot"][1] for picture in made)
            print(f"screenshot: raised on {raised} of {len(made)} saved as JPEG at quality {quality}")

    def paths(self, folder: str) -> Sequence[Path]:
        """The pictures in a folder, in order."""
        return sorted(p for p in (self.data / folder).iterdir() if p.suffix.lower() in (".jpg", ".png"))


def load(path: Path) -> Picture:
    """A photo as the analyser gets it: RGB, at most 1024 pixels long."""
    return shrink(np.array(Image.open(path).convert("RGB")), _SIDE)


def shrink(picture: Picture, side: int) -> Picture:
    """At most ``side`` pixels long."""
    scale = side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


if __name__ == "__main__":
    main()

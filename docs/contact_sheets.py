"""Draw the contact sheets of ``docs/contact-sheets.md``:
``ALBUMEN_MODELS=DIR python docs/contact_sheets.py --photos DIR [--task light|haze|superres|style] [--sources]``.

Twelve freely licensed photos a task: before, a classical method, ours, best. ``DIR`` is a folder into which the
packages named in ``PHOTOS`` were unpacked in any way; photos are found by their file names. ``--sources`` prints the
table of photos, authors and licences instead.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.enhance import bicubic
from ml.enhance import haze, light, style
from ml.enhance.operation import EnhanceContext
from ml.enhance.palette import recoloured
from ml.enhance.superres import super_resolution
from ml.train.data import smooth_noise, to_linear, to_srgb

Pixels = NDArray[np.float32]
IMAGES = Path(__file__).parent / "images"
CELL, ROOM, LIMIT = 300, 4, 400_000
BY4, BYSA4, BYSA3, BY2, CC0 = "CC BY 4.0", "CC BY-SA 4.0", "CC BY-SA 3.0", "CC BY 2.0", "CC0 1.0"
LOMIRI, LOMIRI20 = "Debian lomiri-wallpapers-16.04 20.04.0-2", "Debian lomiri-wallpapers-20.04 20.04.0-2"
SKIMAGE, SKLEARN = "PyPI scikit-image 0.17.2 (source)", "PyPI scikit-learn 1.9.1"


@dataclass(frozen=True)
class Photo:
    """A photo: its file's name, who made it, under which licence, and in which package it comes."""

    file: str
    author: str
    licence: str
    package: str


PHOTOS = {
    "mountain": Photo("picosdeeuropa_by_Aitzol_Berasategi.jpg", "Aitzol Berasategi", BY4, LOMIRI),
    "meadow": Photo("aitzgorri_by_Aitzol_Berasategi.jpg", "Aitzol Berasategi", BY4, LOMIRI),
    "brook": Photo("life_by_Aitzol_Berasategi.jpg", "Aitzol Berasategi", BY4, LOMIRI),
    "dogs": Photo("friends_by_Aitzol_Berasategi.jpg", "Aitzol Berasategi", BY4, LOMIRI),
    "sunset": Photo("sunset_by_Aitzol_Berasategi.jpg", "Aitzol Berasategi", BY4, LOMIRI),
    "bridge": Photo("Bridge_by_Sander_Klootwijk.jpg", "Sander Klootwijk", BYSA4, LOMIRI),
    "dragonfly": Photo("Dragonfly_by_Bolly.jpg", "Bolly", BYSA4, LOMIRI),
    "fig": Photo("Picture_0B_by_freespace.jpg", "Trevor “Freespace”", BY4, LOMIRI),
    "brushes": Photo("Picture_1A_by_freespace.jpg", "Trevor “Freespace”", BY4, LOMIRI),
    "seeds": Photo("seeding_by_Clements_Engelhardt.jpg", "Clemens Engelhardt", CC0, LOMIRI),
    "wine": Photo("Wine_by_Jakkub_Mede.jpg", "Jakub Mede", BY4, LOMIRI),
    "nuthatch": Photo("Kleiber_by_Lukas_Baubkus.jpg", "Lukas Baubkus", BYSA3, LOMIRI20),
    "pagoda": Photo("china.jpg", "danielbuechele", BY2, SKLEARN),
    "dahlia": Photo("flower.jpg", "vultilion", BY2, SKLEARN),
    "astronaut": Photo("astronaut.png", "NASA (Eileen Collins)", "public domain", SKIMAGE),
    "cat": Photo("chelsea.png", "Stéfan van der Walt", CC0, SKIMAGE),
    "coffee": Photo("coffee.png", "Rachel Michetti", CC0, SKIMAGE),
    "rocket": Photo("rocket.jpg", "SpaceX", CC0, SKIMAGE),
    "admiral": Photo(
        "grace_hopper.jpg", "James S. Davis, US Navy", "public domain", "PyPI matplotlib 3.11.2"
    ),
}

Change = Callable[[Pixels], Pixels]


def darkened(stops: float) -> Change:
    """As a camera would have taken it with so many stops too little light, noise and rounding included."""

    def change(image: Pixels) -> Pixels:
        rng = np.random.default_rng(round(stops * 100))
        linear = to_linear(image) * np.float32(2**-stops)
        linear = linear + rng.standard_normal(linear.shape, np.float32) * np.sqrt(linear * 4e-5 + 1e-7)
        return np.asarray(np.round(to_srgb(linear) * 255) / 255, np.float32)

    return change


def hazed(beta: float) -> Change:
    """Seen through haze that thickens from the bottom of the picture to its top, unevenly."""

    def change(image: Pixels) -> Pixels:
        height, width = image.shape[:2]
        far = np.linspace(1, 0.15, height, dtype=np.float32)[:, None]
        depth = far * (0.7 + 0.6 * smooth_noise(np.random.default_rng(3), height, width, 4))
        t = np.exp(-beta * depth)[..., None]
        air = np.float32([0.84, 0.86, 0.88])
        return np.asarray(np.round((image * t + air * (1 - t)) * 255) / 255, np.float32)

    return change


def untouched(image: Pixels) -> Pixels:
    """The photo as it is."""
    return image


def part(x: float, y: float, side: int = 0) -> Change:
    """A cut of a quarter cell at a place given in shares; the photo is shrunk to ``side`` before, if that is given."""

    def change(image: Pixels) -> Pixels:
        if side:
            image = shrunk(image, side)
        wide, tall = CELL // 4, CELL * 5 // 32 // 2 * 2
        left, top = round(x * (image.shape[1] - wide)), round(y * (image.shape[0] - tall))
        return np.ascontiguousarray(image[top : top + tall, left : left + wide])

    return change


Row = tuple[str, Change]
LIGHT: tuple[Row, ...] = (
    ("rocket", untouched),
    ("wine", untouched),
    ("sunset", untouched),
    ("dragonfly", untouched),
    ("astronaut", darkened(3.5)),
    ("admiral", darkened(4.5)),
    ("pagoda", darkened(4)),
    ("dogs", darkened(5)),
    ("coffee", darkened(3)),
    ("brook", darkened(4)),
    ("fig", darkened(5)),
    ("mountain", untouched),
)
HAZE: tuple[Row, ...] = (
    ("pagoda", untouched),
    ("meadow", untouched),
    ("sunset", untouched),
    ("bridge", untouched),
    ("mountain", hazed(1.5)),
    ("meadow", hazed(2)),
    ("pagoda", hazed(1.2)),
    ("dragonfly", hazed(1)),
    ("brook", hazed(2)),
    ("seeds", hazed(1.5)),
    ("dogs", hazed(1.2)),
    ("dahlia", untouched),
)
SUPERRES: tuple[Row, ...] = (
    ("astronaut", part(0.45, 0.22)),
    ("cat", part(0.5, 0.18)),
    ("coffee", part(0.62, 0.5)),
    ("pagoda", part(0.38, 0.35)),
    ("admiral", part(0.5, 0.3)),
    ("rocket", part(0.52, 0.8)),
    ("dahlia", part(0.5, 0.5)),
    ("dogs", part(0.4, 0.27, 800)),
    ("nuthatch", part(0.46, 0.63, 900)),
    ("wine", part(0.5, 0.22, 900)),
    ("brushes", part(0.6, 0.4, 600)),
    ("mountain", part(0.6, 0.25, 900)),
)
# Photo, preset, and the long side at which it is searched: more than a cell shows, or nearly as much.
STYLE: tuple[tuple[str, str, int], ...] = (
    ("mountain", "starry-night", 400),
    ("bridge", "great-wave", 400),
    ("sunset", "scream", 400),
    ("brushes", "composition-vii", 400),
    ("astronaut", "udnie", 400),
    ("dogs", "portrait", 400),
    ("wine", "night-cafe", 256),
    ("meadow", "olive-trees", 256),
    ("admiral", "woman-with-hat", 256),
    ("pagoda", "starry-night", 256),
    ("cat", "portrait", 256),
    ("coffee", "night-cafe", 256),
)


def shrunk(image: Pixels, side: int) -> Pixels:
    """With a long side of at most ``side``."""
    scale = min(1.0, side / max(image.shape[:2]))
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32)


def read(folder: Path, name: str, side: int = 1024) -> Pixels:
    """A photo at a long side of ``side`` or less, ``(H, W, 3)`` in 0..1."""
    found = sorted(folder.rglob(PHOTOS[name].file))
    if not found:
        sys.exit(f"{PHOTOS[name].file} ({PHOTOS[name].package}) is nowhere in {folder}")
    with Image.open(found[0]) as opened:
        pixels = np.asarray(opened.convert("RGB"), np.float32) / np.float32(255)
    return shrunk(pixels, side)


def rows(task: str, folder: Path, context: EnhanceContext) -> list[list[Pixels]]:
    """The pictures of a sheet: before, classical, ours, best."""
    made: list[list[Pixels]] = []
    for name, change in {"light": LIGHT, "haze": HAZE, "superres": SUPERRES}[task]:
        before = change(read(folder, name, 3000 if task == "superres" else 1024))
        print(f"{task}: {name}", flush=True)
        if task == "superres":
            models = ({"scale": 4, "model": model} for model in ("faithful", "vivid"))
            enlarged = [super_resolution(before, params, context) for params in models]
            nearest = cv2.resize(before, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)
            made.append([nearest, bicubic(before, 4), *enlarged])
        else:
            classical = light.lime if task == "light" else haze.dark_channel
            learned = light.low_light if task == "light" else haze.dehaze
            ours = [learned(before, {"strength": 0.8, "model": m}, context) for m in ("fast", "best")]
            made.append([before, classical(before, context), *ours])
    return made


def style_rows(folder: Path, searched: Path, context: EnhanceContext) -> list[list[Pixels]]:
    """As ``rows`` for styles: before, in the painting's palette, fast, best. The search takes minutes a photo: its
    pictures are kept in ``searched``, so that a stopped run can go on.
    """
    made: list[list[Pixels]] = []
    for name, preset, side in STYLE:
        print(f"style: {name} as {preset}", flush=True)
        photo, kept = read(folder, name), searched / f"{name}-{preset}.png"
        if not kept.exists():
            params = {"preset": preset, "model": "best"}
            best = style.style(shrunk(photo, side), params, context)
            kept.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray((best * 255).round().astype(np.uint8)).save(kept)
        with Image.open(kept) as opened:
            best = np.asarray(opened, np.float32) / np.float32(255)
        found = next(p for p in style.PRESETS if p.name == preset)
        palette = recoloured(photo, style.read_palette(found.file))
        made.append([photo, palette, style.style(photo, {"preset": preset, "model": "fast"}, context), best])
    return made


def sheet(pictures: list[list[Pixels]], out: Path) -> None:
    """Rows of cells ``CELL`` wide, as the best WebP below ``LIMIT`` bytes."""
    lines = []
    for row in pictures:
        wide = CELL if row[0].shape[1] >= row[0].shape[0] else CELL * 2 // 3
        tall = round(wide * row[0].shape[0] / row[0].shape[1])
        line = np.ones((tall + ROOM, (CELL + ROOM) * len(row), 3), np.float32)
        for number, picture in enumerate(row):
            left = number * (CELL + ROOM) + (CELL - wide) // 2
            how = cv2.INTER_AREA if picture.shape[1] > wide else cv2.INTER_LINEAR
            line[:tall, left : left + wide] = cv2.resize(picture, (wide, tall), interpolation=how)
        lines.append(line)
    picture = Image.fromarray((np.clip(np.vstack(lines), 0, 1) * 255).round().astype(np.uint8))
    for quality in range(85, 20, -5):
        picture.save(out, "WEBP", quality=quality, method=6)
        if out.stat().st_size <= LIMIT:
            print(f"{out.name}: {out.stat().st_size} bytes at quality {quality}")
            return
    sys.exit(f"{out.name} does not fit into {LIMIT} bytes")


def sources() -> None:
    """Print the photos as a Markdown table."""
    print("| photo | author | licence | package |\n|---|---|---|---|")
    for photo in PHOTOS.values():
        print(f"| `{photo.file}` | {photo.author} | {photo.licence} | {photo.package} |")


def main() -> None:
    """Draw the sheets asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--task", choices=("light", "haze", "superres", "style"))
    parser.add_argument("--models", type=Path, default=Path(os.environ.get("ALBUMEN_MODELS", "data/models")))
    parser.add_argument(
        "--searched", type=Path, default=Path("build/searched"), help="where slow pictures are kept"
    )
    parser.add_argument("--sources", action="store_true")
    options = parser.parse_args()
    if options.sources or not options.photos:
        sources()
        return
    cv2.setNumThreads(1)
    context = EnhanceContext(models_dir=options.models)
    for task in (options.task,) if options.task else ("light", "haze", "superres", "style"):
        if task == "style":
            pictures = style_rows(options.photos, options.searched, context)
        else:
            pictures = rows(task, options.photos, context)
        sheet(pictures, IMAGES / f"sheet-{task}.webp")


if __name__ == "__main__":
    main()

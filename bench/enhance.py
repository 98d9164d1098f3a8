"""How good and how dear every enhancement is: ``python bench/enhance.py [--task sr|light|haze|style] [--best]``.

PSNR and SSIM of every method on the pairs in ``shared/data/restore`` beside the classical ones, CPU seconds of one
thread per megapixel (of output for super-resolution), CPU seconds for 12 megapixels and peak memory. What the results
look like is for ``docs/contact_sheets.py``.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ml.enhance import haze, light, paint, style
from ml.enhance.classical.tone import OPERATIONS as TONE
from ml.enhance.operation import Call, EnhanceContext
from ml.enhance.palette import recoloured
from ml.enhance.superres import super_resolution
from ml.enhance.transfer import LUMA, shrink
from ml.nets.vgg_trunk import CONTENT, VggTrunk

Pixels = np.ndarray
Method = Callable[[Pixels], Pixels]
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
MEGA = 1e6


def read(path: Path, side: int | None = None) -> Pixels:
    """A picture as ``(H, W, 3)`` float32 in 0..1."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    if side:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(image).astype(np.float32) / np.float32(255)


def rounded(image: Pixels) -> Pixels:
    """As it would be stored in 8 bits."""
    return np.round(np.clip(image, 0, 1) * 255) / 255


def psnr(a: Pixels, b: Pixels) -> float:
    return float(10 * np.log10(1 / max(float(np.mean((a - b) ** 2)), 1e-12)))


def ssim(a: Pixels, b: Pixels) -> float:
    """Wang et al., IEEE TIP 2004, of one channel: Gaussian window 11, sigma 1.5."""

    def blur(x: Pixels) -> Pixels:
        return cv2.GaussianBlur(x, (11, 11), 1.5)[5:-5, 5:-5]

    a, b = a.astype(np.float64), b.astype(np.float64)
    ma, mb = blur(a), blur(b)
    va, vb, vab = blur(a * a) - ma * ma, blur(b * b) - mb * mb, blur(a * b) - ma * mb
    top = (2 * ma * mb + 1e-4) * (2 * vab + 9e-4)
    return float((top / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4))).mean())


def luma_709(image: Pixels) -> Pixels:
    """The Y channel in the studio range, as super-resolution papers measure it."""
    return (image @ np.array([65.481, 128.553, 24.966]) + 16) / 255


def bicubic(image: Pixels, scale: int) -> Pixels:
    size = (image.shape[1] * scale, image.shape[0] * scale)
    enlarged = Image.fromarray((image * 255).round().astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(enlarged).astype(np.float32) / np.float32(255)


def clahe(image: Pixels) -> Pixels:
    """The editor's own CLAHE with its defaults."""
    operation = next(op for op in TONE if op.name == "clahe")
    params = {p.name: p.default for p in operation.parameters}
    call = Call(EnhanceContext())
    if operation.prepare:
        call = Call(EnhanceContext(), state=operation.prepare(image, params, call))
    return np.asarray(operation.run(image, params, call))


def methods(task: str, context: EnhanceContext, best: bool) -> dict[str, Method]:
    """What is compared, by name, the classical ones first."""
    found: dict[str, Method]
    if task.startswith("sr"):
        scale = int(task[-1])
        found = {"bicubic": partial(bicubic, scale=scale)}
        for model in ("faithful", "cleanup", "best", "vivid"):
            params = {"scale": scale, "model": model}
            found[model] = partial(super_resolution, params=params, context=context)
    elif task == "haze":
        found = {
            "input": lambda x: x,
            "CLAHE": clahe,
            "dark channel": partial(haze.dark_channel, context=context),
        }
        for strength, model in ((1.0, "fast"), (0.8, "fast"), (1.0, "best"), (0.8, "best")):
            params = {"strength": strength, "model": model}
            found[f"{model} {strength:g}"] = partial(haze.dehaze, params=params, context=context)
    elif task == "style":
        found = {
            "fast": partial(style.style, params={"preset": "starry-night", "model": "fast"}, context=context)
        }
    else:
        found = {"input": lambda x: x, "CLAHE": clahe, "median gamma": light.median_gamma}
        found["LIME + gamma"] = partial(light.lime, context=context)
        for strength, model in ((1.0, "fast"), (0.8, "fast"), (1.0, "best"), (0.8, "best")):
            params = {"strength": strength, "model": model}
            found[f"{model} {strength:g}"] = partial(light.low_light, params=params, context=context)
    return {name: method for name, method in found.items() if best or not name.startswith(("best", "vivid"))}


def pairs(data: Path) -> Iterator[tuple[str, str, Path, Path]]:
    """(task, set, degraded, reference) of every pair whose sizes agree with the task."""
    names = {"lowlight LOL": "LOL", "exposure FiveK": "FiveK", "haze SOTS indoor": "SOTS indoor"}
    with (data / "restore" / "pairs.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            degraded, reference = (data / "restore" / row[key] for key in ("degraded", "reference"))
            if row["task"].startswith("sr"):
                yield row["task"].replace(" ", "-"), degraded.parts[-3], degraded, reference
            elif "haze" in row["task"]:
                yield "haze", names[row["task"]], degraded, reference
            else:
                yield "light", names.get(row["task"], "MEFB (not exact)"), degraded, reference


def score(task: str, made: Pixels, reference: Pixels) -> tuple[float, float]:
    """PSNR and SSIM the way the task's papers do it."""
    made = rounded(made)
    if task.startswith("sr"):
        edge = int(task[-1])
        made, reference = (luma_709(x)[edge:-edge, edge:-edge] for x in (made, reference))
        return psnr(made, reference), ssim(made, reference)
    return psnr(made, reference), ssim(made @ LUMA, reference @ LUMA)


def measure(task: str, context: EnhanceContext, data: Path, best: bool) -> list[dict[str, object]]:
    """One row per set and method."""
    rows: dict[tuple[str, str, str], list[tuple[float, float, float]]] = {}
    for kind, where, degraded, reference in pairs(data):
        if not kind.startswith(task):
            continue
        before, wanted = read(degraded), read(reference)
        for name, method in methods(kind, context, best).items():
            started = time.process_time()
            made = method(before)
            seconds = time.process_time() - started
            h, w = (min(a, b) for a, b in zip(made.shape[:2], wanted.shape[:2], strict=True))
            quality = score(kind, made[:h, :w], wanted[:h, :w])
            rows.setdefault((kind, where, name), []).append((*quality, seconds / (h * w / MEGA)))
    return [
        {
            "task": kind,
            "set": where,
            "pairs": len(values),
            "method": name,
            "psnr": round(float(np.mean([v[0] for v in values])), 2),
            "ssim": round(float(np.mean([v[1] for v in values])), 3),
            "cpu_seconds_per_megapixel": round(float(np.median([v[2] for v in values])), 3),
        }
        for (kind, where, name), values in rows.items()
    ]


def at_full_size(task: str, context: EnhanceContext, data: Path) -> list[dict[str, object]]:
    """CPU seconds of the fast methods on a real photo of 12 megapixels, networks loaded."""
    photo = cv2.resize(
        read(data / "photos" / "large" / "lo_seeding.jpg"), (4000, 3000), interpolation=cv2.INTER_AREA
    )
    rows: list[dict[str, object]] = []
    for name, method in methods(task, context, best=False).items():
        if name == "input":
            continue
        method(photo[:256, :256])
        started = time.process_time()
        method(photo)
        rows.append(
            {"task": task, "method": name, "cpu_seconds_12mp": round(time.process_time() - started, 2)}
        )
    return rows


STYLE_PHOTOS = ("ns_tubingen.jpg", "yolo_zidane.jpg")


def styles(context: EnhanceContext, data: Path, best: bool) -> list[dict[str, object]]:
    """How far pictures are from a painting (relative squared error of the Gram matrices, summed over four layers) and
    from the photo (relative squared error of the features 3_1), before, recoloured and painted; means over photos and
    presets, seen at 512 pixels.
    """
    assert context.models_dir is not None
    trunk = paint.trunk(context.models_dir)
    rows: dict[str, list[tuple[float, float, float]]] = {}
    for name in STYLE_PHOTOS:
        photo = read(data / "photos" / "scenes" / name, 768)
        for preset in style.PRESETS:
            colours = style.read_palette(preset.file)
            methods: dict[str, Method] = {
                "input": lambda x: x,
                "palette": partial(recoloured, wanted=colours),
            }
            for model in ("fast", "best") if best else ("fast",):
                params = {"preset": preset.name, "model": model}
                methods[model] = partial(style.style, params=params, context=context)
            for method, run in methods.items():
                started = time.process_time()
                made = run(photo)
                seconds = time.process_time() - started
                rows.setdefault(method, []).append((*distances(made, photo, preset, trunk), seconds))
    return [
        {
            "task": "style",
            "method": method,
            "style_error": round(float(np.mean([v[0] for v in values])), 3),
            "content_error": round(float(np.mean([v[1] for v in values])), 3),
            "cpu_seconds": round(float(np.median([v[2] for v in values])), 2),
        }
        for method, values in rows.items()
    ]


def distances(made: Pixels, photo: Pixels, preset: style.Preset, trunk: VggTrunk) -> tuple[float, float]:
    """Style and content error; see ``styles``."""
    made, photo = shrink(made, 512), shrink(photo, 512)
    wanted, found = style.read_preset(preset.file), paint.describe(made, trunk)
    error = sum(float(((found[k] - w) ** 2).sum() / (w**2).sum()) for k, w in wanted.items())
    seen, kept = (trunk.features(paint.as_tensor(x), CONTENT)[CONTENT] for x in (made, photo))
    return error, float(((seen - kept) ** 2).mean() / (kept**2).mean())


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=("sr", "light", "haze", "style"))
    parser.add_argument("--data", type=Path, default=SHARED)
    parser.add_argument("--models", type=Path, default=Path(os.environ.get("ALBUMEN_MODELS", "data/models")))
    parser.add_argument("--best", action="store_true", help="the slow models too")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    context = EnhanceContext(models_dir=options.models)
    rows: list[dict[str, object]] = []
    for task in (options.task,) if options.task else ("sr", "light", "haze", "style"):
        if task == "style":
            rows += styles(context, options.data, options.best)
        else:
            rows += measure(task, context, options.data, options.best)
        if task != "sr":
            rows += at_full_size(task, context, options.data)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows.append({"peak_memory_mib": round(peak)})
    for row in rows:
        print(json.dumps(row) if options.json else "  ".join(f"{key}={value}" for key, value in row.items()))


if __name__ == "__main__":
    main()

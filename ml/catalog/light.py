"""Low-light networks: dark photos in, curves or well lit small pictures out."""

from __future__ import annotations

from collections.abc import Sequence

from ml.registry import Example, Metric, ModelEntry, Preprocessing, Source, WeightFile

# Of the 14 shards all but the last have the same size.
_MAXIM_SHARDS = (
    "028a90a9037a5d2916d9b693db21a85cee33147343b574ae3786f1b2966d0a25",
    "032944412ab6d9bca7269b0f972a28ffd8bad051a22120dc71158103ce4b663e",
    "ff459097c733a553a2bf07e467d59ffe20eeeed0686252c453ff1949a1490b24",
    "d2ce8e508a9704e580f06c8f3fe4b725a2aed2906d9a598a0faf1f7b800e3f75",
    "8afa8bd9d0e2155bc09f2c5d0f686b2ce751c015a606fa191f6701b1773bd887",
    "92d3114631e99dba45808b8f783238ec838c2c621ab3a142128d79c6a470c373",
    "9d71eb448ac77253972d684707f7d532d45e0bcfd71fae414f0690d07dd07b1a",
    "a9d465f7bdae801212f64d372620f0dc031d7c3c7c3cc5195109eb18794adf2f",
    "ec8678ec63b1636c5b54e6dfc3873fe1d0fa36bfd5f651561205999989a8a447",
    "25d63de5e16c738e0ca28cff4df6c6e9c77e877977f715f1d759e30fc3855c1f",
    "50d35a51724bc18c16ffe2b114c21cef155fc8739cdc3ce561817b90b4ce6620",
    "7f1f83d2c8d3cef93fb9ef945bd36d2a42fc0a863eb8368641e047e253176ff6",
    "c7fe14eeaeae5703269f6d5f301d3a7b104b9969c829c3f1c470670937edc06a",
    "ee24c41cc29ebd93220f92a37aa5bb90fc48507026bc6a83f7af95a04f279341",
)
_SHARD, _LAST_SHARD, _MODEL_JSON = 4_194_304, 2_210_680, 17_905_839
MAXIM_LICENCE_NOTE = (
    "code and weights: Apache-2.0 (Google); their TensorFlow.js conversion: MIT (Kevin Scott)"
)
MAXIM_PAPER = "Tu et al., MAXIM: Multi-Axis MLP for Image Processing, CVPR 2022"
MAXIM_SMALL = Preprocessing(
    resize="any",
    interpolation="area",
    note="values in 0..1; the picture shrunk to 256 pixels on its long side, sides multiples of 64",
)
MAXIM_EXAMPLE = (Example("picture", (1, 3, 64, 64), ((2, "height"), (3, "width"))),)


def maxim_files(model_json: str, shards: Sequence[str]) -> tuple[WeightFile, ...]:
    """The files of a MAXIM network in its npm package, from their SHA-256."""
    files = [WeightFile("model.json", "package/models/model.json", _MODEL_JSON, model_json)]
    for number, sha256 in enumerate(shards, start=1):
        name = f"group1-shard{number}of{len(shards)}.bin"
        size = _LAST_SHARD if number == len(shards) else _SHARD
        files.append(WeightFile(name, f"package/models/{name}", size, sha256))
    return tuple(files)


CURVE = ModelEntry(
    id="light/curve@albumen",
    task="light",
    version="1",
    title="Albumen curve network for dark photos",
    source=Source(kind="own"),
    files=(
        WeightFile(
            "weights",
            "light-curve.safetensors",
            737_432,
            "77ebbc311ef363b74310aab9b50c8713ff0f81000acb42ad3b71ab3c5119cf02",
        ),
    ),
    code_licence="Apache-2.0",
    weights_licence="Apache-2.0",
    licence_note="trained on BSDS500 and RESIDE photos, which are given for research: see ml/weights/light-curve.md",
    training_data="BSDS500 train, clear RESIDE indoor photos, freely licensed album photos, darkened by program",
    paper="after Guo et al., Zero-Reference Deep Curve Estimation, CVPR 2020; network and training are our own",
    preprocessing=Preprocessing(
        resize="any",
        interpolation="area",
        note="values in 0..1; the picture shrunk to 256 pixels on its long side, sides multiples of 16",
    ),
    input_limits="any size; the network itself always sees a small copy",
    metrics=(
        Metric("PSNR", "LOL, 3 pairs, strength 1", 21.2, "here", "input 7.3, LIME + gamma 17.5"),
        Metric("PSNR", "MIT-Adobe FiveK, 6 pairs, strength 1", 20.0, "here", "input 18.8"),
    ),
    weaknesses=(
        "lifts deliberately dark pictures a little",
        "backlit rooms stay darker than a second, longer exposure would show them",
    ),
    convert="ml.formats.own:convert",
    build="ml.nets.curve:build",
    examples=(Example("picture", (1, 3, 192, 256), ((0, "batch"), (2, "height"), (3, "width"))),),
    outputs=("curves",),
    default=True,
)

MAXIM = ModelEntry(
    id="light/maxim-lol@upscalerjs",
    task="light-best",
    version="1",
    title="MAXIM enhancement (LOL)",
    source=Source(
        kind="npm",
        package="@upscalerjs/maxim-enhancement",
        version="0.1.0",
        archive="upscalerjs-maxim-enhancement-0.1.0.tgz",
        sha256="02b0064970d10dcd7aea07459ef7c03f12c18c432c8c7fb6ebbc2bd8d816465c",
        size=53_844_881,
    ),
    files=maxim_files("75b96441d35f37f8e832ea76e98147eb1a39c8490d8114e8bfc83203a51f6b8f", _MAXIM_SHARDS),
    code_licence="Apache-2.0",
    weights_licence="Apache-2.0 AND MIT",
    licence_note=MAXIM_LICENCE_NOTE,
    training_data="LOL: 485 pairs of dark and well lit indoor photos (as reported)",
    paper=MAXIM_PAPER,
    preprocessing=MAXIM_SMALL,
    input_limits="any size; the network itself always sees a small copy",
    metrics=(
        Metric("PSNR", "LOL, 3 pairs", 16.5, "here", "alone; its training set may hold these pairs"),
        Metric("PSNR", "LOL, 3 pairs", 21.4, "here", "mixed with the curve network, as it is used"),
        Metric("PSNR", "MIT-Adobe FiveK, 6 pairs", 20.4, "here", "mixed with the curve network"),
    ),
    weaknesses=(
        "always answers with the brightness of its training set, hence the mixture",
        "needs torch and 0.8 GB of memory",
    ),
    convert="ml.nets.tfgraph:convert",
    build="ml.nets.tfgraph:build",
    examples=MAXIM_EXAMPLE,
    outputs=("picture",),
    runtime="torch",
    extra=True,
    requires=(CURVE.id,),
)

ENTRIES: tuple[ModelEntry, ...] = (CURVE, MAXIM)

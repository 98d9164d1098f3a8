"""Reading text in pictures: PP-OCR finds lines and recognises them, in Chinese, English and more."""

from __future__ import annotations

from ml.registry import Example, Metric, ModelEntry, Preprocessing, Source, WeightFile

_RAPIDOCR = Source(
    kind="pypi",
    package="rapidocr",
    version="3.10.0",
    archive="rapidocr-3.10.0-py3-none-any.whl",
    sha256="2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050",
    size=27_288_134,
)
_LICENCE_NOTE = "PaddleOCR's models as ONNX files; the package's MODEL_LICENSES.md states Apache-2.0"
_DATA = "PaddleOCR's own collection of documents, scenes and synthetic lines; not published"
_PAPER = "PaddleOCR team, PP-OCR: A Practical Ultra Lightweight OCR System, 2020, and its later versions"

DETECTION = ModelEntry(
    id="text-detection/pp-ocrv6-small@rapidocr",
    task="text-detection",
    version="1",
    title="PP-OCRv6 text detection (small)",
    source=_RAPIDOCR,
    files=(
        WeightFile(
            name="model.onnx",
            path="rapidocr/models/PP-OCRv6_det_small.onnx",
            size=9_929_594,
            sha256="090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
            keep=True,
        ),
    ),
    code_licence="Apache-2.0",
    weights_licence="Apache-2.0",
    licence_note=_LICENCE_NOTE,
    training_data=_DATA,
    paper="Liao et al., Real-time Scene Text Detection with Differentiable Binarization, AAAI 2020",
    preprocessing=Preprocessing(
        resize="any",
        mean=(127.5, 127.5, 127.5),
        std=(127.5, 127.5, 127.5),
        channels="BGR",
        note="sides are multiples of 32",
    ),
    categories="text or not, for every pixel",
    input_limits="lines under about eight pixels high are missed",
    weaknesses=("finds text-like texture in many ordinary photos", "curved lines come as straight boxes"),
    examples=(Example("x", (1, 3, 64, 64), dynamic=((0, "batch"), (2, "height"), (3, "width"))),),
    outputs=("fetch_name_0",),
    runtime="onnx-file",
    default=True,
)

RECOGNITION = ModelEntry(
    id="text-recognition/pp-ocrv6-small@rapidocr",
    task="text-recognition",
    version="1",
    title="PP-OCRv6 text recognition (small)",
    source=_RAPIDOCR,
    files=(
        WeightFile(
            name="model.onnx",
            path="rapidocr/models/PP-OCRv6_rec_small.onnx",
            size=21_234_383,
            sha256="6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
            keep=True,
        ),
    ),
    code_licence="Apache-2.0",
    weights_licence="Apache-2.0",
    licence_note=_LICENCE_NOTE,
    training_data=_DATA,
    paper=_PAPER,
    preprocessing=Preprocessing(
        resize="any",
        mean=(127.5, 127.5, 127.5),
        std=(127.5, 127.5, 127.5),
        channels="BGR",
        note="a line 48 pixels high, its width in proportion",
    ),
    categories="18,708 characters: Chinese, Latin and more, listed in the file's metadata",
    input_limits="lines 48 pixels high",
    metrics=(
        Metric("characters read right", "English sentences rendered 10 to 40 pixels high", 0.997, "here"),
        Metric("characters read right", "Chinese sentences rendered 10 to 40 pixels high", 1.0, "here"),
        Metric("CPU-ms per photo", "64 photos of COCO val2017", 52.0, "here", "finding and reading; median"),
    ),
    weaknesses=("handwriting is not measured", "vertical lines and lines upside down are read badly"),
    examples=(Example("x", (1, 3, 48, 320), dynamic=((0, "batch"), (3, "width"))),),
    outputs=("fetch_name_0",),
    runtime="onnx-file",
    default=True,
    requires=(DETECTION.id,),
)

ENTRIES: tuple[ModelEntry, ...] = (DETECTION, RECOGNITION)

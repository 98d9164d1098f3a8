"""Measures reading text: ``python -m bench.text [--font FILE]``.

Renders sentences at several heights and prints how many characters and whole lines are read right, then
looks at everyday photos and prints how many lines are found in them and the time. A font with Chinese
characters adds Chinese sentences.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ml.tasks.text import TextStage

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
HEIGHTS = (10, 12, 16, 24, 40)
ENGLISH = (
    "The quick brown fox jumps over the lazy dog.",
    "Invoice No. 2024-0173, due 15 March",
    "Total: 1,284.50 EUR (incl. 19 % VAT)",
    "Platform 9, train to Shenyang departs 18:42",
    "Do not feed the animals!",
    "Happy birthday, dear Grandmother",
)
CHINESE = (
    "欢迎来到沈阳故宫博物院",
    "生日快乐，祝你身体健康",
    "发票号码：20240173，合计：1284.50元",
    "请勿拍照，谢谢合作",
    "今天下午三点在会议室开会",
)


def main() -> None:
    """Run the measurement and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=Path(os.environ.get("ALBUMEN_MODELS", "models")))
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--font", type=Path, help="a font with Chinese characters")
    arguments = parser.parse_args()
    stage = TextStage(arguments.models)
    rendered(stage, "English", ENGLISH, None)
    if arguments.font:
        rendered(stage, "Chinese", CHINESE, arguments.font)
    photos(stage, arguments.data)


def rendered(stage: TextStage, title: str, sentences: Sequence[str], font: Path | None) -> None:
    """Print accuracy on rendered sentences; a character is right where the two texts align."""
    for height in HEIGHTS:
        page = draw(sentences, height, font)
        started = time.process_time()
        blocks = stage.read(page)
        seconds = time.process_time() - started
        said = [block.content for block in blocks]
        wrong = sum(min((edits(line, other) for other in said), default=len(line)) for line in sentences)
        total = sum(map(len, sentences))
        exact = sum(line in said for line in sentences)
        print(
            f"{title}, {height} px: {100 * (1 - wrong / total):.1f} % of characters,"
            f" {exact} of {len(sentences)} lines exact, {seconds * 1000:.0f} CPU-ms"
        )


def draw(sentences: Sequence[str], height: int, font: Path | None) -> np.ndarray:
    """A white page with one sentence a line."""
    face = ImageFont.truetype(font, height) if font else ImageFont.load_default(height)
    page = Image.new("RGB", (height * 36, height * 2 * (len(sentences) + 1)), "white")
    pen = ImageDraw.Draw(page)
    for number, sentence in enumerate(sentences):
        pen.text((height, height * (1 + 2 * number)), sentence, fill=(20, 20, 30), font=face)
    return np.array(page)


def edits(one: str, other: str) -> int:
    """Levenshtein distance."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def photos(stage: TextStage, data: Path) -> None:
    """Print what is found in everyday photos, and the time."""
    paths = sorted((data / "detection" / "images").glob("*.jpg"))
    counts, seconds = [], []
    for path in paths:
        picture = np.array(Image.open(path).convert("RGB"))
        started = time.process_time()
        counts.append(len(stage.read(picture)))
        seconds.append(time.process_time() - started)
    milliseconds = 1000 * np.array(seconds)
    print(
        f"everyday photos: {sum(c > 0 for c in counts)} of {len(paths)} with text, {sum(counts)} lines;"
        f" {np.median(milliseconds):.0f} CPU-ms per photo (median), {milliseconds.max():.0f} at most"
    )


if __name__ == "__main__":
    main()

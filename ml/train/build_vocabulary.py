"""Writes ``ml/vocabulary/imagenet.tsv``: each ImageNet class with its label and its useful WordNet lemmas.

Needed only when the table itself is to change; the product reads the table and never WordNet.

    python -m ml.train.build_vocabulary --classes classes.csv --wordnet data.noun

``classes.csv`` has the columns class_index, wnid, label for the 1000 classes of ILSVRC 2012; ``data.noun`` is
WordNet 3.0's (Debian package wordnet-base). WordNet 3.0, Copyright 2006 Princeton University, permits use and
redistribution with its notice (WordNet licence); class ids and labels are facts of Russakovsky et al.,
ImageNet Large Scale Visual Recognition Challenge, IJCV 2015.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

TABLE = Path(__file__).resolve().parents[1] / "vocabulary" / "imagenet.tsv"

HEADER = (
    "# ImageNet's 1000 classes: index, WordNet id, label, further lemmas. Written by ml/train/build_vocabulary.py.\n"
    "# Lemmas from WordNet 3.0, Copyright 2006 by Princeton University. All rights reserved. Used and\n"
    "# redistributed under the WordNet licence, which asks to keep this notice; provided without warranty.\n"
)

# Lemmas that are right in WordNet and wrong in a search box: whoever types them means something else.
MISLEADING: dict[int, frozenset[str]] = {
    index: frozenset(words.split("; "))
    for index, words in {
        5: "torpedo",
        55: "grass snake",
        102: "anteater",
        147: "devilfish",
        148: "killer; grampus; sea wolf",
        271: "maned wolf",
        286: "painter; panther",
        319: "darning needle; devil's darning needle; sewing needle; snake feeder; snake doctor",
        334: "hedgehog",
        364: "ai",
        378: "ringtail",
        395: "billfish",
        403: "carrier",
        416: "beam",
        435: "bath",
        450: "bob",
        460: "mole; groin; groyne; jetty",
        466: "bullet",
        468: "hack",
        487: "cell",
        490: "mail",
        494: "bell; gong",
        506: "whorl; volute",
        529: "napkin",
        532: "board",
        552: "boa",
        579: "grand",
        593: "harp",
        600: "claw",
        626: "light",
        655: "mini",
        684: "sweet potato",
        688: "scope",
        702: "bars",
        711: "essence",
        750: "comfort; puff",
        818: "spot",
        864: "wrecker",
        867: "rig",
        876: "vat",
        894: "press",
        916: "site",
        955: "jack; jak",
        972: "drop; drop-off",
        976: "head",
        998: "spike; capitulum",
    }.items()
}


def lemmas_of(line: str) -> list[str]:
    """The lemmas of one line of ``data.noun``: after offset, file and kind, a hexadecimal count, then
    lemma and sense number in turn."""
    fields = line.split(" | ")[0].split()
    return [fields[4 + 2 * position].replace("_", " ") for position in range(int(fields[3], 16))]


def build_table(classes: Path, wordnet: Path) -> str:
    """The text of ``imagenet.tsv``.

    A lemma is left out when it names more than one class (panther: leopard, jaguar and cougar), when it is
    another class's label, or when it misleads.
    """
    with classes.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lemmas: list[list[str]] = []
    with wordnet.open("rb") as file:
        for row in rows:
            file.seek(int(row["wnid"][1:]))
            lemmas.append(lemmas_of(file.readline().decode("ascii")))
    labels = {row["label"].casefold() for row in rows}
    shared = Counter(lemma.casefold() for words in lemmas for lemma in words)
    lines = [HEADER]
    for index, row in enumerate(rows):
        kept = [
            lemma
            for lemma in lemmas[index]
            if lemma.casefold() not in labels
            and shared[lemma.casefold()] == 1
            and lemma not in MISLEADING.get(index, frozenset())
        ]
        lines.append(f"{index}\t{row['wnid']}\t{row['label']}\t{'; '.join(kept)}\n")
    return "".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the table; returns the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--classes", type=Path, required=True, help="CSV of class_index, wnid, label")
    parser.add_argument("--wordnet", type=Path, required=True, help="WordNet 3.0's data.noun")
    parser.add_argument("--output", type=Path, default=TABLE)
    options = parser.parse_args(arguments)
    options.output.write_text(build_table(options.classes, options.wordnet), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

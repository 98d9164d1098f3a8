"""Encodes the vocabulary's texts into ``ml/weights/concept-texts-e5.npz``: ``python -m ml.train.build_concept_texts``.

Run it after the vocabulary changed; texts that are there already are kept, so it takes a second for a small change
and a minute or two for all. A test fails while the table lacks a text.
"""

from __future__ import annotations

from ml.semantics import TABLE, write_table
from ml.vocabulary import load_vocabulary

if __name__ == "__main__":
    print(f"{write_table(load_vocabulary())} texts encoded; {TABLE.stat().st_size:,} bytes in {TABLE.name}")

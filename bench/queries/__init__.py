"""Sets of queries for ``bench/retrieval.py``, and what each of them may be used for.

- ``own``: the first; vocabulary and cut-off grew with it in view.
- ``fresh``: written from the list of labels; its misses have been looked into since.
- ``held_out``: written by the author of the vocabulary's groups when they were done.
- ``blind_1``, ``blind_2``, ``blind_3``: each written from the photos by somebody who knew neither the vocabulary nor how
  search works. The misses of the first two have been looked into; nothing was ever changed for ``blind_3``.

Whoever mends the search because of a miss says here that the set has been seen, and writes another. Numbers are ImageNet
class indices.
"""

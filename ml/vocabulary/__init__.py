"""What photos can show: concepts in English and Chinese, their tree, and how evidence becomes tags.

    >>> from ml.vocabulary import load_vocabulary
    >>> load_vocabulary().find("金毛")
    ['golden-retriever']

The data are the ``.txt`` outlines in this folder, written to be read and edited; docs/vocabulary.md tells how.
Nothing here loads a network.
"""

from ml.vocabulary.evidence import DerivedTag
from ml.vocabulary.outline import Concept, VocabularyError
from ml.vocabulary.vocabulary import Language, Vocabulary, load_vocabulary

__all__ = ["Concept", "DerivedTag", "Language", "Vocabulary", "VocabularyError", "load_vocabulary"]

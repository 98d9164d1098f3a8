"""Sentences that can be said in another language later: a template and its values, beside the English text.

Services speak English. ``say`` remembers what an f-string forgets, so that the edge (``app.web.i18n``) can say the
same sentence in the reader's language. The English template is the key; a sentence without values is its own.
"""

from __future__ import annotations

from typing import Any


class Sentence(str):
    """An English sentence with the template and the values it was made from; everywhere else it is a ``str``."""

    template: str
    values: dict[str, Any]


def say(template: str, **values: Any) -> Sentence:
    """``template`` filled with ``values``; a value may itself be a ``Sentence``."""
    sentence = Sentence(template.format(**values))
    sentence.template, sentence.values = template, values
    return sentence

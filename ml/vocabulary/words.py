"""When two spellings are the same word: case, width, hyphens, spaces and simple English plurals."""

from __future__ import annotations

import re
import unicodedata

_JOINTS = re.compile(r"[\s_\-‐-―'’·.,()（）]+")

# Plurals that the endings below do not explain, for words this vocabulary holds or people put beside them.
_IRREGULAR = {
    "mice": "mouse",
    "geese": "goose",
    "oxen": "ox",
    "children": "child",
    "men": "man",
    "women": "woman",
    "feet": "foot",
    "teeth": "tooth",
    "cacti": "cactus",
    "fungi": "fungus",
    "buses": "bus",
    "busses": "bus",
    "lenses": "lens",
    "octopuses": "octopus",
    "walruses": "walrus",
    "abaci": "abacus",
    "larvae": "larva",
    "gases": "gas",
}
# Two characters written for one: the kennel club's name for terriers and the one everybody types.
_VARIANTS = str.maketrans({"㹴": "梗"})
_LAST_WORD = re.compile(r"[a-z]+$")


def key(word: str) -> str:
    """The form under which a word is kept: lower case, full-width folded, no spaces, hyphens or dots.

    ``"Hot-Dog"``, ``"hot dog"`` and ``"hotdog"`` have one key.
    """
    return _JOINTS.sub("", unicodedata.normalize("NFKC", word).casefold()).translate(_VARIANTS)


def forms(word: str) -> tuple[str, ...]:
    """Keys under which ``word`` may be kept, likeliest first: as written, then as an English plural undone.

    A form need not be a word ("glasse"): it only has to be looked up.
    """
    whole = key(word)
    found = _LAST_WORD.search(_JOINTS.sub(" ", unicodedata.normalize("NFKC", word).casefold()).strip())
    if found is None:
        return (whole,)
    last = found.group()
    stem = whole[: len(whole) - len(last)]
    return (whole, *(stem + singular for singular in _singulars(last)), *_head_singular(word))


def _head_singular(word: str) -> tuple[str, ...]:
    """The keys of "birds of prey" with its head in the singular."""
    head, joint, rest = word.casefold().partition(" of ")
    return tuple(key(singular + joint + rest) for singular in _singulars(head)) if joint else ()


def _singulars(word: str) -> list[str]:
    if word in _IRREGULAR:
        return [_IRREGULAR[word]]
    if len(word) < 4 or not word.endswith("s") or word.endswith("ss"):
        return []
    found = [word[:-1]]
    if word.endswith("ies"):
        found.insert(0, word[:-3] + "y")
    elif word.endswith("ves"):
        found += [word[:-3] + "f", word[:-3] + "fe"]
    elif word.endswith("es"):
        found.append(word[:-2])
    return found

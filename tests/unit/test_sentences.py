"""Whatever goes wrong is said in every language: each sentence an error may carry has its Chinese."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import AppError
from app.sentences import say
from app.web.i18n import Translator, sentences

ROOT = Path(__file__).resolve().parents[2]
# These speak the dialect of another product, or to whoever sits at the terminal.
OTHER_VOICES = ("app/compat", "app/cli", "app/backup.py")
CARRIERS = {"UnreadableValue": 0, "self.fail": 0, "self.error": 0, "_bad": 2}


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / "app").rglob("*.py")):
        if not path.relative_to(ROOT).as_posix().startswith(OTHER_VOICES):
            yield path, ast.parse(path.read_text())


def error_classes() -> set[str]:
    known, grew = {"AppError"}, True
    while grew:
        grew = False
        for _, tree in sources():
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef) and node.name not in known:
                    bases = {getattr(base, "id", getattr(base, "attr", "")) for base in node.bases}
                    if bases & known:
                        known.add(node.name)
                        grew = True
    return known


def spoken() -> Iterator[tuple[str, ast.expr]]:
    """(place, what is said) of every error that is made and every ``say``."""
    carriers = {**dict.fromkeys(error_classes(), 0), **CARRIERS, "say": 0}
    for path, tree in sources():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func).removeprefix("errors.").removeprefix("darkroom.")
            if name in carriers and len(node.args) > carriers[name]:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.args[carriers[name]]


def templates() -> dict[str, str]:
    found = {
        said.value: place
        for place, said in spoken()
        if isinstance(said, ast.Constant) and isinstance(said.value, str) and " " in said.value
    }
    assert len(found) > 150
    return found


def slots(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_no_error_forgets_how_it_was_made() -> None:
    wrong = [place for place, said in spoken() if isinstance(said, ast.JoinedStr)]
    assert wrong == [], "use say(template, name=value) instead of an f-string: it can be said in Chinese too"


def test_every_sentence_has_its_chinese() -> None:
    chinese = sentences("zh")
    missing = {template: place for template, place in templates().items() if template not in chinese}
    assert missing == {}, "add them to app/web/locales/sentences.zh.json"


def titles() -> Iterator[str]:
    """The titles of the kinds of errors: ``code, status, title = ...`` in their classes."""
    for _, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "(code, status, title)":
                assert isinstance(node.value, ast.Tuple)
                yield str(ast.literal_eval(node.value.elts[2]))


def test_every_kind_of_error_has_a_chinese_title() -> None:
    found = {*titles(), AppError.title}
    assert len(found) > 20
    assert sorted(found - set(sentences("zh"))) == []


def test_translations_use_the_same_values_and_are_chinese() -> None:
    for english, chinese in sentences("zh").items():
        assert slots(chinese) == slots(english), english
        assert chinese != english, english


def test_a_sentence_is_said_again_with_its_values() -> None:
    t = Translator("zh")
    sentence = say("There is already a user named {username}.", username="anna")
    assert sentence == "There is already a user named anna."
    assert t.sentence(sentence) == "已经有名为 anna 的用户。"
    inner = say(
        "In the album “{title}”: {detail}", title="Sea", detail=say("There is no album “{name}”.", name="x")
    )
    assert t.sentence(inner) == "在相册“Sea”中：没有相册“x”。"
    assert Translator("en").sentence(sentence) == sentence


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("The file holds more than 3000 frames or pages.", "文件中的帧或页超过 3000。"),
        ("There is no such album.", "没有这个相册。"),
        ("KeyError: something nobody foresaw", "KeyError: something nobody foresaw"),
    ],
)
def test_a_sentence_kept_as_text_is_recognised(stored: str, said: str) -> None:
    """Photos and jobs keep their error as a row; a child process sends it as text."""
    assert Translator("zh").sentence(stored) == said

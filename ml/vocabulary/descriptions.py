"""Descriptions: "yellow fruit", "something that flies", "会飞的动物" as the concepts they fit.

A description is cut into parts, the longest known first, and every part narrows what the others leave: a trait
(``traits.txt``), a concept or group by any of its names, or a word for anything at all ("thing", "东西"). Words that
only join ("that can", "made of", "的") stand between the parts. What cannot be cut without a remainder is no
description: a search then has other ways.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ml.vocabulary.words import forms

Slugs = frozenset[str]

_TOKEN = re.compile(r"[㐀-䶿一-鿿]|[a-z0-9]+(?:['’\-][a-z0-9]+)*|[,;/&、，]|\w")
_CHINESE = re.compile(r"[㐀-䶿一-鿿]")
_WORD = re.compile(r"\w")
_LONGEST = 6  # tokens in one part
_MOST = 24  # tokens of a description

_JOINING = frozenset(
    """a an the of in on at for to with from by into onto out and's that which who whose it its they their
    them this these those some any all is are was be being been can could may might will would do does
    has have having had there you your we our us my me one ones people person someone somebody made make
    makes making used use uses using kind kinds type types sort sorts found lives live living comes come
    coming usually often mostly typically typical common various different many several lots lot full
    very really just such as when where while photo photos picture pictures image images showing show
    like looks look what get gets getting go goes going put puts take takes taken need needs needed want
    wants help helps let lets up down off over around about 的 地 得 会 能 可 以 可以 用 用来 来 做 做成
    制 制成 制作 在 里 里面 中 上 上面 着 有 带 长 是 很 最 生活 住 你 我 他 人 人们 它 它们 我们 给 为
    等 那 种 各种 一些 所有 那些 这些 某种 个 只 些 用于 属于 一种 照片 图片 身上 身体 全身 自己 帮助
    需要 有关 相关""".split()  # noqa: SIM905
)
_ANYTHING = frozenset(
    """thing things something anything everything stuff item items object objects article articles gear
    equipment product products accessory accessories goods supplies device devices tool tools utensil
    utensils gadget gadgets implement implements apparatus kit essentials necessities creature creatures
    somewhere anywhere place places spot machine machines machinery vessel vessels 东西 物品 物件 用品
    用具 器具 器材 设备 工具 装备 产品 玩意 玩意儿 物 事物 类 配件 必需品 地方 场所 机器 机械 容器""".split()  # noqa: SIM905
)
_OR = frozenset({"and", "or", "&", "/", ",", ";", "、", "，", "和", "或", "与", "跟", "或者", "以及", "及"})


@dataclass(frozen=True)
class _Part:
    """One part: the concepts it leaves; whether it is a trait's, need not narrow, may be a plural."""

    slugs: Slugs
    trait: bool = False
    anything: bool = False
    many: bool = False


class Descriptions:
    """See the module.

    Args:
        traits: what each word of a trait stands for, by the word's key; whatever is below its slugs has it, too.
        find: the slugs of the concepts of a name.
        below: the slugs of every kind of a concept.
    """

    def __init__(
        self,
        traits: Mapping[str, Slugs],
        find: Callable[[str], Iterable[str]],
        below: Callable[[str], Iterable[str]],
    ) -> None:
        self._traits, self._find, self._below = traits, find, below

    def fit(self, text: str) -> Slugs:
        """The concepts that a description fits, with all below them; empty where the text is none.

        A lone name or a lone trait is no description: names have ``Vocabulary.find``, and "red" may mean anything.
        Plurals may stand alone beside others ("storks and herons"); "dog and ball" may mean both in one photo.
        """
        tokens = _TOKEN.findall(unicodedata.normalize("NFKC", text).casefold())
        if not 1 < len(tokens) <= _MOST:
            return frozenset()
        found = [parts for parts in self._cut(tuple(tokens), 0, {}) or () if parts]
        listed = len(found) > 1
        sets = [
            parts[0].slugs if listed and len(parts) == 1 and parts[0].many else self._meet(parts)
            for parts in found
        ]
        return frozenset().union(*sets) if all(sets) else frozenset()

    def _cut(
        self, tokens: tuple[str, ...], at: int, known: dict[int, list[list[_Part]] | None]
    ) -> list[list[_Part]] | None:
        """The rest of a description from ``at``: alternatives of parts; None when something is left over."""
        if at == len(tokens):
            return [[]]
        if at not in known:
            known[at] = None
            for end in range(min(len(tokens), at + _LONGEST), at, -1):
                step = self._step(tokens[at:end])
                rest = self._cut(tokens, end, known) if step is not None else None
                if rest is not None and step is not None:
                    known[at] = [[], *rest] if step == "or" else [[*step, *rest[0]], *rest[1:]]
                    break
        return known[at]

    def _step(self, tokens: tuple[str, ...]) -> list[_Part] | str | None:
        """What a run of tokens is: a part, nothing that counts, "or"; None when it is not known."""
        text = _joined(tokens)
        if not all(map(_WORD.search, tokens)):
            return "or" if text in _OR else None
        part = self._part(text)
        if part is not None:
            return [part]
        if text in _OR:
            return "or"
        return [] if text in _JOINING else None

    def _part(self, text: str) -> _Part | None:
        keys = forms(text)
        trait = next((self._traits[key] for key in keys if key in self._traits), frozenset())
        slugs = self._closed((*trait, *self._find(text)))
        anything = text in _ANYTHING
        return _Part(slugs, bool(trait), anything, len(keys) > 1) if slugs or anything else None

    def _closed(self, slugs: Iterable[str]) -> Slugs:
        return frozenset(kind for slug in slugs for kind in (slug, *self._below(slug)))

    def _meet(self, parts: list[_Part]) -> Slugs:
        """What all parts leave: "tool" narrows where it can, and is any thing where it cannot."""
        if len(parts) < 2 or not any(part.trait for part in parts):
            return frozenset()
        telling = [part.slugs for part in parts if part.slugs]
        left = frozenset.intersection(*telling)
        if not left:
            telling = [part.slugs for part in parts if part.slugs and not part.anything]
            left = frozenset.intersection(*telling) if telling else left
        return left


def _joined(tokens: tuple[str, ...]) -> str:
    """Tokens as they are written: Chinese together, the others with spaces."""
    return ("" if all(map(_CHINESE.fullmatch, tokens)) else " ").join(tokens)

"""The reference of the query language, written from the declaration of its fields.

``python -m app.search.reference > docs/query-language.md`` brings the document up to date; a test compares them.
"""

from __future__ import annotations

from app.search import meaning, ranking
from app.search.clauses import MAX_ALBUM_DEPTH
from app.search.evidence import LEAST_CONFIDENCE
from app.search.fields import FIELDS, Field, Kind
from app.search.language import MAX_DEPTH, MAX_LENGTH, MAX_TERMS
from app.search.values import DEFAULT_KM

_VALUES = {
    Kind.TEXT: "words",
    Kind.COUNTED: "a name and a count",
    Kind.NUMBER: "a number",
    Kind.BYTES: "a size",
    Kind.YEAR: "a year",
    Kind.MONTH: "a month",
    Kind.DATE: "a date or span",
    Kind.CHOICE: "one of its choices",
    Kind.NEAR: "latitude,longitude,km",
    Kind.PHOTO: "a photo's id",
}

_HEAD = """# The query language

One text language for the search box, dynamic albums and the commands' `--query`. This page is written by
`python -m app.search.reference` from `app/search/fields.py`; do not edit it by hand.

## In short

| write | to find photos |
| --- | --- |
| `dog beach` | of a dog *and* a beach |
| `yellow fruit` `something that flies` | of whatever fits the description |
| `dog or cat` | of either (`或` and `|` mean the same) |
| `beach -people` | of a beach without people |
| `(dog or cat) year:2024` | parentheses group |
| `"happy birthday"` | with these very words in this order |
| `IMG_2*` | with a word that begins so |
| `tag:beach` `标签：海滩` | by a field; Chinese names and signs work everywhere |
| `rating:>=4` `iso:100..400` `date:<2020` | by comparison and range |
| `object:dog>=2` | with at least two dogs |

Words side by side are AND and bind tighter than `or`; `-` before a word, a field or a parenthesis excludes.
Values with spaces stand in quotation marks; inside them `\\"` and `\\\\` are a quotation mark and a backslash. Case,
accents and full width make no difference. Every query has one canonical text, which is what albums store.
"""


def reference() -> str:
    """The whole page as Markdown."""
    return "\n".join([_HEAD, *_fields(), *_values(), *_free_words(), *_limits()]) + "\n"


def _fields() -> list[str]:
    lines = [
        "## Fields",
        "",
        "| field | also | value | finds | 说明 | examples |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for field in FIELDS:
        also = ", ".join(f"`{a}:`" for a in field.aliases)
        examples = " ".join(f"`{e}`" for e in field.examples)
        cells = (f"`{field.name}:`", also, _kind(field), field.help_en, field.help_zh, examples)
        lines.append("| " + " | ".join(cells) + " |")
    for field in FIELDS:
        if field.choices:
            lines += [
                "",
                f"### `{field.name}:`",
                "",
                "| choice | also | finds | 说明 |",
                "| --- | --- | --- | --- |",
            ]
            for choice in field.choices:
                also = ", ".join(f"`{a}`" for a in choice.aliases)
                lines.append(
                    f"| `{field.name}:{choice.name}` | {also} | {choice.help_en} | {choice.help_zh} |"
                )
    return [*lines, ""]


def _kind(field: Field) -> str:
    text = _VALUES[field.kind]
    if field.kind is Kind.NUMBER and field.high <= 10:
        text += f" from {field.low:g} to {field.high:g}"
    if field.rounding:
        text += f" (±{field.rounding:g})"
    return text + (", compared" if field.compares else "")


def _values() -> list[str]:
    return [
        "## Values",
        "",
        "- Comparisons: `field:>5`, `>=`, `<`, `<=`, `field:2..5` (both ends belong to it), `field:2..`,"
        " `field:..5`;"
        " `field>=5` is the same as `field:>=5`. A plain value of a measured number means it to within the width"
        " that the table gives.",
        "- Dates: `2024`, `2024-06`, `2024-06-01`, `today`, `yesterday`, and up to now `last-30d`, `last-2w`,"
        " `last-6m`,"
        " `last-1y`. A photo's date is read off the clock where it was taken.",
        "- Sizes: `500kb`, `5mb`, `1.5gb` (1000 each), `1mib` (1024).",
        f"- Distance: kilometres may be left out ({DEFAULT_KM}).",
        "- `*` in `name:`, `camera:` and `lens:` stands for anything; at the end of a word, of `text:` and of"
        " `place:` for"
        " any ending.",
        "- What a photo does not have is no match, and excluding it is: `-iso:>800` finds photos of unknown film"
        " speed,"
        " too.",
        "- `confidence:` speaks about the tags, objects and words of its group: `tag:dog confidence:>0.6`.",
        "- Archived photos are left out unless the query speaks of `is:archived`; the trash is never searched.",
        f"- An album may be asked for inside another's rule, up to {MAX_ALBUM_DEPTH} deep, but not inside its own.",
        "",
    ]


def _free_words() -> list[str]:
    weights = ", ".join(f"{kind} {weight:g}" for kind, weight in ranking.WEIGHTS.items())
    return [
        "## Free words",
        "",
        "A word is found as a tag in either language (with synonyms and everything below it), as a person, a"
        " place, a year"
        " or month, and in titles, descriptions, recognised text and file names. Neighbouring words that are one"
        " name"
        " (`golden retriever`) are found as that name, a run of Chinese also as several (`海边日落`). All words must be"
        f" found. A tag that the networks suggest counts from confidence {LEAST_CONFIDENCE:g} on.",
        "",
        "Beside this evidence, the whole text is searched by meaning: photos whose semantic vector is near it are"
        " found,"
        " too. A phrase in quotation marks, a word with `*` and anything excluded are matched by evidence alone.",
        "",
        "**The cut-off.** A search for what is not there returns nothing:",
        "",
        "- Words that name something the networks can see (`tiger`) find photos that look more like a kind of it"
        " than like"
        f" anything else (to within {meaning.MARGIN:g}), or are nearer to it than {meaning.SURE:g}.",
        f"- Names of things they cannot see (`sushi`) find by meaning only what is nearer than {meaning.SURE:g}.",
        f"- Other words need a best photo at {meaning.FIRST:g}, or {meaning.VAGUE_FIRST:g} where the vocabulary hardly"
        f" knows them; further ones must reach {meaning.FURTHER:g} and {meaning.SHARE:.0%} of the best. For sentences"
        f" of {meaning.SENTENCE} telling words or more the numbers are {meaning.SENTENCE_FIRST:g} and"
        f" {meaning.SENTENCE_FURTHER:g}.",
        f"- At most {meaning.MOST} photos are found by meaning.",
        "",
        "**The score** of a photo is `1 - (1 - W)(1 - V)`: W is what is written or said about it, each word's"
        " best place"
        f" averaged over the words ({weights}); V = (M + {ranking.SEEN:g} T) / {1 + ranking.SEEN:g}, with M the"
        " similarity"
        " in meaning and T the confidence of the tags that the networks gave, or"
        f" {ranking.SEEN:g} T if the photo was not found by meaning. Every result tells its reasons: the words and"
        " where"
        " they were found, tags with their confidence, and the similarity.",
        "",
    ]


def _limits() -> list[str]:
    return [
        "## Limits and errors",
        "",
        f"A query has at most {MAX_LENGTH} characters and {MAX_TERMS} terms, and parentheses {MAX_DEPTH} deep. One"
        " that"
        " cannot be understood is answered with a sentence, the position of the fault (in characters, from 0) and"
        " what"
        " could stand in its place.",
    ]


if __name__ == "__main__":
    print(reference(), end="")

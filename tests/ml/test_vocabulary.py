"""The vocabulary: complete in both languages, found by everyday words, and careful with what it tags."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ml.types import Box, CueValue, Detection, FaceDetection, TextBlock, Vector
from ml.vocabulary import Concept, Vocabulary, VocabularyError, load_vocabulary
from ml.vocabulary.outline import check_concepts, read_outline
from ml.vocabulary.scoring import LEVELS, calibrate

FOLDER = Path(__file__).resolve().parents[2] / "ml" / "vocabulary"
CHINESE = re.compile(r"[㐀-䶿一-鿿]")
DOGS = range(151, 269)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return load_vocabulary()


def probabilities(values: dict[int, float]) -> Vector:
    """A softmax with the given classes; what is left over is spread thinly over all."""
    p = np.full(1000, (1 - sum(values.values())) / 1000, np.float32)
    for index, value in values.items():
        p[index] += value
    return p


# The data


def test_every_class_and_every_coco_name_has_a_concept(vocabulary: Vocabulary) -> None:
    assert len(vocabulary.imagenet) == 1000
    assert set(vocabulary.imagenet) <= set(vocabulary.concepts)
    from ml.tasks.objects import NAMES

    assert set(vocabulary.coco) == set(NAMES)
    assert set(vocabulary.coco.values()) <= set(vocabulary.concepts)


def test_every_concept_has_sound_names_in_both_languages(vocabulary: Vocabulary) -> None:
    for slug, concept in vocabulary.concepts.items():
        assert concept.slug == slug
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
        assert concept.name_en.strip() == concept.name_en != ""
        assert not CHINESE.search(" ".join((concept.name_en, *concept.synonyms_en))), slug
        for word in (concept.name_zh, *concept.synonyms_zh):
            assert CHINESE.search(word), (slug, word)


def test_wordnet_ids_and_labels_are_those_of_the_data_set(vocabulary: Vocabulary, shared_data: Path) -> None:
    with (shared_data / "photos" / "imagenet" / "classes_1000.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["wnid"], row["label"]) for row in rows] == [
        (known.wnid, known.label) for known in vocabulary.imagenet_classes
    ]


def test_every_class_label_finds_its_concept(vocabulary: Vocabulary, shared_data: Path) -> None:
    with (shared_data / "photos" / "imagenet" / "classes_1000.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            slug = vocabulary.imagenet[int(row["class_index"])]
            assert slug in vocabulary.find(row["label"].replace("_", " ")), row


def test_every_name_finds_its_concept_first(vocabulary: Vocabulary) -> None:
    for slug, concept in vocabulary.concepts.items():
        assert vocabulary.find(concept.name_en)[0] == slug
        assert slug in vocabulary.find(concept.name_zh)


def test_words_of_one_name_but_two_meanings_stay_apart(vocabulary: Vocabulary) -> None:
    crane_bird, crane_machine = vocabulary.imagenet[134], vocabulary.imagenet[517]
    assert set(vocabulary.find("crane")) == {crane_bird, crane_machine}
    assert "bird" in vocabulary.ancestors(crane_bird)
    assert "vehicle" in vocabulary.ancestors(crane_machine)
    assert vocabulary.imagenet[638] == vocabulary.imagenet[639] == vocabulary.find("maillot")[0]
    assert "bird" in vocabulary.ancestors(vocabulary.imagenet[21])
    assert "bird" not in vocabulary.ancestors(vocabulary.coco["kite"])
    assert "musical-instrument" in vocabulary.ancestors(vocabulary.imagenet[542])


def test_things_are_not_kinds_of_animals(vocabulary: Vocabulary) -> None:
    # One step too much or too little in an outline once made yarn a kind of dog.
    things = [slug for slug in vocabulary.concepts if vocabulary.top(slug) not in ("animal", "food")]
    strays = {slug for slug in things if "animal" in vocabulary.ancestors(slug)}
    assert strays == {
        "muzzle",
        "horse-cart",
        "oxcart",
        "coral-reef",
    }  # an animal wears, pulls or builds these


def test_ancestors_and_descendants_mirror_each_other(vocabulary: Vocabulary) -> None:
    for slug in vocabulary.concepts:
        assert slug not in vocabulary.ancestors(slug)
        assert len(set(vocabulary.ancestors(slug))) == len(vocabulary.ancestors(slug))
        for above in vocabulary.ancestors(slug):
            assert slug in vocabulary.descendants(above)
    golden = vocabulary.ancestors("golden-retriever")
    assert golden.index("retriever") < golden.index("dog") < golden.index("mammal") < golden.index("animal")
    assert "pet" in golden
    assert vocabulary.top("golden-retriever") == vocabulary.top("animal") == "animal"
    assert set(vocabulary.children("corgi")) == {"pembroke-corgi", "cardigan-corgi"}


@pytest.mark.parametrize(
    ("word", "classes"),
    [
        ("beach", [978, 977, 975, 976]),
        ("海边", [978, 977, 975, 976]),
        ("沙滩", [978, 977]),
        ("seaside", [978]),
        ("mountains", [970, 972, 979, 980]),
        ("山", [970, 980]),
        ("water", [975, 978, 973]),
        ("风景", [970, 978, 979]),
        ("animals", [0, 207, 291, 327, 388]),
        ("动物", [0, 207, 291, 327, 388]),
        ("pets", [207, 281, 333]),
        ("宠物", [207, 281, 1]),
        ("puppy", [207, 151]),
        ("狗狗", [207, 151]),
        ("金毛", [207]),
        ("哈士奇", [248, 250]),
        ("kitten", [281, 283]),
        ("猫咪", [281, 284]),
        ("big cat", [291, 292, 290]),
        ("猛兽", [291, 292]),
        ("bird of prey", [21, 22, 23, 24]),
        ("鸟", [7, 22, 145]),
        ("penguins", [145]),
        ("farm animal", [7, 8, 345, 348]),
        ("sea life", [2, 107, 327, 147]),
        ("海洋生物", [2, 107, 149]),
        ("snakes", [52, 68]),
        ("bugs", [300, 320]),
        ("昆虫", [301, 309]),
        ("butterflies", [321, 326]),
        ("monkeys", [373, 382]),
        ("熊猫", [387, 388]),
        ("flowers", [985, 986]),
        ("花", [985]),
        ("蘑菇", [947]),
        ("food", [924, 933, 949, 963]),
        ("something to eat", [928, 963]),
        ("美食", [926, 963]),
        ("fruit", [949, 950, 954]),
        ("水果", [951, 957]),
        ("vegetables", [936, 943]),
        ("desserts", [928, 929]),
        ("drinks", [966, 967]),
        ("vehicles", [404, 555, 817, 484]),
        ("交通工具", [466, 829]),
        ("cars", [468, 817]),
        ("汽车", [511, 609]),
        ("buses", [779, 654]),
        ("ships", [510, 628]),
        ("飞机", [404, 895]),
        ("trains", [466, 820]),
        ("bikes", [671]),
        ("自行车", [444, 671]),
        ("buildings", [483, 497, 698]),
        ("建筑", [483, 668]),
        ("bridge", [821, 839]),
        ("musical instruments", [402, 579, 889]),
        ("乐器", [486, 558]),
        ("clothes", [608, 834]),
        ("衣服", [568, 614]),
        ("shoes", [514, 770]),
        ("furniture", [423, 532, 831]),
        ("家具", [453, 526]),
        ("phone", [487, 528]),
        ("computers", [527, 620, 681]),
        ("电脑", [508, 673]),
        ("knives", [499]),
        ("sports", [429, 795, 805]),
        ("运动", [430, 852]),
        ("winter sports", [450, 795]),
        ("toys", [850, 611]),
        ("玩具", [850]),
        ("tools", [587, 784]),
        ("Christmas", [496]),
        ("万圣节", [607]),
        ("weapon", [471, 763]),
        ("religion", [497, 406]),
    ],
)
def test_everyday_words_reach_what_they_mean(
    vocabulary: Vocabulary, word: str, classes: Sequence[int]
) -> None:
    found = vocabulary.find(word)
    reached = {*found, *(lower for slug in found for lower in vocabulary.descendants(slug))}
    assert {vocabulary.imagenet[index] for index in classes} <= reached


@pytest.mark.parametrize(
    ("word", "excluded"),
    [("sweet potato", 684), ("pet", 291), ("bullet", 466), ("harp", 593), ("hedgehog", 334)],
)
def test_misleading_words_do_not_reach(vocabulary: Vocabulary, word: str, excluded: int) -> None:
    found = vocabulary.find(word)
    reached = {*found, *(lower for slug in found for lower in vocabulary.descendants(slug))}
    assert vocabulary.imagenet[excluded] not in reached


@pytest.mark.parametrize(
    "word",
    [
        "Golden Retriever",
        "golden-retriever",
        "GOLDEN  RETRIEVERS",
        "golden_retriever",
        "ｇｏｌｄｅｎ retriever",
    ],
)
def test_spelling_makes_no_difference(vocabulary: Vocabulary, word: str) -> None:
    assert vocabulary.find(word) == ["golden-retriever"]


def test_plurals_are_undone_but_nothing_is_guessed(vocabulary: Vocabulary) -> None:
    for plural, singular in [
        ("mice", "mouse"),
        ("geese", "goose"),
        ("wolves", "wolf"),
        ("puppies", "puppy"),
        ("tomatoes", "tomato"),
        ("shoes", "shoe"),
        ("axes", "axe"),
        ("hot dogs", "hot dog"),
        ("watches", "watch"),
    ]:
        assert vocabulary.find(plural) == vocabulary.find(singular) != [], plural
    assert vocabulary.find("glasses") != vocabulary.find("glass")
    for unknown in ("", " ", "asdfgh", "s", "没有这个词", "doog", "%"):
        assert vocabulary.find(unknown) == []


def test_class_texts_name_the_thing_and_what_it_is(vocabulary: Vocabulary) -> None:
    english, chinese = vocabulary.class_text(963), vocabulary.class_text(963, "zh")
    assert english.startswith("pizza, ")
    assert "a kind of" in english
    assert "food" in english
    assert chinese.startswith("披萨、")
    assert "食物" in chinese
    for index in range(1000):
        assert CHINESE.search(vocabulary.class_text(index, "zh"))
        assert not CHINESE.search(vocabulary.class_text(index, "en"))


def test_loading_needs_no_network_library() -> None:
    code = "import sys, ml.vocabulary as v; v.load_vocabulary(); print({'torch', 'onnxruntime'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# The format


def broken(tmp_path: Path, file: str, old: str, new: str) -> None:
    for path in (*FOLDER.glob("*.txt"), FOLDER / "imagenet.tsv"):
        text = path.read_text(encoding="utf-8")
        if path.name == file:
            assert old in text
            text = text.replace(old, new, 1)
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    read_outline(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    rabbit | 兔子", "    rabbit | rabbit", "not a Chinese word"),
        ("    rabbit | 兔子", "    兔子 | 兔子", "not an English word"),
        ("    rabbit | 兔子", "     rabbit | 兔子", "indent"),
        ("    rabbit | 兔子", "              rabbit | 兔子", "indent"),
        ("    raccoon | 浣熊", "    raccoon", "expected"),
        ("    rabbit | 兔子", "    panda | 兔子", "already"),
        ("| 332 +pet", "| 332 +pets", "unknown parent 'pets'"),
        ("| 332 +pet", "| 332 +rabbit 1000", "unknown key '1000'"),
        ("| 332 +pet", "| 331", "already"),
        ("| 332 +pet", "", "without a concept"),
        ("| 332 +pet", "| 332 coco:dog", "COCO's 'dog'"),
        ("house pet, companion animal", "ape, Ape", "twice"),
        ("      hare | 野兔 |", "      hare | 野兔 | cottontail rabbit, ", "sibling"),
        ("毛孩子", "毛孩子 | +dog", "above itself"),
    ],
)
def test_mistakes_are_refused_with_their_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(VocabularyError, match=re.escape(message)) as caught:
        broken(tmp_path, "animals.txt", old, new)
    if "without a concept" not in message:
        assert re.search(r"animals\.txt:\d+", str(caught.value))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("| crustacean, oyster", "| crustaceans, oyster", "unknown concept 'crustaceans'"),
        ("seafood, fruits of the sea | 海鲜, 海味, 水产 |", "seafood |", "expected"),
        ("| 海鲜, 海味, 水产 |", "| sea food |", "not a Chinese word"),
    ],
)
def test_mistakes_in_groups_are_refused_with_their_place(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    with pytest.raises(VocabularyError, match=rf"groups\.txt:\d+: .*{re.escape(message)}"):
        broken(tmp_path, "groups.txt", old, new)


@pytest.mark.parametrize("word", ["seafood", "海鲜"])
def test_a_group_reaches_all_its_concepts_and_is_none(vocabulary: Vocabulary, word: str) -> None:
    assert {"crustacean", "octopus", "sea-urchin"} <= set(vocabulary.find(word))
    assert "seafood" not in vocabulary.concepts


@pytest.mark.parametrize(
    ("text", "fits", "fits_not"),
    [
        ("yellow fruit", {"banana", "lemon"}, {"strawberry", "fruit", "school-bus"}),
        ("黄色的水果", {"banana", "lemon"}, {"strawberry"}),
        ("things made of wood", {"furniture", "rocking-chair", "canoe"}, {"frying-pan"}),
        ("animals with eight legs", {"tarantula", "scorpion"}, {"dragonfly", "table"}),
        ("八条腿的动物", {"tarantula", "scorpion"}, {"dragonfly"}),
        ("Predatory FISH", {"great-white-shark"}, {"goldfish", "tiger"}),
        ("cutting tools", {"hatchet", "chain-saw"}, {"hammer"}),
        ("musical gear", {"violin", "drum"}, {"hammer"}),  # no gear that is music is known: any thing then
        ("storks and herons", {"white-stork", "great-egret"}, {"flamingo"}),
        ("black and white animals", {"zebra", "giant-panda"}, {"gorilla", "polar-bear"}),
        ("predatory fish, yellow fruit", {"gar", "banana"}, {"strawberry", "lion"}),
        ("yellow fruit or striped fish", {"lemon", "clownfish"}, {"orange", "goldfish"}),
    ],
)
def test_a_description_fits_what_has_the_traits(
    vocabulary: Vocabulary, text: str, fits: set[str], fits_not: set[str]
) -> None:
    found = vocabulary.described(text)
    assert fits <= found
    assert found.isdisjoint(fits_not)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yellow",
        "banana",
        "dog beach",
        "no yellow fruit",
        "yellow zeppelin",
        "and",
        "yellow piano",
        "红",
        "dog and ball",
    ],
)
def test_a_text_that_is_no_description_fits_nothing(vocabulary: Vocabulary, text: str) -> None:
    assert vocabulary.described(text) == frozenset()


def test_a_very_long_text_is_no_description(vocabulary: Vocabulary) -> None:
    assert vocabulary.described("yellow fruit " * 10_000) == frozenset()
    assert vocabulary.described("黄色" * 24) == frozenset()


def test_mistakes_in_traits_are_refused_with_their_place(tmp_path: Path) -> None:
    with pytest.raises(VocabularyError, match=r"traits\.txt:\d+: unknown concept 'bananas'"):
        broken(tmp_path, "traits.txt", "| banana, lemon", "| bananas, lemon")


def test_a_broken_class_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VocabularyError, match=r"imagenet\.tsv:\d+"):
        broken(tmp_path, "imagenet.tsv", "n01443537", "n0144353")


def test_a_cycle_is_refused() -> None:
    a = Concept("a", None, "a", "甲", (), (), also=("b",))
    b = Concept("b", "a", "b", "乙", (), ())
    with pytest.raises(VocabularyError, match="above itself"):
        check_concepts({"a": a, "b": b})


# Tags from the scene network


def slugs(tags: Sequence[tuple[str, float]]) -> set[str]:
    return {slug for slug, _ in tags}


def test_five_likely_breeds_are_a_dog_and_no_breed(vocabulary: Vocabulary) -> None:
    tags = dict(vocabulary.scene_tags(probabilities(dict.fromkeys((160, 196, 207, 219, 235), 0.17))))
    assert {"dog", "mammal", "animal", "pet"} == set(tags)
    assert tags["dog"] > 0.9


def test_a_certain_breed_comes_with_all_it_is(vocabulary: Vocabulary) -> None:
    tags = vocabulary.scene_tags(probabilities({207: 0.9}))
    assert slugs(tags) == {"golden-retriever", *vocabulary.ancestors("golden-retriever")}
    assert all(0.9 < confidence <= 1 for _, confidence in tags)
    confidences = [confidence for _, confidence in tags]
    assert confidences == sorted(confidences, reverse=True)
    by_slug = dict(tags)
    assert by_slug["dog"] >= by_slug["retriever"] >= by_slug["golden-retriever"]


def test_no_idea_gives_no_tags(vocabulary: Vocabulary) -> None:
    assert vocabulary.scene_tags(np.full(1000, 0.001, np.float32)) == []


def test_crumbs_of_all_animals_are_no_animal(vocabulary: Vocabulary) -> None:
    animals = [
        index for index, slug in enumerate(vocabulary.imagenet) if "animal" in vocabulary.ancestors(slug)
    ]
    assert vocabulary.scene_tags(probabilities(dict.fromkeys(animals, 0.6 / len(animals)))) == []


def test_coasts_add_up_to_a_shore(vocabulary: Vocabulary) -> None:
    tags = slugs(vocabulary.scene_tags(probabilities({978: 0.2, 977: 0.1, 976: 0.15, 975: 0.1})))
    assert "shore" in tags
    assert not {"beach", "seashore", "lakeside"} & tags


def test_two_classes_of_one_concept_count_together(vocabulary: Vocabulary) -> None:
    assert "laptop" in slugs(vocabulary.scene_tags(probabilities({620: 0.3, 681: 0.3})))
    assert "laptop" not in slugs(vocabulary.scene_tags(probabilities({620: 0.3})))


def test_lookalikes_need_more_certainty(vocabulary: Vocabulary) -> None:
    unsure = slugs(vocabulary.scene_tags(probabilities({922: 0.7})))
    assert "document" in unsure
    assert "menu" not in unsure
    assert "menu" in slugs(vocabulary.scene_tags(probabilities({922: 0.95})))


def test_guesses_are_what_is_not_shown(vocabulary: Vocabulary) -> None:
    p = probabilities({207: 0.6, 208: 0.25, 205: 0.05})
    assert "golden-retriever" in slugs(vocabulary.scene_tags(p))
    assert [slug for slug, _ in vocabulary.scene_guesses(p)] == ["labrador-retriever"]


def test_sums_follow_the_tree(vocabulary: Vocabulary) -> None:
    sums = vocabulary.concept_probabilities(probabilities({207: 0.5, 281: 0.3}))
    assert sums["golden-retriever"] == pytest.approx(0.5, abs=0.01)
    assert sums["pet"] == pytest.approx(0.8, abs=0.03)
    assert "kitchen" not in sums


@pytest.mark.parametrize(
    "wrong", [np.zeros(999, np.float32), np.full(1000, np.nan, np.float32), np.zeros((1, 1000))]
)
def test_what_is_no_softmax_is_refused(vocabulary: Vocabulary, wrong: Vector) -> None:
    with pytest.raises(ValueError, match="1000 finite"):
        vocabulary.scene_tags(wrong)


def test_confidence_rises_with_probability_and_levels_are_known(vocabulary: Vocabulary) -> None:
    told = calibrate(np.linspace(0, 1, 50, dtype=np.float32))
    assert (np.diff(told) >= 0).all()
    assert told[0] >= 0
    assert told[-1] <= 1
    assert [vocabulary.level(slug) for slug in ("tench", "corgi", "dog", "animal", "selfie")] == [
        "kind",
        "family",
        "group",
        "kingdom",
        None,
    ]
    assert [name for name, _, _ in LEVELS] == ["kind", "family", "group", "kingdom"]


# Tags from other evidence


def detection(name: str, confidence: float = 0.9, side: float = 0.3) -> Detection:
    return Detection(name, confidence, Box(0.1, 0.1, side, side))


def face(height: float, x: float = 0.1, *, score: float = 0.99, turned: float = 0.5) -> FaceDetection:
    width = height * 0.7
    points = ((0.3, 0.4), (0.7, 0.4), (0.3 + 0.4 * turned, 0.6), (0.35, 0.8), (0.65, 0.8))
    landmarks = tuple((x + px * width, 0.2 + py * height) for px, py in points)
    return FaceDetection(score, Box(x, 0.2, width, height), landmarks, None)


def derived(vocabulary: Vocabulary, **evidence: object) -> dict[str, str]:
    tags = vocabulary.derived_tags(**evidence)  # type: ignore[arg-type]
    assert all(0 < tag.confidence <= 1 for tag in tags)
    return {tag.slug: tag.source for tag in tags}


def test_nothing_seen_derives_nothing(vocabulary: Vocabulary) -> None:
    assert vocabulary.derived_tags() == []


def test_objects_become_tags_with_what_they_are(vocabulary: Vocabulary) -> None:
    tags = derived(vocabulary, objects=[detection("dog"), detection("sports ball", 0.45)])
    assert tags["dog"] == "object"
    assert {"animal", "pet"} <= set(tags)
    assert "ball" not in tags


def test_the_scene_lifts_a_doubtful_object_that_it_knows(vocabulary: Vocabulary) -> None:
    doubtful = [detection("dog", 0.42)]
    assert "dog" not in derived(vocabulary, objects=doubtful)
    scene = probabilities(dict.fromkeys(list(DOGS)[:10], 0.03))
    assert "dog" in derived(vocabulary, objects=doubtful, scene=scene)


def test_a_large_object_the_scene_has_no_trace_of_is_not_believed(vocabulary: Vocabulary) -> None:
    forest = probabilities({970: 0.5, 979: 0.4})
    assert "bed" not in derived(vocabulary, objects=[detection("bed", 0.8, side=0.9)], scene=forest)
    assert "bed" in derived(vocabulary, objects=[detection("bed", 0.8, side=0.2)], scene=forest)
    lion = probabilities({291: 0.9})
    assert "bear" not in derived(vocabulary, objects=[detection("bear", 0.6, side=0.9)], scene=lion)
    assert "people" in derived(vocabulary, objects=[detection("person", 0.8, side=0.9)], scene=forest)


def test_an_unsure_object_of_some_size_needs_a_trace_in_the_scene(vocabulary: Vocabulary) -> None:
    daisies = probabilities({985: 0.6, 309: 0.25})  # flowers, and a bee
    sheep = detection("sheep", 0.71, side=0.5)
    assert "sheep" not in derived(vocabulary, objects=[sheep], scene=daisies)
    assert "sheep" in derived(vocabulary, objects=[sheep], scene=probabilities({985: 0.5, 348: 0.1}))
    assert "sheep" in derived(vocabulary, objects=[detection("sheep", 0.8, side=0.5)], scene=daisies)
    assert "sheep" in derived(vocabulary, objects=[detection("sheep", 0.71, side=0.2)], scene=daisies)
    assert "people" in derived(vocabulary, objects=[detection("person", 0.6, side=0.5)], scene=daisies)


def test_a_receipt_is_no_television(vocabulary: Vocabulary) -> None:
    page = probabilities({922: 0.3, 916: 0.2})
    assert "television" not in derived(vocabulary, objects=[detection("tv", 0.8)], scene=page)


def test_people_by_face_or_body(vocabulary: Vocabulary) -> None:
    assert derived(vocabulary, objects=[detection("person")])["people"] == "object"
    assert derived(vocabulary, faces=[face(0.1)])["people"] == "face"
    assert derived(vocabulary, faces=[face(0.1, score=0.8)]) == {}
    assert "portrait" not in derived(vocabulary, faces=[face(0.1)])


def test_people_are_one_tag_that_every_word_for_them_finds(vocabulary: Vocabulary) -> None:
    tags = derived(vocabulary, objects=[detection("person")], faces=[face(0.1)])
    assert set(tags) == {"people"}
    for word in ("person", "people", "woman", "人", "人物"):
        assert vocabulary.find(word)[0] == "people", word


def test_one_large_face_is_a_portrait(vocabulary: Vocabulary) -> None:
    assert "portrait" in derived(vocabulary, faces=[face(0.3)])
    assert "portrait" in derived(vocabulary, faces=[face(0.3), face(0.08, 0.6)])
    assert "portrait" not in derived(vocabulary, faces=[face(0.3), face(0.28, 0.6)])


def test_three_faces_to_the_camera_are_a_group_photo(vocabulary: Vocabulary) -> None:
    row = [face(0.15, x) for x in (0.1, 0.4, 0.7)]
    assert "group-photo" in derived(vocabulary, faces=row)
    assert "group-photo" not in derived(vocabulary, faces=row[:2])
    assert "group-photo" not in derived(vocabulary, faces=[*row[:2], face(0.15, 0.7, turned=1.3)])
    bystanders = [face(0.4), *(face(0.07, x) for x in (0.6, 0.7, 0.8))]
    assert "group-photo" not in derived(vocabulary, faces=bystanders)


def test_many_people_are_a_crowd(vocabulary: Vocabulary) -> None:
    assert "crowd" in derived(vocabulary, objects=[detection("person", 0.6)] * 8)
    assert "crowd" not in derived(vocabulary, objects=[detection("person", 0.6)] * 7)


def test_only_a_front_camera_takes_selfies(vocabulary: Vocabulary) -> None:
    front = "iPhone 12 front camera 2.71mm f/2.2"
    assert "selfie" in derived(vocabulary, faces=[face(0.3)], lens=front)
    assert "selfie" not in derived(vocabulary, faces=[face(0.3)], lens="iPhone 12 back camera")
    assert "selfie" not in derived(vocabulary, lens=front)


def test_rooms_by_their_things(vocabulary: Vocabulary) -> None:
    assert "kitchen" in derived(vocabulary, objects=[detection("oven"), detection("refrigerator")])
    assert "kitchen" not in derived(vocabulary, objects=[detection("refrigerator")])
    stove = probabilities({827: 0.4})
    assert "kitchen" in derived(vocabulary, objects=[detection("refrigerator")], scene=stove)
    assert "living-room" in derived(vocabulary, objects=[detection("couch"), detection("tv")])
    assert "living-room" not in derived(vocabulary, objects=[detection("tv"), detection("chair")])


def test_indoors_or_outdoors(vocabulary: Vocabulary) -> None:
    assert "outdoor" in derived(vocabulary, scene=probabilities({978: 0.8}))
    assert "indoor" in derived(vocabulary, objects=[detection("bed"), detection("couch")])
    mixed = derived(vocabulary, objects=[detection("car"), detection("couch")])
    assert not {"indoor", "outdoor"} & set(mixed)


def test_traffic_makes_a_street(vocabulary: Vocabulary) -> None:
    traffic = [detection("car"), detection("car"), detection("bus")]
    assert {"street", "city"} <= set(derived(vocabulary, objects=traffic))
    assert "street" not in derived(vocabulary, objects=traffic[:2])


def test_raised_cues_are_tags(vocabulary: Vocabulary) -> None:
    cues = [
        CueValue("bw", 3.0, True),
        CueValue("night", 12.0, False),
        CueValue("blurry", 1, True),
    ]
    assert derived(vocabulary, cues=cues) == {"black-and-white": "cue", "photo-kind": "cue"}
    receipt = [CueValue("bw", 1.0, True), CueValue("panorama", 2.5, True)]
    assert set(derived(vocabulary, cues=receipt)) == {"black-and-white", "panorama", "photo-kind"}
    assert derived(vocabulary, cues=receipt, scene=probabilities({922: 0.4})) == {}


def test_raised_cues_are_known_to_the_cue_stage() -> None:
    from ml.tasks.cues import measure
    from ml.vocabulary.evidence import CUE_TAGS

    measured = {cue.name for cue in measure(np.full((64, 64, 3), 128, np.uint8))}
    assert set(CUE_TAGS) <= measured


def test_text_makes_documents_and_receipts(vocabulary: Vocabulary) -> None:
    def lines(*words: str) -> list[TextBlock]:
        return [TextBlock(word, 0.95, Box(0, 0, 0.5, 0.02)) for word in words]

    assert derived(vocabulary, text=lines("EXIT", "1")) == {}
    assert set(derived(vocabulary, text=lines("a", "b", "c"))) == {"text", "document"}
    page = [f"line {number}" for number in range(12)]
    assert "receipt" not in derived(vocabulary, text=lines(*page))
    assert "receipt" in derived(vocabulary, text=lines(*page, "TOTAL 12.00", "Cash 20.00"))
    shot = [CueValue("screenshot", 0.9, True)]
    assert "receipt" not in derived(vocabulary, text=lines(*page, "total", "cash"), cues=shot)


def test_all_derived_tags_are_concepts(vocabulary: Vocabulary) -> None:
    from ml.vocabulary import evidence

    rooms = {room.slug for room in evidence.ROOMS}
    scenes = {slug for room in evidence.ROOMS for slug in (*room.scene, *room.enough)}
    people = {"people", "portrait", "group-photo", "selfie", "crowd"}
    assert {
        *rooms,
        *scenes,
        *people,
        *evidence.CUE_TAGS.values(),
        "street",
        "indoor",
        "outdoor",
        "text",
        "receipt",
    } <= set(vocabulary.concepts)
    names = {name for room in evidence.ROOMS for name in room.signs | room.things} | evidence.STREET
    assert names <= set(vocabulary.coco)


# On real photos


@pytest.mark.weights
@pytest.mark.slow
def test_tags_shown_on_real_photos_are_right(
    vocabulary: Vocabulary, shared_data: Path, models_dir: Path
) -> None:
    from PIL import Image

    from ml.stages import Findings
    from ml.tasks.scenes import SceneStage

    folder = shared_data / "photos" / "imagenet"
    with (folder / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))[::4]
    stage = SceneStage(models_dir)
    right = shown = covered = 0
    for row in rows:
        with Image.open(folder / row["file"]) as file:
            pixels = np.array(file.convert("RGB"))
        found = stage.run([pixels], [Findings()])[0]
        assert not isinstance(found, Exception)
        slug = vocabulary.imagenet[int(row["class_index"])]
        tags = slugs(vocabulary.scene_tags(found["probabilities"]))
        right += len(tags & {slug, *vocabulary.ancestors(slug)})
        shown += len(tags)
        covered += bool(tags)
    assert right / shown >= 0.93
    assert covered / len(rows) >= 0.85

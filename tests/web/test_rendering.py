"""Every template renders from its context, and what comes out keeps the pages' promises to browsers and people."""

from __future__ import annotations

from dataclasses import fields
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import meta, nodes

from app.web import rendering
from app.web.contexts import PAGES, Page

VOID = {"input", "img", "meta", "link", "br"}


class Element:
    def __init__(self, name: str, attributes: dict[str, str | None], parent: Element | None) -> None:
        self.name, self.attributes, self.parent = name, attributes, parent
        self.children: list[Element] = []
        self.own_text = ""

    def get(self, name: str) -> str:
        return self.attributes.get(name) or ""

    @property
    def text(self) -> str:
        return self.own_text + "".join(child.text for child in self.children)

    def all(self, *names: str) -> list[Element]:
        found = [self] if self.name in names or not names else []
        return found + [one for child in self.children for one in child.all(*names)]

    def above(self) -> list[Element]:
        return [] if self.parent is None else [self.parent, *self.parent.above()]


class Parser(HTMLParser):
    """Builds a tree and refuses markup whose tags do not close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.root = self.here = Element("root", {}, None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"attribute twice in <{tag} {attrs}>"
        element = Element(tag, dict(attrs), self.here)
        self.here.children.append(element)
        if tag not in VOID:
            self.here = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.here.children.append(Element(tag, dict(attrs), self.here))

    def handle_endtag(self, tag: str) -> None:
        assert self.here.name == tag, f"</{tag}> closes <{self.here.name}>"
        assert self.here.parent is not None
        self.here = self.here.parent

    def handle_data(self, data: str) -> None:
        self.here.own_text += data


def parse(html: str) -> Element:
    parser = Parser()
    parser.feed(html)
    parser.close()
    assert parser.here is parser.root, f"<{parser.here.name}> is never closed"
    return parser.root


@pytest.fixture
def trees(pages: list[Page]) -> list[tuple[str, Element]]:
    return [(f"{page.template} {i}", parse(rendering.render(page))) for i, page in enumerate(pages)]


def test_every_page_has_a_sample(pages: list[Page]) -> None:
    assert {type(page) for page in pages} == set(PAGES)
    templates = {path.name for path in rendering.TEMPLATES.glob("*.html") if not path.name.startswith("_")}
    assert templates - {page.template for page in pages} == {"base.html", "frame.html", "gate.html"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.__name__)
def test_template_and_context_agree(page: type[Page]) -> None:
    """A template names nothing its context lacks, and no context carries what nothing shows."""
    wanted = _names(page.template) - {"t"} - set(rendering.environment().globals)
    declared = {field.name for field in fields(page)}
    assert wanted - declared == set()
    assert declared - wanted == set()


def _names(template: str) -> set[str]:
    environment = rendering.environment()
    source = (rendering.TEMPLATES / template).read_text()
    tree = environment.parse(source)
    found = meta.find_undeclared_variables(tree)
    parents = [
        node.template.value
        for node in tree.find_all((nodes.Extends, nodes.FromImport))
        if isinstance(node.template, nodes.Const)
    ]
    # Macros of _ui.html use names of their own; of the context they may use the shell only.
    assert meta.find_undeclared_variables(environment.parse((rendering.TEMPLATES / "_ui.html").read_text())) <= {
        "shell", "t", *environment.globals,
    }  # fmt: skip
    for parent in parents:
        found |= _names(parent) if parent != "_ui.html" else {"shell"}
    imported = {
        name if isinstance(name, str) else name[1]
        for node in tree.find_all(nodes.FromImport)
        for name in node.names
    }
    defined = {node.name for node in tree.find_all(nodes.Macro)}
    return found - imported - defined


def test_text_from_people_is_escaped(pages: list[Page]) -> None:
    html = "".join(rendering.render(page) for page in pages)
    assert "A &lt;dog&gt; &amp; a cat" in html
    assert "A <dog>" not in html


def test_nothing_the_content_policy_forbids(trees: list[tuple[str, Element]]) -> None:
    for name, tree in trees:
        for element in tree.all():
            assert "style" not in element.attributes, (name, element.name)
            assert not [a for a in element.attributes if a.startswith("on")], (name, element.name)
        for script in tree.all("script"):
            assert script.get("src") or script.get("type") == "application/json", name
        assert tree.all("style") == []


def test_every_address_is_on_this_host(trees: list[tuple[str, Element]]) -> None:
    for name, tree in trees:
        for element in tree.all():
            for attribute in ("href", "src", "action"):
                address = element.get(attribute)
                if element.name == "img" and address.startswith("data:image/"):
                    continue  # it is on the page itself
                if attribute in element.attributes:
                    assert address.startswith(("/", "#")), (name, element.name, address)
                    assert not address.startswith("//"), (name, address)


def test_every_form_that_writes_carries_the_token(trees: list[tuple[str, Element]]) -> None:
    posts = [
        (name, form) for name, tree in trees for form in tree.all("form") if form.get("method") == "post"
    ]
    assert len(posts) > 20
    for name, form in posts:
        tokens = [i for i in form.all("input") if i.get("name") == "csrf_token"]
        assert [token.get("value") for token in tokens] == ["token-of-the-session"], (
            name,
            form.get("action"),
        )


def test_ids_are_unique_and_references_lead_somewhere(trees: list[tuple[str, Element]]) -> None:
    for name, tree in trees:
        ids = [element.get("id") for element in tree.all() if "id" in element.attributes]
        assert len(ids) == len(set(ids)), (name, sorted(ids))
        for element in tree.all():
            for attribute in ("for", "aria-labelledby", "aria-describedby", "aria-controls"):
                for target in element.get(attribute).split():
                    assert target in ids, (name, attribute, target)
            if element.name == "a" and element.get("href").startswith("#"):
                assert element.get("href")[1:] in ids, (name, element.get("href"))


def test_everything_that_can_be_used_has_a_name(trees: list[tuple[str, Element]]) -> None:
    for name, tree in trees:
        labelled = {label.get("for") for label in tree.all("label")}
        for element in tree.all("a", "button"):
            inner = [e.get("aria-label") or e.get("alt") for e in element.all("svg", "img")]
            assert element.text.strip() or element.get("aria-label") or any(inner), (name, element.attributes)
        for element in tree.all("input", "select", "textarea"):
            if element.get("type") == "hidden" or element.get("aria-hidden") == "true":
                continue
            around = any(e.name == "label" and e.text.strip() for e in element.above())
            assert element.get("aria-label") or element.get("id") in labelled or around, (
                name,
                element.attributes,
            )
        for image in tree.all("img"):
            assert "alt" in image.attributes, (name, image.attributes)


def test_headings_make_an_outline(trees: list[tuple[str, Element]]) -> None:
    for name, tree in trees:
        levels = [int(h.name[1]) for h in tree.all("h1", "h2", "h3")]
        assert levels.count(1) == 1, (name, levels)
        assert tree.all("main"), name
        assert tree.all("title")[0].text.strip().endswith("Albumen"), name


def test_the_page_says_its_language_and_theme(pages: list[Page]) -> None:
    for page in pages:
        root = parse(rendering.render(page)).all("html")[0]
        assert root.get("lang") == {"en": "en", "zh": "zh-Hans"}[page.shell.language]
        assert root.get("data-theme") == page.shell.theme


def test_a_static_address_changes_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "STATIC", tmp_path)
    (tmp_path / "a.css").write_text("one")
    first = rendering.static_url("a.css")
    (tmp_path / "a.css").write_text("other")
    assert first.startswith("/static/a.css?v=")
    assert rendering.static_url("a.css") != first
    with pytest.raises(FileNotFoundError):
        rendering.static_url("missing.css")


def test_the_sources_serve_where_nothing_was_bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("js/app.js", "css/app.css"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(rendering, "STATIC", tmp_path)
    plain = rendering.assets()
    assert (plain.script.partition("?")[0], plain.world) == ("/static/js/app.js", None)
    (tmp_path / "dist").mkdir()
    for name in ("app.js", "app.css", "world.svg"):
        (tmp_path / "dist" / name).write_text(name)
    bundled = rendering.assets()
    assert bundled.style.startswith("/static/dist/app.css?v=")
    assert bundled.world is not None

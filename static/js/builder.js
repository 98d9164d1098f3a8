// Builds rules from conditions and groups. It edits the JSON form of a query (see POST /queries/parse); the words of
// the query language are the server's.
import { api } from "./api.js";
import { Completer } from "./complete.js";
import { h, icon } from "./dom.js";
import { t } from "./i18n.js";
import { loadFields } from "./words.js";

const COMPARED = /^(>=|<=|>|<)(.*)$/;
const GROUPS = ["all", "any"];
const WORDED = new Set(["words", "phrase", "text", "name"]); // they contain something rather than being it

export class Builder {
  /** @param {() => void} changed called when someone has changed the rule here */
  constructor(changed) {
    this.changed = changed;
    this.body = h("div", { class: "rule-body" });
    this.element = h("div", { class: "rule-builder", role: "group", "aria-label": t("rule.builder") }, this.body);
    this.shown = undefined;
  }

  get tree() {
    return this.root ? this.root.tree : null;
  }

  /** Show a rule; nothing moves when it is the one shown already, so that nobody loses the field they are in. */
  async show(tree) {
    this.fields ??= await loadFields();
    if (!this.fields.length || (this.root && JSON.stringify(this.tree) === JSON.stringify(tree))) return;
    this.root = new Group(this, tree ?? { all: [] }, true);
    this.body.replaceChildren(this.root.element);
  }
}

/** All or any of some parts. */
class Group {
  constructor(builder, tree, isRoot = false) {
    this.builder = builder;
    const plain = tree.not && (tree.not.all || tree.not.any) ? tree.not : tree;
    const kind = GROUPS.find((name) => plain[name]);
    this.not = choose([["", t("rule.holds")], ["not", t("rule.holds_not")]], plain === tree ? "" : "not", t("rule.negate"), () => builder.changed());
    this.kind = choose([["all", t("rule.all")], ["any", t("rule.any")]], kind ?? "all", t("rule.join"), () => builder.changed());
    this.list = h("ul", { class: "rule-parts" });
    const add = (label, make) => h("button", { type: "button", class: "button tight", onclick: () => this.add(make(), true) }, icon("plus"), label);
    this.element = h(
      "fieldset",
      { class: "rule-group" },
      h("legend", { class: "row" }, !isRoot && this.not, this.kind, !isRoot && remove(() => this.leave())),
      this.list,
      h("div", { class: "row" }, add(t("rule.add"), () => new Condition(builder, { field: "tag", value: "" })), add(t("rule.add_group"), () => new Group(builder, { any: [] }))),
    );
    for (const part of kind ? plain[kind] : [tree]) this.add(partOf(builder, part));
  }

  add(part, byHand = false) {
    const item = h("li", {}, part.element);
    item.holds = part;
    part.leave = () => {
      const next = (item.nextElementSibling ?? item.previousElementSibling)?.querySelector("select, input");
      item.remove();
      (next ?? this.element.querySelector(".button")).focus();
      this.builder.changed();
    };
    this.list.append(item);
    if (byHand) item.querySelector("select, input").focus();
  }

  get tree() {
    const parts = [...this.list.children].map((item) => item.holds.tree).filter(Boolean);
    if (!parts.length) return null;
    const tree = parts.length === 1 ? parts[0] : { [this.kind.value]: parts };
    return this.not.value ? { not: tree } : tree;
  }
}

/** One field with its value. */
class Condition {
  constructor(builder, tree) {
    this.builder = builder;
    const plain = tree.not ?? tree;
    const name = plain.field ?? ("phrase" in plain ? "phrase" : "words");
    const offered = builder.fields.filter((field) => field.name !== "confidence" || name === "confidence");
    this.field = choose([["words", t("rule.words")], ["phrase", t("rule.phrase")]], "words", t("rule.field"), () => this.fill("", ""));
    for (const group of new Set(offered.map((field) => field.group))) {
      const inside = offered.filter((field) => field.group === group);
      this.field.append(h("optgroup", { label: group }, ...inside.map((field) => h("option", { value: field.name }, field.label))));
    }
    this.field.value = name;
    this.not = choose([["", ""], ["not", ""]], tree.not ? "not" : "", t("rule.negate"), () => builder.changed());
    this.values = h("span", { class: "rule-values" });
    this.hint = h("span", { class: "hint" });
    this.element = h("div", { class: "rule-row", role: "group", "aria-label": t("rule.condition") }, this.field, this.not, this.values, remove(() => this.leave()), this.hint);
    this.fill(plain.value ?? plain.phrase ?? plain.words ?? "", plain.count ?? "", false);
  }

  /** The controls of the chosen field, with a value. */
  fill(value, count, byHand = true) {
    const spoken = WORDED.has(this.field.value);
    this.not.options[0].textContent = t(spoken ? "rule.contains" : "rule.is");
    this.not.options[1].textContent = t(spoken ? "rule.contains_not" : "rule.is_not");
    const known = this.builder.fields.find((field) => field.name === this.field.value);
    const told = () => this.builder.changed();
    const [, sign, number] = COMPARED.exec(value) ?? [null, "", value];
    this.sign = this.count = null;
    if (known?.choices.length) {
      this.value = choose(known.choices.map((choice) => [choice.name, choice.help]), value || known.choices[0].name, t("rule.value"), told);
    } else {
      this.value = h("input", { class: "input", "aria-label": t("rule.value"), placeholder: known ? known.example.split(":").slice(1).join(":").replaceAll('"', "") : "", autocomplete: "off", spellcheck: "false", oninput: told });
      this.value.value = known?.compares ? number : value;
    }
    if (known?.compares) this.sign = choose([["", "="], [">=", "≥"], ["<=", "≤"], [">", ">"], ["<", "<"]], sign, t("rule.compare"), told);
    if (known?.kind === "counted") {
      this.count = h("input", { class: "input few", "aria-label": t("rule.how_many"), placeholder: ">=2", oninput: told });
      this.count.value = count;
    }
    const box = h("span", { class: "suggest" }, this.value);
    this.values.replaceChildren(...[this.sign, box, this.count].filter(Boolean));
    if (known && this.value.matches("input")) this.complete(known);
    this.hint.textContent = known?.help ?? "";
    if (byHand) this.builder.changed();
  }

  complete(field) {
    new Completer(this.value, async (text) => {
      const found = await api("GET", `/suggest?limit=8&q=${encodeURIComponent(`${field.name}:${text.replaceAll('"', "")}`)}`).catch(() => []);
      const put = (value) => () => {
        this.value.value = value;
        this.builder.changed();
      };
      return found
        .filter((one) => one.text.startsWith(`${field.name}:`) && one.text.length > field.name.length + 1)
        .map((one) => ({ label: one.label, kind: one.count === null ? "" : String(one.count), apply: put(unquoted(one.text.slice(field.name.length + 1))) }));
    });
  }

  get tree() {
    const value = this.value.value.trim();
    if (!value) return null;
    const name = this.field.value;
    let tree;
    if (name === "words" || name === "phrase") tree = { [name]: value };
    else {
      tree = { field: name, value: (this.sign?.value ?? "") + value };
      if (this.count?.value.trim()) tree.count = this.count.value.trim();
    }
    return this.not.value ? { not: tree } : tree;
  }
}

function partOf(builder, tree) {
  const plain = tree.not ?? tree;
  return plain.all || plain.any || plain.not ? new Group(builder, tree) : new Condition(builder, tree);
}

function choose(options, value, label, changed) {
  const select = h("select", { class: "input", "aria-label": label, onchange: changed }, ...options.map(([name, text]) => h("option", { value: name }, text)));
  select.value = value;
  return select;
}

const remove = (run) => h("button", { type: "button", class: "icon-button", "aria-label": t("rule.remove"), title: t("rule.remove"), onclick: run }, icon("close"));
const unquoted = (text) => (/^".*"$/.test(text) ? text.slice(1, -1).replaceAll('\\"', '"').replaceAll("\\\\", "\\") : text);

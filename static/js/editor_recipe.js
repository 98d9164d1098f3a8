// The recipe under way: an ordered list of steps, and what was before and after every change. Knows no element.

let numbers = 0;

/** What an operation is like before anything is moved. */
export function defaults(operation) {
  return Object.fromEntries(operation.parameters.map((parameter) => [parameter.name, structuredClone(parameter.default)]));
}

export class Recipe {
  /** @param {object} operations declarations by name */
  constructor(operations) {
    this.operations = operations;
    this.steps = [];
    this.output = defaults(operations.output);
  }

  step(id) {
    return this.steps.find((step) => step.id === id);
  }

  /** The step the panel's controls of an operation move: the last of its kind. */
  last(op) {
    return this.steps.findLast((step) => step.op === op);
  }

  add(op, params = {}, at = this.steps.length) {
    const step = { id: ++numbers, op, on: true, params: { ...defaults(this.operations[op]), ...params } };
    this.steps.splice(at, 0, step);
    return step;
  }

  remove(id) {
    this.steps = this.steps.filter((step) => step.id !== id);
  }

  move(id, by) {
    const from = this.steps.findIndex((step) => step.id === id);
    const to = from + by;
    if (from < 0 || to < 0 || to >= this.steps.length) return false;
    this.steps.splice(to, 0, ...this.steps.splice(from, 1));
    return true;
  }

  duplicate(id) {
    const at = this.steps.findIndex((step) => step.id === id);
    return this.add(this.steps[at].op, structuredClone(this.steps[at].params), at + 1);
  }

  /** Quarter turns add up, and a turn all the way round is none. */
  turn(angle) {
    const end = this.steps.at(-1);
    if (end?.op === "rotate" && end.on && end.params.angle % 90 === 0 && end.params.frame === "expand") {
      end.params.angle = (end.params.angle + angle + 360) % 360;
      if (end.params.angle === 0) this.remove(end.id);
    } else this.add("rotate", { angle: (angle + 360) % 360 });
  }

  /** The same flip twice is none. */
  flip(direction) {
    const end = this.steps.at(-1);
    if (end?.op === "flip" && end.on && end.params.direction === direction) this.remove(end.id);
    else this.add("flip", { direction });
  }

  /** The steps that count, as the API takes them; with `before`, only those ahead of that step. */
  active(before = null) {
    const end = before === null ? this.steps.length : this.steps.findIndex((step) => step.id === before);
    return this.steps.slice(0, end).filter((step) => step.on).map((step) => ({ op: step.op, ...step.params }));
  }

  /** The steps that move the picture's frame, for a "before" of the same shape. */
  shape() {
    return this.active().filter((step) => this.operations[step.op].kind === "geometry");
  }

  /** The whole recipe with how it is to be written, where that is not the usual way. */
  asJson() {
    const usual = JSON.stringify(this.output) === JSON.stringify(defaults(this.operations.output));
    return usual ? this.active() : [...this.active(), { op: "output", ...this.output }];
  }

  /** Take over a recipe from elsewhere; steps and parameters nobody knows are left out and counted. */
  load(list) {
    let unknown = 0;
    this.steps = [];
    this.output = defaults(this.operations.output);
    for (const { op, ...params } of list) {
      const operation = this.operations[op];
      const known = new Set(operation?.parameters.map((parameter) => parameter.name));
      const kept = Object.fromEntries(Object.entries(params).filter(([name]) => known.has(name)));
      unknown += operation ? Object.keys(params).length - Object.keys(kept).length : 1;
      if (op === "output") Object.assign(this.output, kept);
      else if (operation) this.add(op, kept);
    }
    return unknown;
  }

  get snapshot() {
    return JSON.stringify({ steps: this.steps, output: this.output });
  }

  set snapshot(text) {
    const { steps, output } = JSON.parse(text);
    this.steps = steps;
    this.output = output;
    numbers = Math.max(numbers, ...steps.map((step) => step.id));
  }
}

const MOST = 200;

/** Undo and redo over snapshots. */
export class History {
  constructor(now) {
    this.now = now;
    this.past = [];
    this.future = [];
  }

  /** Note a state; gives whether it differs from the one before. */
  commit(state) {
    if (state === this.now) return false;
    this.past.push(this.now);
    if (this.past.length > MOST) this.past.shift();
    this.now = state;
    this.future = [];
    return true;
  }

  step(from, to) {
    if (!from.length) return null;
    to.push(this.now);
    this.now = from.pop();
    return this.now;
  }

  undo() {
    return this.step(this.past, this.future);
  }

  redo() {
    return this.step(this.future, this.past);
  }
}

// Rows of photos of equal height. The style sheet makes the same rows of what the server rendered (photos.css), so that
// nothing moves when the script takes over: a row ends where the next photo would not fit at the least height, then
// grows to the full width. Linear in the number of photos (30,000 in a few milliseconds).

const MOST = 1.8; // times the least height; a row left higher than this takes one photo more and is lower instead
const STEPS = 24; // shapes an octave; the common ones of cameras (4:3, 3:2, 16:9) are within 0.3 % of a step
const [NARROWEST, WIDEST] = [-32, 48];

/**
 * The shape a photo has in a grid, as a number: 24 times the binary logarithm of width / height. The server gives it to
 * the style sheet (`data-shape`). Rounding crops 1.5 % at most; a strip of 20:1, a thread in a row alone, shows its middle.
 */
export function shapeOf(width, height) {
  const shape = Math.round(STEPS * Math.log2(width / height));
  return Number.isFinite(shape) ? Math.min(WIDEST, Math.max(NARROWEST, shape)) : 0;
}

/** Width / height of a photo in a grid. */
export const ratioOf = (width, height) => 2 ** (shapeOf(width, height) / STEPS);

/**
 * Lay out shapes in rows as wide as `width`.
 *
 * @param {number[]} ratios width / height of each photo
 * @param {number} width of the container
 * @param {number} least height of a full row; the last one has it
 * @param {number} gap between photos
 * @returns {{boxes: {x: number, y: number, width: number, height: number}[], height: number}}
 */
export function justify(ratios, width, least, gap) {
  const boxes = [];
  let y = 0;
  let start = 0;
  let sum = 0;
  const filled = (count) => (width - gap * (count - 1)) / sum;
  const place = (end, height) => {
    let x = 0;
    for (let i = start; i < end; i++) {
      boxes.push({ x, y, width: ratios[i] * height, height });
      x += ratios[i] * height + gap;
    }
    y += height + gap;
    start = end;
    sum = 0;
  };
  for (let i = 0; i < ratios.length; i++) {
    const count = i - start;
    const fits = (sum + ratios[i]) * least + gap * count <= width;
    if (!fits && count > 0 && filled(count) <= MOST * least) place(i, filled(count));
    sum += ratios[i];
    if (!fits && i > start) place(i + 1, filled(count + 1));
  }
  if (start < ratios.length) place(ratios.length, Math.min(least, filled(ratios.length - start)));
  return { boxes, height: Math.max(0, y - gap) };
}

/** The height a section of `count` photos of unknown shape will take, near enough to scroll by. */
export function estimate(count, width, least, gap, ratio = 1.35) {
  const each = Math.max(1, (width + gap) / (ratio * least + gap) - 0.5); // half a photo of every row does not fit
  const height = Math.max(least, (width - gap * (each - 1)) / (each * ratio));
  return Math.ceil(Math.ceil(count / each) * (height + gap) - gap);
}

/** The least height of a row and the gap in use, from the style sheet. */
export function measures(element) {
  const style = getComputedStyle(element);
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  return {
    target: parseFloat(style.getPropertyValue("--row")) * rem,
    gap: parseFloat(style.getPropertyValue("--gap")),
  };
}

// Fills rows of equal height with photos, greedily: linear in the number of photos (30,000 in a few milliseconds).

/**
 * Lay out shapes in rows as wide as `width`.
 *
 * @param {number[]} ratios width / height of each photo
 * @param {number} width of the container
 * @param {number} target height of a row that a full row should come close to
 * @param {number} gap between photos
 * @returns {{boxes: {x: number, y: number, width: number, height: number}[], height: number}}
 */
export function justify(ratios, width, target, gap) {
  const boxes = [];
  let y = 0;
  let start = 0;
  let sum = 0;
  const place = (end, height) => {
    let x = 0;
    for (let i = start; i < end; i++) {
      const last = i === end - 1;
      const wide = ratios[i] * height;
      // The last of a full row takes what rounding left, so that the right edge is straight.
      boxes.push({ x, y, width: last && Math.abs(x + wide - width) < 2 ? width - x : wide, height });
      x += wide + gap;
    }
    y += height + gap;
    start = end;
    sum = 0;
  };
  for (let i = 0; i < ratios.length; i++) {
    const before = sum;
    sum += ratios[i];
    const count = i - start + 1;
    const tight = (width - gap * (count - 1)) / sum;
    if (tight > target) continue;
    // The row is full. Without this photo it would be too tall, with it a little low: take the closer one.
    const loose = count > 1 ? (width - gap * (count - 2)) / before : Infinity;
    if (loose - target < target - tight && loose < target * 1.6) {
      place(i, loose);
      i--;
    } else place(i + 1, tight);
  }
  if (start < ratios.length) place(ratios.length, Math.min(target, (width - gap * (ratios.length - start - 1)) / sum));
  return { boxes, height: Math.max(0, y - gap) };
}

/** The height a section of `count` photos of unknown shape will take, near enough to scroll by. */
export function estimate(count, width, target, gap, ratio = 1.35) {
  const each = Math.max(1, (width + gap) / (ratio * target + gap));
  return Math.ceil(count / each) * (target + gap) - gap;
}

/** The row height and gap in use, from the style sheet. */
export function measures(element) {
  const style = getComputedStyle(element);
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  return {
    target: parseFloat(style.getPropertyValue("--row")) * rem,
    gap: parseFloat(style.getPropertyValue("--gap")),
  };
}

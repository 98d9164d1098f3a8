// Draws Natural Earth's countries (public domain, as TopoJSON from the world-atlas package) as one SVG: x is the
// longitude, y the latitude turned down, both in hundredths of a degree: a map is nothing but a viewBox over it.

const LEVELS = [36, 18, 9, 4, 2, 1]; // units a pixel is wide; also in templates/_ui.html
const UNITS = 100; // whole hundredths of a degree, about a kilometre: no decimal points to carry

/** The arcs of a TopoJSON topology as lists of [longitude, latitude]. */
function decodeArcs({ arcs, transform }) {
  const { scale, translate } = transform;
  return arcs.map((arc) => {
    let x = 0;
    let y = 0;
    return arc.map(([dx, dy]) => {
      x += dx;
      y += dy;
      return [x * scale[0] + translate[0], y * scale[1] + translate[1]];
    });
  });
}

function ringPoints(ring, arcs) {
  const points = [];
  for (const index of ring) {
    const arc = index < 0 ? arcs[~index].toReversed?.() ?? [...arcs[~index]].reverse() : arcs[index];
    points.push(...(points.length ? arc.slice(1) : arc));
  }
  return points;
}

/**
 * The path of one ring. A step of more than half the world is a crossing of the date line: the line is cut there
 * rather than drawn across the whole map, and continues beyond the edge, where a second copy closes the shape.
 */
function unwrap(points) {
  let shift = 0;
  return points.map(([x, y], i) => {
    if (i > 0) {
      const step = x - points[i - 1][0];
      if (step > 180) shift -= 360;
      if (step < -180) shift += 360;
    }
    return [x + shift, y];
  });
}

function closePole(points) {
  // Antarctica's ring runs once round the pole: after unwrapping its ends lie 360 degrees apart.
  const [first, last] = [points[0], points.at(-1)];
  if (Math.abs(first[0] - last[0]) < 359) return points;
  return [...points, [last[0], -90], [first[0], -90]];
}

function pathOf(points, offset) {
  let path = "";
  let [px, py] = [0, 0];
  for (const [i, [lon, lat]] of points.entries()) {
    const [x, y] = [Math.round((lon + offset) * UNITS), Math.round(-lat * UNITS)];
    const [dx, dy] = [x - px, y - py];
    if (i === 0) path = `M${x} ${y}l`;
    else if (dx || dy) path += `${path.endsWith("l") || dx < 0 ? "" : " "}${dx}${dy < 0 ? "" : " "}${dy}`;
    [px, py] = [x, y];
  }
  return `${path}z`;
}

/** The middle, width and height of the largest part of a country; null where it has none to be written into. */
function room(polygons, arcs) {
  let best = null;
  for (const [outline] of polygons) {
    const points = unwrap(ringPoints(outline, arcs));
    let [area, cx, cy] = [0, 0, 0];
    for (const [i, [x, y]] of points.entries()) {
      const [nx, ny] = points[(i + 1) % points.length];
      const turn = x * ny - nx * y;
      area += turn / 2;
      cx += (x + nx) * turn;
      cy += (y + ny) * turn;
    }
    if (Math.abs(area) <= (best?.area ?? 0)) continue;
    const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
    const span = (all) => (Math.max(...all) - Math.min(...all)) * UNITS;
    const middle = [cx / (6 * area), -cy / (6 * area)].map((one) => Math.round(one * UNITS));
    best = { area: Math.abs(area), middle, width: span(xs), height: span(ys) };
  }
  return best;
}

const chinese = new Intl.DisplayNames(["zh-Hans"], { type: "region", style: "short", fallback: "none" });

/** A country's name in Chinese by its ISO number; undefined where there is none. */
function inChinese(id) {
  const code = id && new Intl.Locale(`und-${id}`).region;
  return code && !/^\d/.test(code) ? chinese.of(code) : undefined;
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/**
 * The countries' names, in groups by how near one must be for them to fit: `names-en-9` is shown where a pixel is at
 * most nine units wide. The page gives the size of the letters.
 */
function nameGroups(geometries, arcs, language) {
  const groups = new Map(LEVELS.map((level) => [level, ""]));
  for (const country of geometries) {
    if (country.id === "010") continue; // Antarctica lies beyond the edge of every map
    const name = language === "zh" ? inChinese(country.id) : country.properties.name;
    const polygons = country.type === "Polygon" ? [country.arcs] : (country.arcs ?? []);
    const place = name && room(polygons, arcs);
    if (!place) continue;
    const letters = name.length * (language === "zh" ? 12 : 6.5);
    const fits = Math.min((0.95 * place.width) / letters, place.height / 13);
    const level = LEVELS.find((one) => one <= fits);
    if (level) groups.set(level, `${groups.get(level)}<text x="${place.middle[0]}" y="${place.middle[1]}">${escaped(name)}</text>`);
  }
  const each = [...groups].map(([level, texts]) => `<g id="names-${language}-${level}" text-anchor="middle">${texts}</g>`);
  return each.join("");
}

export function worldSvg(topology) {
  const arcs = decodeArcs(topology);
  let d = "";
  for (const country of topology.objects.countries.geometries) {
    const polygons = country.type === "Polygon" ? [country.arcs] : (country.arcs ?? []);
    for (const ring of polygons.flat()) {
      const points = closePole(unwrap(ringPoints(ring, arcs)));
      d += pathOf(points, 0);
      if (points.some(([x]) => x > 180)) d += pathOf(points, -360);
      if (points.some(([x]) => x < -180)) d += pathOf(points, 360);
    }
  }
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-18000 -9000 36000 18000">` +
    `<path id="land" fill-rule="evenodd" vector-effect="non-scaling-stroke" stroke-linejoin="round" d="${d}"/>` +
    `${["en", "zh"].map((language) => nameGroups(topology.objects.countries.geometries, arcs, language)).join("")}</svg>\n`
  );
}

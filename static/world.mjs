// Draws Natural Earth's countries (public domain, as TopoJSON from the world-atlas package) as one SVG: x is the
// longitude, y the latitude turned down, both in hundredths of a degree: a map is nothing but a viewBox over it.

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
    `<path id="land" fill-rule="evenodd" vector-effect="non-scaling-stroke" stroke-linejoin="round" d="${d}"/></svg>\n`
  );
}

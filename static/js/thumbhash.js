// Decodes a thumbhash (the public format of Evan Wallace: a few DCT coefficients of luminance and two colour
// differences) into a tiny picture that stands in while the real one loads.

function unpack(hash) {
  const bytes = Uint8Array.from(atob(hash), (c) => c.charCodeAt(0));
  const head = bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
  const tail = bytes[3] | (bytes[4] << 8);
  const hasAlpha = Boolean(head >> 23);
  const landscape = Boolean(tail >> 15);
  const long = hasAlpha ? 5 : 7;
  const short = Math.max(3, tail & 7);
  return {
    bytes,
    hasAlpha,
    lx: landscape ? long : short,
    ly: landscape ? short : long,
    l: (head & 63) / 63,
    p: ((head >> 6) & 63) / 31.5 - 1,
    q: ((head >> 12) & 63) / 31.5 - 1,
    lScale: ((head >> 18) & 31) / 31,
    pScale: ((tail >> 3) & 63) / 63,
    qScale: ((tail >> 9) & 63) / 63,
  };
}

/** Coefficients of one channel, four bits each, in the triangle x / nx + y / ny < 1 without the constant one. */
function channelReader({ bytes, hasAlpha }) {
  let index = 0;
  const start = hasAlpha ? 6 : 5;
  return (nx, ny, scale) => {
    const found = [];
    for (let y = 0; y < ny; y++) {
      for (let x = y ? 0 : 1; x * ny < nx * (ny - y); x++) {
        const nibble = (bytes[start + (index >> 1)] >> ((index & 1) << 2)) & 15;
        found.push({ x, y, value: (nibble / 7.5 - 1) * scale });
        index++;
      }
    }
    return found;
  };
}

function sample(constant, terms, u, v) {
  let value = constant;
  for (const term of terms) {
    value += 2 * term.value * Math.cos(Math.PI * u * term.x) * Math.cos(Math.PI * v * term.y);
  }
  return value;
}

/** A data: URL of the placeholder, `size` pixels wide. */
export function placeholder(hash, ratio, size = 24) {
  const info = unpack(hash);
  const read = channelReader(info);
  const luminance = read(info.lx, info.ly, info.lScale);
  const yellowBlue = read(3, 3, info.pScale * 1.25);
  const redGreen = read(3, 3, info.qScale * 1.25);
  const width = Math.round(ratio > 1 ? size : size * ratio) || 1;
  const height = Math.round(ratio > 1 ? size / ratio : size) || 1;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  const picture = context.createImageData(width, height);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 4) {
      const [u, v] = [(x + 0.5) / width, (y + 0.5) / height];
      const l = sample(info.l, luminance, u, v);
      const p = sample(info.p, yellowBlue, u, v);
      const q = sample(info.q, redGreen, u, v);
      const b = l - (2 / 3) * p;
      const r = (3 * l - b + q) / 2;
      const g = r - q;
      picture.data.set([r * 255, g * 255, b * 255, 255].map((c) => Math.max(0, Math.min(255, c))), at);
    }
  }
  context.putImageData(picture, 0, 0);
  return canvas.toDataURL();
}

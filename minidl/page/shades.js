"use strict";
// The bytes of a picture: how they are unpacked, and what they mean.

/** Return the pictures of a run, one array of bytes for each stop. */
async function unpack(text, { side, axes, shades }) {
  const points = axes.length > 1 ? side * side : side * (shades.fine ? 2 : 1);
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const frames = [];
  for (let start = 0; start < bytes.length; start += points) {
    const frame = bytes.subarray(start, start + points); // undo the differences, modulo 256
    for (let k = 0; k < points; k++) if (k % side) frame[k] += frame[k - 1];
    for (let k = side; k < points; k++) frame[k] += frame[k - side];
    // Of a curve, the second half are the 256ths that the first leaves out.
    if (shades.fine) frames.push(Array.from({ length: side }, (_, k) => frame[k] + frame[side + k] / 256));
    else frames.push(frame);
  }
  return frames;
}

/** Return the colour of each of 256 bytes: of classes they fade where these are uncertain. */
function palette({ kind, levels, classes }) {
  const [low, high, paper] = ["--low", "--high", "--paper"].map(styleColor);
  const tints = classes.map(({ color }) => visible(color));
  return Array.from({ length: 256 }, (_, byte) => {
    if (kind === "value") return mix(low, high, byte / 255);
    if (kind === "share") return mix(paper, tints[byte < 127.5 ? 0 : 1], 0.5 * Math.abs(byte / 127.5 - 1));
    const k = Math.min(Math.floor(byte / levels), classes.length - 1);
    return mix(paper, tints[k], 0.08 + (0.42 * (byte % levels)) / (levels - 1));
  });
}

/** Return a surface of classes with more points: between four, the class that leads. */
function refined(frame, side, { levels }, times) {
  const fine = (side - 1) * times + 1;
  const found = new Uint8Array(fine * fine);
  for (let y = 0; y < fine; y++) {
    const row = Math.min(Math.floor(y / times), side - 2);
    const v = y / times - row;
    for (let x = 0; x < fine; x++) {
      const column = Math.min(Math.floor(x / times), side - 2);
      const h = x / times - column;
      const at = row * side + column;
      const bytes = [frame[at], frame[at + 1], frame[at + side], frame[at + side + 1]];
      const weights = [(1 - h) * (1 - v), h * (1 - v), (1 - h) * v, h * v];
      found[y * fine + x] = between(bytes, weights, levels);
    }
  }
  return [found, fine];
}

/** Return class and lead between four corners, where leads of different classes cancel. */
function between(bytes, weights, levels) {
  const classes = bytes.map((byte) => Math.floor(byte / levels));
  const present = [...new Set(classes)];
  const leads = present.map((k) => bytes.reduce(
    (sum, byte, i) => sum + weights[i] * (byte % levels) * (classes[i] === k ? 1 : -1), 0));
  const lead = Math.max(...leads);
  return present[leads.indexOf(lead)] * levels + Math.round(Math.max(lead, 0));
}

/** Return the segments where a surface crosses a level: marching squares. */
function contour(frame, side, level) {
  const segments = [];
  const rows = frame.length / side;
  for (let y = 0; y + 1 < rows; y++) {
    for (let x = 0; x + 1 < side; x++) {
      const at = y * side + x;
      const [a, b, c, d] = [frame[at], frame[at + 1], frame[at + side + 1], frame[at + side]];
      const cuts = [];
      const cut = (p, q, x0, y0, x1, y1) => {
        if (p > level === q > level) return;
        const t = (level - p) / (q - p);
        cuts.push([x + x0 + t * (x1 - x0), y + y0 + t * (y1 - y0)]);
      };
      cut(a, b, 0, 0, 1, 0);
      cut(b, c, 1, 0, 1, 1);
      cut(c, d, 1, 1, 0, 1);
      cut(d, a, 0, 1, 0, 0);
      for (let k = 0; k + 1 < cuts.length; k += 2) segments.push([cuts[k], cuts[k + 1]]);
    }
  }
  return segments;
}

/** Return a byte in words. */
function reading(shades, byte) {
  if (shades.kind !== "class") {
    const value = shades.low + ((shades.high - shades.low) * byte) / 255;
    return shades.kind === "share" ? value.toFixed(2) : brief(value, 3);
  }
  const k = Math.min(Math.floor(byte / shades.levels), shades.classes.length - 1);
  return `${shades.classes[k].name} +${((byte % shades.levels) / (shades.levels - 1)).toFixed(2)}`;
}

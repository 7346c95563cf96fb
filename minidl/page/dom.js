"use strict";
// Elements, numbers, colours and tables. Text is always set as text: nothing here parses markup.

const SVG = "http://www.w3.org/2000/svg";

/** Return an element with attributes and children; strings become text nodes. */
function make(tag, attributes = {}, ...children) {
  const drawn = ["svg", "g", "path", "line", "text", "rect", "title"].includes(tag);
  const element = drawn ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Return the element of the page with this id. */
function byId(id) {
  return document.getElementById(id);
}

/** Return a number as the command line prints it: four decimals, or three digits. */
function format(value) {
  if (value === null || value === undefined) return "not finite";
  const size = Math.abs(value);
  if (size === 0 || (size >= 1e-3 && size < 1e3)) return value.toFixed(4);
  return brief(value, 3);
}

/** Return a number with at most so many digits, without zeros at the end. */
function brief(value, digits = 4) {
  if (value === null || value === undefined) return "";
  const short = Number(value.toPrecision(digits));
  const size = Math.abs(short);
  return size !== 0 && (size < 1e-4 || size >= 1e6) ? short.toExponential() : String(short);
}

/** Return "1 row", "2 rows". */
function counted(n, noun) {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}

/** Return round numbers between two ends, about so many. */
function ticks(low, high, about) {
  const raw = (high - low) / Math.max(about, 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((m) => m * power >= raw * 0.999) * power;
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
    found.push(Number((k * step).toPrecision(12)));
  }
  return found;
}

/** Return the value of a colour of the style, such as "--ink", as three numbers. */
function styleColor(name) {
  return rgb(getComputedStyle(document.documentElement).getPropertyValue(name).trim());
}

/** Return "#rrggbb" as three numbers from 0 to 255. */
function rgb(hex) {
  return [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
}

/** Return a mixture of two colours; at 0 it is the first. */
function mix(a, b, share) {
  return a.map((part, k) => part + (b[k] - part) * share);
}

/** Return three numbers as a colour of CSS. */
function css(color, alpha = 1) {
  return `rgb(${color.map(Math.round).join(" ")} / ${alpha})`;
}

/** Return the relative luminance of a colour (WCAG). */
function luminance(color) {
  const parts = color.map((part) => {
    const c = part / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
}

/** Return an optimizer's colour, moved towards the ink until it stands out from the paper. */
function visible(hex) {
  const paper = styleColor("--paper");
  const ink = styleColor("--ink");
  const enough = luminance(paper) < 0.2 ? 4 : 2;
  for (let share = 0; share < 1; share += 0.1) {
    const color = mix(rgb(hex), ink, share);
    const [dark, light] = [luminance(color), luminance(paper)].sort((a, b) => a - b);
    if ((light + 0.05) / (dark + 0.05) >= enough) return color;
  }
  return ink;
}

// Matplotlib's markers as polygons: corners, rotation in turns, inner radius of a star.
const MARKERS = {
  s: [4, 0.125], D: [4, 0], d: [4, 0], "^": [3, 0], v: [3, 0.5], "<": [3, 0.75], ">": [3, 0.25],
  p: [5, 0], h: [6, 0], H: [6, 1 / 12], "*": [5, 0, 0.45], P: [4, 0, 0.4], X: [4, 0.125, 0.4],
};

/** Return the corners of a marker around a point; none for a circle. */
function corners(marker, x, y, radius) {
  const [n, turn, inner] = MARKERS[marker] || [0, 0];
  const found = [];
  for (let k = 0; k < n * (inner ? 2 : 1); k++) {
    const angle = 2 * Math.PI * (turn + k / (n * (inner ? 2 : 1)));
    const r = radius * (inner && k % 2 ? inner : 1.15) * (marker === "d" && k % 2 ? 0.6 : 1);
    found.push([x + r * Math.sin(angle), y - r * Math.cos(angle)]);
  }
  return found;
}

/** Return the path of a marker for SVG, or for a canvas through Path2D. */
function markerPath(marker, x, y, radius) {
  const points = corners(marker, x, y, radius);
  if (points.length) return `M${points.map((p) => p.map((c) => c.toFixed(2)).join(" ")).join("L")}Z`;
  const r = radius;
  return `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
}

/** Return the attribute of a dashed line. */
function dashes(look, width = 2) {
  return look.dashes.length ? look.dashes.map((part) => part * width).join(" ") : null;
}

/** Return a small picture of an optimizer's line and marker. */
function swatch(look) {
  const color = css(visible(look.color));
  const line = { x1: 1, x2: 41, y1: 8, y2: 8, stroke: color, "stroke-width": 2.5 };
  return make(
    "svg", { class: "swatch", viewBox: "0 0 42 16", "aria-hidden": "true" },
    make("line", { ...line, "stroke-dasharray": dashes(look, 2.5) }),
    make("path", { d: markerPath(look.marker, 21, 8, 5), fill: color }),
  );
}

/** Return a table; `text` are the places of columns that are not numbers. */
function dataTable({ caption, head, rows, text = [0] }) {
  const kind = (k) => (text.includes(k) ? { class: "text" } : {});
  const cell = (value, k) =>
    k ? make("td", kind(k), value) : make("th", { scope: "row", ...kind(k) }, value);
  return make(
    "table", {},
    make("caption", {}, caption),
    make("thead", {}, make("tr", {}, ...head.map((t, k) => make("th", { scope: "col", ...kind(k) }, t)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, ...row.map(cell)))),
  );
}

/** Return something that scrolls by itself, also with the keyboard. */
function scrolling(child, label, tall = false) {
  const attributes = { class: tall ? "scroll tall" : "scroll", tabindex: 0, role: "region" };
  return make("div", { ...attributes, "aria-label": label }, child);
}

/** Return a part that is folded; `fill` returns its content each time it is opened. */
function folded(summary, fill) {
  const inside = make("div");
  const element = make("details", {}, make("summary", {}, summary), inside);
  element.refresh = () => element.open && inside.replaceChildren(fill());
  element.addEventListener("toggle", element.refresh);
  return element;
}

/** Show text beside the pointer, or hide it if there is none. */
function tip(event, text) {
  const box = byId("tip");
  box.hidden = !text;
  if (!text) return;
  box.textContent = text;
  const { innerWidth, innerHeight } = window;
  const { width, height } = box.getBoundingClientRect();
  const left = Math.min(event.clientX + 14, innerWidth - width - 6);
  const above = event.clientY + height + 24 > innerHeight;
  box.style.left = `${Math.max(6, left)}px`;
  box.style.top = `${above ? event.clientY - height - 12 : event.clientY + 16}px`;
}

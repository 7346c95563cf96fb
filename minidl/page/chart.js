"use strict";
// What the charts in SVG share: size, scales, axes, legend.

const GOAL = { stroke: "var(--ink)", "stroke-dasharray": "2 4", "stroke-width": 1.4 };

/** A chart that fills the width of its place, drawn anew when that changes. */
class Chart {
  constructor(place, part, label) {
    Object.assign(this, { place, part, at: 0 });
    this.svg = make("svg", { class: "chart", role: "img", "aria-label": label });
    this.legend = make("ul", { class: "legend" });
    place.append(this.legend, this.svg);
    this.svg.addEventListener("pointerleave", (event) => tip(event, ""));
  }

  /** Set the size and both scales, and draw axes and what stands still. */
  layout(left, xs, ys, logarithmic) {
    this.width = Math.max(this.place.clientWidth, 240);
    this.height = Math.round(Math.min(Math.max(0.58 * this.width, 300), 390));
    this.edge = { left, right: 14, top: 10, bottom: 40 };
    this.ends = { x: xs, y: ys };
    this.log = logarithmic;
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    this.svg.setAttribute("height", this.height);
    this.svg.replaceChildren();
  }

  get inner() {
    const { left, right, top, bottom } = this.edge;
    return { w: this.width - left - right, h: this.height - top - bottom };
  }

  px(value) {
    const [low, high] = this.ends.x;
    return this.edge.left + ((value - low) / (high - low)) * this.inner.w;
  }

  py(value) {
    const [low, high] = this.ends.y.map((end) => (this.log ? Math.log(end) : end));
    const share = ((this.log ? Math.log(value) : value) - low) / (high - low);
    return this.edge.top + (1 - share) * this.inner.h;
  }

  add(tag, attributes, ...children) {
    const element = make(tag, attributes, ...children);
    this.svg.append(element);
    return element;
  }

  axes(xTicks, yTicks, xName, yName) {
    const line = { stroke: "var(--line)", "stroke-width": 1 };
    const { left, top } = this.edge;
    const bottom = top + this.inner.h;
    for (const value of yTicks) {
      const y = this.py(value);
      this.add("line", { ...line, x1: left, x2: left + this.inner.w, y1: y, y2: y });
      this.add("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, brief(value));
    }
    this.add("line", { ...line, x1: left, x2: left + this.inner.w, y1: bottom, y2: bottom });
    for (const value of xTicks) {
      const place = { x: this.px(value), y: bottom + 16, "text-anchor": "middle" };
      this.add("text", place, brief(value));
    }
    const middle = { x: left + this.inner.w / 2, y: bottom + 34, "text-anchor": "middle" };
    this.add("text", middle, xName);
    if (yName) {
      const turned = `rotate(-90 12 ${top + this.inner.h / 2})`;
      this.add("text", { x: 12, y: top + this.inner.h / 2, transform: turned, "text-anchor": "middle" }, yName);
    }
  }

  /** Return the path of points, as far as they are inside and finite. */
  trace(points) {
    let pen = "M";
    let text = "";
    for (const [x, y] of points) {
      if (Number.isFinite(x) && Number.isFinite(y)) text += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
      pen = Number.isFinite(x) && Number.isFinite(y) ? "L" : "M";
    }
    return text || null;
  }

  /** Draw the names of the optimizers, and entries for other marks. */
  names(others = []) {
    const runs = this.part.runs.map((run) =>
      make("li", {}, swatch(run.look), make("span", { class: "name" }, run.name)));
    this.legend.replaceChildren(...runs, ...others);
  }

  marker(run) {
    return this.add("path", {
      fill: css(visible(run.look.color)), stroke: "var(--paper)", "stroke-width": 1.5,
    });
  }
}

/** Return whole numbers from 0 to a last one, about so many. */
function wholeTicks(last, about) {
  return ticks(0, Math.max(last, 1), about).filter(Number.isInteger);
}

/** Return round numbers on a logarithmic scale. */
function logTicks(low, high) {
  const found = [];
  const steps = high / low > 200 ? [1] : high / low > 30 ? [1, 3] : [1, 2, 5];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) {
    for (const m of steps) found.push(Number((m * 10 ** power).toPrecision(6)));
  }
  return found.filter((value) => value >= low && value <= high);
}

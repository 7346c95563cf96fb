"use strict";
// Paths in a plane, with points that move along them.

/** Paths of the weights in the plane of their first two principal components. */
class Paths extends Chart {
  constructor(place, part) {
    super(place, part, "");
    this.svg.addEventListener("pointermove", (event) => tip(event, this.reading(event)));
    this.shares = part.path.shares.map((share) => `${(100 * share).toFixed(0)} %`);
  }

  draw() {
    const { runs, path } = this.part;
    const steady = runs.filter((run) => run.diverged === null);
    const points = (steady.length ? steady : runs).flatMap((run) => path.points[run.name]);
    const range = (k) => [0, ...points.map((p) => p[k])].reduce(
      ([low, high], v) => [Math.min(low, v), Math.max(high, v)], [Infinity, -Infinity]);
    let [x, y] = [range(0), range(1)];
    this.layout(52, x, y, false);
    const unit = 1.12 * Math.max((x[1] - x[0]) / this.inner.w, (y[1] - y[0]) / this.inner.h, 1e-9);
    [x, y] = [[x, this.inner.w], [y, this.inner.h]].map(([[low, high], length]) => {
      const middle = (low + high) / 2; // one unit is as long in both directions
      return [middle - (unit * length) / 2, middle + (unit * length) / 2];
    });
    this.ends = { x, y };
    const [first, second] = this.shares;
    const long = this.inner.w > 330 ? "principal component " : "";
    const names = [`first ${long}(${first} of the movement)`, `second (${second})`];
    this.axes(ticks(...x, this.inner.w / 80), ticks(...y, 5), ...names);
    this.places = runs.map((run) => path.points[run.name].map(([a, b]) => [this.px(a), this.py(b)]));
    this.names();
    this.whole = runs.map((run, k) => this.line(run, this.trace(this.places[k]), 0.3));
    this.done = runs.map((run) => this.line(run, null, 1));
    const halo = { stroke: "var(--paper)", "stroke-width": 4, "paint-order": "stroke" };
    this.add("path", { d: markerPath("X", this.px(0), this.py(0), 6), fill: "var(--ink)" });
    this.add("text", { x: this.px(0) - 9, y: this.py(0) + 16, "text-anchor": "end", ...halo }, "start");
    this.markers = runs.map((run) => this.marker(run));
    const ends = runs.map((run) => `${run.name} ends ${brief(distance(path.points[run.name]), 3)} from it`);
    const label = `Paths of the weights from one start: ${ends.join("; ")}. The table below has the points.`;
    this.svg.setAttribute("aria-label", label);
    this.move(this.at);
  }

  line(run, d, opacity) {
    return this.add("path", {
      d, fill: "none", stroke: css(visible(run.look.color)), "stroke-width": 2, opacity,
      "stroke-dasharray": dashes(run.look), "stroke-linejoin": "round",
    });
  }

  move(at) {
    this.at = at;
    if (!this.places) return;
    this.places.forEach((points, k) => {
      this.done[k].setAttribute("d", this.trace(points.slice(0, at + 1)) || "");
      const { marker } = this.part.runs[k].look;
      this.markers[k].setAttribute("d", markerPath(marker, ...points[Math.min(at, points.length - 1)], 6));
    });
  }

  /** Return run and epoch of the point nearest to the pointer. */
  reading(event) {
    const rect = this.svg.getBoundingClientRect();
    const scale = this.width / rect.width;
    const [x, y] = [(event.clientX - rect.left) * scale, (event.clientY - rect.top) * scale];
    let [best, text] = [18, ""];
    this.places.forEach((points, k) => points.forEach(([a, b], i) => {
      const far = Math.hypot(a - x, b - y);
      if (far >= best) return;
      const run = this.part.runs[k];
      const loss = format(run.values.train_loss[i]);
      [best, text] = [far, `${run.name}, epoch ${this.part.epochs[i]}\ntraining loss ${loss}`];
    }));
    return text;
  }
}

/** Return how far a path ends from its start. */
function distance(points) {
  return Math.hypot(...points[points.length - 1]);
}

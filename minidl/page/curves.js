"use strict";
// Learning curves over epochs, with a cursor.

/** Learning curves of all runs, with the quartiles over seeds, the goal, and a cursor. */
class Curves extends Chart {
  constructor(place, part, choose) {
    super(place, part, "");
    this.column = part.columns[0][0];
    for (const kind of ["pointerdown", "pointermove"]) {
      this.svg.addEventListener(kind, (event) => {
        const epoch = this.epochAt(event);
        if (kind === "pointerdown" || event.buttons === 1) choose(epoch);
        tip(event, this.reading(epoch));
      });
    }
  }

  get words() {
    return this.part.columns.find(([name]) => name === this.column)[1];
  }

  /** Return the series that are drawn: the column, and for a single run also the held-out one. */
  series() {
    const { runs } = this.part;
    const held = this.column.replace("train_", "validation_");
    const single = runs.length === 1 && held !== this.column && runs[0].values[held];
    const made = runs.map((run) => ({ run, values: run.values[this.column], band: run.bands[this.column] }));
    return single ? [...made, { run: runs[0], values: runs[0].values[held], faint: true }] : made;
  }

  draw() {
    const { epochs, goal } = this.part;
    const series = this.series();
    const goalHere = goal && goal.column === this.column ? [goal.value] : [];
    const steady = series.filter(({ run }) => run.diverged === null); // others leave the picture
    const shown = steady.length ? steady : series;
    const all = shown.flatMap(({ values, band }) => [...values, ...(band ? band.flat() : [])]);
    const usual = [...all, ...goalHere].filter((value) => value !== null);
    const [low, high] = [Math.min(...usual), Math.max(...usual)];
    const log = !this.column.includes("accuracy") && low > 0 && high / low > 8;
    const room = log ? 1.08 : 0.04 * (high - low || 1);
    const ends = log ? [low / room, high * room] : [low - room, high + room];
    const last = epochs[epochs.length - 1];
    this.layout(58, [0, Math.max(last, 1)], ends, log);
    const y = log ? logTicks(...ends) : ticks(...ends, 5);
    const held = series.some((one) => one.faint); // beside the training rows
    const scale = log ? " (log scale)" : "";
    const words = held ? this.words.replace("training ", "") : this.words;
    this.axes(wholeTicks(last, this.inner.w / 70), y, "epoch", `${words}${scale}`);
    this.label();
    this.clip();
    for (const { run, band } of series) if (band) this.drawBand(run, band);
    if (goalHere.length) this.drawGoal();
    series.forEach((one, k) => this.drawLine(one, k, series.length));
    const others = goalHere.map(() => this.entry(`goal: ${goal.words}`, GOAL));
    if (held) others.unshift(this.heldOut());
    this.names(others);
    if (held) this.legend.querySelector(".name").textContent = this.words;
    this.cursor = this.add("line", { stroke: "var(--ink)", "stroke-width": 1 });
    this.markers = this.part.runs.map((run) => this.marker(run));
    this.move(this.at);
  }

  /** Return the entry of the legend for the validation rows of a single run. */
  heldOut() {
    const { look } = this.part.runs[0];
    const thin = { stroke: css(visible(look.color)), "stroke-width": 1, "stroke-dasharray": dashes(look) };
    return this.entry(this.words.replace("training", "validation"), thin);
  }

  /** Return an entry of the legend for a dotted or a thin line. */
  entry(words, line) {
    const drawn = make("line", { stroke: "var(--ink)", ...line, x1: 1, x2: 41, y1: 8, y2: 8 });
    const sample = make("svg", { class: "swatch", viewBox: "0 0 42 16", "aria-hidden": "true" }, drawn);
    return make("li", {}, sample, words);
  }

  label() {
    const ends = this.series().map(({ run, values }) =>
      `${run.name} from ${format(values[0])} to ${format(values[values.length - 1])}`);
    const label = `${this.words} by epoch: ${ends.join("; ")}. The table below has the values.`;
    this.svg.setAttribute("aria-label", label);
  }

  /** Let nothing be drawn outside the axes. */
  clip() {
    const { left, top } = this.edge;
    const frame = make("rect", { x: left, y: top - 4, width: this.inner.w + 8, height: this.inner.h + 8 });
    const clip = document.createElementNS(SVG, "clipPath");
    clip.setAttribute("id", "inside");
    clip.append(frame);
    this.svg.append(clip);
  }

  points(values) {
    return values.map((value, k) => [this.px(this.part.epochs[k]), value === null ? NaN : this.py(value)]);
  }

  drawBand(run, [low, high]) {
    const there = [...this.points(high), ...this.points(low).reverse()].filter((p) => p.every(Number.isFinite));
    const fill = css(visible(run.look.color), 0.14);
    this.add("path", { d: this.trace(there), fill, "clip-path": "url(#inside)" });
  }

  drawGoal() {
    const y = this.py(this.part.goal.value);
    const { left } = this.edge;
    this.add("line", { ...GOAL, x1: left, x2: left + this.inner.w, y1: y, y2: y });
  }

  drawLine({ run, values, faint }, k, count) {
    const points = this.points(values);
    const color = css(visible(run.look.color));
    const inside = { "clip-path": "url(#inside)" };
    const width = faint ? 1 : 2;
    this.add("path", {
      d: this.trace(points), fill: "none", stroke: color, "stroke-width": width,
      "stroke-dasharray": dashes(run.look), "stroke-linejoin": "round", ...inside,
    });
    const step = Math.max(1, Math.round(points.length / 7)); // markers, for print in grey
    for (let i = Math.round((step * (k + 1)) / (count + 1)); i < points.length && !faint; i += step) {
      if (points[i].every(Number.isFinite)) {
        this.add("path", { d: markerPath(run.look.marker, ...points[i], 3), fill: color, ...inside });
      }
    }
  }

  epochAt(event) {
    const rect = this.svg.getBoundingClientRect();
    const scale = this.width / rect.width;
    const share = ((event.clientX - rect.left) * scale - this.edge.left) / this.inner.w;
    const last = this.ends.x[1];
    return Math.round(Math.min(Math.max(share, 0), 1) * last);
  }

  /** Return the values at an epoch in words. */
  reading(epoch) {
    const { epochs } = this.part;
    const far = epochs.map((one) => Math.abs(one - epoch));
    const k = far.indexOf(Math.min(...far));
    const rows = this.series().map(({ run, values, faint }) => {
      const words = k < values.length ? format(values[k]) : "ended";
      return `${faint ? "validation" : run.name}: ${words}`;
    });
    return [`epoch ${epochs[k]}, ${this.words}`, ...rows].join("\n");
  }

  /** Move cursor and markers to the epoch at this place. */
  move(at) {
    this.at = at;
    if (!this.cursor) return;
    const cursor = this.px(this.part.epochs[at]);
    const ends = { x1: cursor, x2: cursor, y1: this.edge.top, y2: this.edge.top + this.inner.h };
    for (const [name, value] of Object.entries(ends)) this.cursor.setAttribute(name, value);
    this.part.runs.forEach((run, k) => {
      const values = run.values[this.column];
      const place = Math.min(at, values.length - 1);
      const y = values[place] === null ? NaN : this.py(values[place]);
      const inside = Number.isFinite(y) && y >= 0;
      const x = this.px(this.part.epochs[place]);
      this.markers[k].setAttribute("d", inside ? markerPath(run.look.marker, x, y, 5.5) : "");
    });
  }
}

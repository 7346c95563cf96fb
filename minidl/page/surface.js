"use strict";
// Pictures of what a network predicts: a surface of shades with the line where the class changes,
// or a curve, with the rows of the data on top.

const EDGE = { left: 34, right: 6, top: 20, bottom: 36 };

/** A picture of one optimizer on a canvas. */
class Surface {
  constructor(picture, run, frames) {
    Object.assign(this, { picture, run, frames, frame: frames[0] });
    const label = `${run.name}: what the network predicts after the chosen epoch. The table below has values.`;
    this.canvas = make("canvas", { role: "img", "aria-label": label });
    this.canvas.addEventListener("pointermove", (event) => tip(event, this.under(event)));
    this.canvas.addEventListener("pointerleave", (event) => tip(event, ""));
    const [x, y] = picture.axes;
    const { low, high } = picture.shades;
    this.flat = !y; // a curve, or a strip of classes
    this.strip = this.flat && picture.shades.kind === "class";
    this.x = x;
    const classes = picture.shades.classes.length - 1;
    const name = this.strip ? "class" : picture.shades.words;
    this.y = y || { label: name, low: this.strip ? -0.5 : low, high: this.strip ? classes + 0.5 : high };
    if (this.flat && picture.shades.kind === "share") Object.assign(this.y, { low: -0.08, high: 1.08 });
  }

  /** Draw the picture of a stop; runs that ended earlier keep their last one. */
  draw(stop) {
    this.frame = this.frames[Math.min(stop, this.frames.length - 1)];
    this.fit();
    const { context } = this;
    context.clearRect(0, 0, this.width, this.height);
    const curve = this.flat && !this.strip;
    if (!curve) this.drawShades();
    this.drawRows();
    if (curve) this.drawCurve();
    this.drawAxes();
  }

  /** Give the canvas the pixels of the screen. */
  fit() {
    const ratio = Math.min(window.devicePixelRatio || 1, 3);
    this.width = this.canvas.clientWidth || 240;
    this.height = Math.round(this.width * (this.flat ? 0.75 : 0.9));
    const [w, h] = [this.width, this.height].map((length) => Math.round(length * ratio));
    if (this.canvas.width !== w || this.canvas.height !== h) {
      Object.assign(this.canvas, { width: w, height: h });
      this.canvas.style.height = `${this.height}px`;
    }
    this.context = this.canvas.getContext("2d");
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.box = { w: this.width - EDGE.left - EDGE.right, h: this.height - EDGE.top - EDGE.bottom };
  }

  /** Return the place of a value along x, and along y. */
  px(value) {
    return EDGE.left + ((value - this.x.low) / (this.x.high - this.x.low)) * this.box.w;
  }
  py(value) {
    return EDGE.top + (1 - (value - this.y.low) / (this.y.high - this.y.low)) * this.box.h;
  }

  drawShades() {
    const { picture, context } = this;
    const several = picture.shades.kind === "class" && !this.flat;
    const [frame, side] = several ? refined(this.frame, picture.side, picture.shades, 3) : [this.frame, picture.side];
    const rows = frame.length / side;
    const small = make("canvas", { width: side, height: rows });
    const inside = small.getContext("2d");
    const image = inside.createImageData(side, rows);
    const colors = palette(picture.shades);
    const ink = styleColor("--ink");
    const classOf = (k) => Math.floor(frame[k] / picture.shades.levels);
    frame.forEach((byte, k) => {
      const place = (rows - 1 - Math.floor(k / side)) * side + (k % side);
      const beside = [(k + 1) % side ? k + 1 : k, k + side < frame.length ? k + side : k];
      const border = several && beside.some((other) => classOf(other) !== classOf(k));
      image.data.set([...(border ? ink : colors[byte]), 255], 4 * place);
    });
    inside.putImageData(image, 0, 0);
    context.imageSmoothingQuality = "high";
    const inner = rows > 1 ? [0.5, 0.5, side - 1, rows - 1] : [0.5, 0, side - 1, 1];
    context.drawImage(small, ...inner, EDGE.left, EDGE.top, this.box.w, this.box.h);
    if (picture.shades.kind === "share") this.drawContour(frame, side, rows);
  }

  drawContour(frame, side, rows) {
    const { context } = this;
    const scale = [this.box.w / (side - 1), this.box.h / (rows - 1)];
    const segments = contour(frame, side, 127.5);
    for (const [color, width] of [[styleColor("--paper"), 5.5], [visible(this.run.look.color), 3]]) {
      context.beginPath();
      for (const ends of segments) {
        const [a, b] = ends.map(([x, y]) => [
          EDGE.left + x * scale[0], EDGE.top + this.box.h - y * scale[1],
        ]);
        context.moveTo(...a);
        context.lineTo(...b);
      }
      context.lineCap = "round";
      context.strokeStyle = css(color, width > 4 ? 0.8 : 1);
      context.lineWidth = width;
      context.stroke();
    }
  }

  drawCurve() {
    const { context, frame } = this;
    context.beginPath();
    frame.forEach((byte, k) => context.lineTo(...this.onCurve(k, byte)));
    context.strokeStyle = css(visible(this.run.look.color));
    context.lineWidth = 3;
    context.stroke();
  }

  /** Return the place of a point of the curve. */
  onCurve(k, byte) {
    const { low, high } = this.picture.shades;
    const x = this.x.low + ((this.x.high - this.x.low) * k) / (this.frame.length - 1);
    return [this.px(x), this.py(low + ((high - low) * byte) / 255)];
  }

  /** Draw the rows: held-out ones hollow, or diamonds where colour is a value. */
  drawRows() {
    const { context, picture } = this;
    const { points, shades } = picture;
    const size = Math.max(1.3, Math.min(3, this.box.w / 90));
    const [ink, soft, paper] = ["--ink", "--soft", "--paper"].map(styleColor);
    const colors = palette(shades);
    const valued = isValued(picture);
    points.x.forEach((x, k) => {
      const target = points.target[k];
      const look = shades.classes[target];
      let color = look ? visible(look.color) : soft;
      if (valued) color = colors[Math.round((255 * (target - shades.low)) / (shades.high - shades.low))];
      const y = this.py(this.flat ? target : points.y[k]);
      const held = k >= points.training;
      const marker = look ? look.marker : valued && held ? "D" : "o";
      const path = new Path2D(markerPath(marker, this.px(x), y, valued ? 1.3 * size : size));
      context.fillStyle = css(held && !valued ? paper : color);
      context.strokeStyle = css(valued ? ink : held ? color : paper);
      context.lineWidth = valued ? 1 : held ? Math.min(1.3, size / 2) : 0.5;
      context.fill(path);
      context.stroke(path);
    });
  }

  drawAxes() {
    const { context } = this;
    const bottom = EDGE.top + this.box.h;
    context.fillStyle = css(styleColor("--soft"));
    context.font = "11px system-ui, sans-serif";
    context.textAlign = "center";
    for (const value of ticks(this.x.low, this.x.high, this.box.w / 60)) {
      context.fillText(brief(value), this.px(value), bottom + 14);
    }
    context.textAlign = "right";
    const { classes } = this.picture.shades;
    const names = this.strip ? classes.map((_, k) => k) : null;
    for (const value of names || ticks(this.y.low, this.y.high, this.box.h / 45)) {
      const text = names ? shorten(classes[value].name, 5) : brief(value);
      context.fillText(text, EDGE.left - 5, this.py(value) + 4);
    }
    const most = Math.floor(this.box.w / 6.5); // letters of a name that fit
    const fitting = (label) => shorten(label.length > most ? label.replace(" of the variance", "") : label, most);
    context.fillText(`${fitting(this.x.label)} →`, EDGE.left + this.box.w, bottom + 30);
    context.textAlign = "left";
    if (this.y.label) context.fillText(`↑ ${fitting(this.y.label)}`, EDGE.left, EDGE.top - 7);
    context.strokeStyle = css(styleColor("--line"));
    context.lineWidth = 1;
    context.strokeRect(EDGE.left - 0.5, EDGE.top - 0.5, this.box.w + 1, this.box.h + 1);
  }

  /** Return what the picture shows at the pointer. */
  under(event) {
    const rect = this.canvas.getBoundingClientRect();
    const x = (event.clientX - rect.left - EDGE.left) / this.box.w;
    const y = 1 - (event.clientY - rect.top - EDGE.top) / this.box.h;
    if (x < 0 || x > 1 || y < 0 || y > 1) return "";
    const { side } = this.picture;
    const rows = this.frame.length / side;
    const [column, row] = [Math.round(x * (side - 1)), rows > 1 ? Math.round(y * (rows - 1)) : 0];
    const at = (axis, share) => `${axis.label} ${brief(axis.low + share * (axis.high - axis.low), 3)}`;
    const place = [at(this.x, column / (side - 1))];
    if (!this.flat) place.push(at(this.y, row / (rows - 1)));
    return `${place.join(", ")}\n${this.run.name}: ${reading(this.picture.shades, this.frame[row * side + column])}`;
  }

  /** Return a table of what the network predicts at a few points. */
  table(epoch) {
    const { picture, run } = this;
    const { side, shades } = picture;
    const pick = (n) => Array.from({ length: n }, (_, k) => Math.round((k * (side - 1)) / (n - 1)));
    const value = (axis, k) => brief(axis.low + (k / (side - 1)) * (axis.high - axis.low), 3);
    const caption = `${run.name}, epoch ${epoch}: ${shades.words}`;
    if (this.flat) {
      const rows = pick(9).map((k) => [value(this.x, k), reading(shades, this.frame[k])]);
      return dataTable({ caption, head: [this.x.label, "predicted"], rows, text: [] });
    }
    const columns = pick(7);
    const head = [`${this.y.label} \\ ${this.x.label}`, ...columns.map((k) => value(this.x, k))];
    const rows = pick(7).reverse().map((r) => [
      value(this.y, r), ...columns.map((k) => reading(shades, this.frame[r * side + k])),
    ]);
    return dataTable({ caption, head, rows, text: [] });
  }
}

/** Return whether the colour of a point is its target, a number. */
function isValued({ shades, axes }) {
  return shades.kind === "value" && axes.length > 1;
}

/** Return the legend of the points: classes with their markers, training and held-out rows. */
function pointLegend(picture) {
  const { points, shades } = picture;
  const valued = isValued(picture);
  const point = (marker, color, fill, words) => {
    const look = { d: markerPath(marker, 8, 8, 5), fill: css(fill), stroke: css(color), "stroke-width": 1.5 };
    const box = { class: "point", viewBox: "0 0 16 16", "aria-hidden": "true" };
    return make("li", {}, make("svg", box, make("path", look)), words);
  };
  const [ink, soft, paper] = ["--ink", "--soft", "--paper"].map(styleColor);
  const entries = shades.classes.map(({ name, color, marker }) =>
    point(marker, visible(color), visible(color), name));
  entries.push(point("o", valued ? ink : soft, soft, "training rows"));
  const held = valued ? ["D", ink, soft] : ["o", soft, paper];
  if (points.target.length > points.training) entries.push(point(...held, "held-out rows"));
  return entries;
}

/** Return the text, cut to so many letters. */
function shorten(text, most) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

"use strict";
// The page: one part (a comparison or a run) at a time, and one epoch of all its runs.

const DATA = JSON.parse(byId("data").textContent);
const CALM = window.matchMedia("(prefers-reduced-motion: reduce)");
const SHOW = { part: null, stop: 0, timer: 0, surfaces: [], charts: [], folds: [] };

/** Return the place of the present stop among the epochs of the curves. */
function placeOf(stop) {
  return SHOW.part.epochs.indexOf(SHOW.part.stops[stop]);
}

/** Show the epoch of a stop everywhere. */
function go(stop) {
  const { part } = SHOW;
  SHOW.stop = Math.min(Math.max(stop, 0), part.stops.length - 1);
  const place = placeOf(SHOW.stop);
  const epoch = part.stops[SHOW.stop];
  const slider = byId("epoch");
  slider.value = SHOW.stop;
  byId("now").textContent = `epoch ${epoch} of ${part.epochs[part.epochs.length - 1]}`;
  const losses = part.runs.map((run) => `${run.name} ${last(run.values.train_loss, place)}`);
  slider.setAttribute("aria-valuetext", `epoch ${epoch}, training loss: ${losses.join(", ")}`);
  for (const surface of SHOW.surfaces) surface.draw(SHOW.stop);
  for (const chart of SHOW.charts) chart.move(place);
  part.runs.forEach((run, k) => tell(run, SHOW.lives[k], place));
  SHOW.folds[0]?.refresh();
}

/** Return a value at a place, or the last one of a run that ended earlier. */
function last(values, place) {
  return format(values[Math.min(place, values.length - 1)]);
}

/** Write the numbers of a run at an epoch below its picture. */
function tell(run, live, place) {
  const lines = ["training loss ", make("b", {}, last(run.values.train_loss, place))];
  const others = ["validation_accuracy", "validation_loss", "train_accuracy"];
  const second = SHOW.part.columns.find(([name]) => name === others.find((column) => run.values[column]));
  if (second) lines.push(make("br"), `${second[1]} ${last(run.values[second[0]], place)}`);
  live.values.replaceChildren(...lines);
  live.status.textContent = statusOf(run, SHOW.part.epochs[place]);
}

/** Return whether a run has arrived, in words. */
function statusOf(run, epoch) {
  const { goal, budget, epochs } = SHOW.part;
  const over = epoch >= run.diverged || epoch === epochs[epochs.length - 1];
  if (run.diverged !== null && over) return `diverged in epoch ${run.diverged}`;
  if (!goal) return "";
  if (run.arrived === null) return epoch >= budget ? "did not reach the goal" : "not at the goal yet";
  return epoch >= run.arrived ? `✓ at the goal since epoch ${run.arrived}` : "not at the goal yet";
}

/** Play from here, or from the start if this is the end. */
function play() {
  const { stops } = SHOW.part;
  if (SHOW.stop >= stops.length - 1) go(0);
  byId("play").textContent = "Pause";
  const pause = CALM.matches ? 1200 : Math.min(Math.max(12000 / stops.length, 50), 300);
  SHOW.timer = window.setInterval(() => {
    if (SHOW.stop >= stops.length - 1) stopPlaying();
    else go(SHOW.stop + 1);
  }, pause);
}

function stopPlaying() {
  window.clearInterval(SHOW.timer);
  SHOW.timer = 0;
  byId("play").textContent = "Play";
}

/** Go to the stop that is nearest to an epoch. */
function choose(epoch) {
  stopPlaying();
  const far = SHOW.part.stops.map((stop) => Math.abs(stop - epoch));
  go(far.indexOf(Math.min(...far)));
}

/** Move with the keyboard wherever the focus is not on something that uses these keys itself. */
function onKey(event) {
  const own = event.target.closest("button, select, summary, a, [role=region]");
  if (event.altKey || event.ctrlKey || event.metaKey || own) return;
  const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageDown: -10, PageUp: 10 };
  const slider = event.target === byId("epoch");
  if (event.key === " ") (SHOW.timer ? stopPlaying : play)();
  else if (event.key === "Home" || event.key === "End") go(event.key === "Home" ? 0 : SHOW.part.stops.length);
  else if (event.key in steps && (slider || event.key.endsWith("Left") || event.key.endsWith("Right"))) {
    go(SHOW.stop + steps[event.key]);
  } else return;
  if (event.key !== " ") stopPlaying();
  event.preventDefault();
}

/** Fill the head with the verdict. */
function fillHead(part) {
  byId("kicker").textContent = part.kicker;
  byId("headline").textContent = part.headline;
  byId("answer").textContent = part.answer.join(" ");
  byId("answer").hidden = !part.answer.length;
}

/** Return what the pictures show, in words, and what to beware of. */
function captionOf({ picture, seed }) {
  const line = picture.shades.kind === "value" ? "" : " A row on the wrong side of a line can be predicted correctly.";
  return describe(picture, seed) + (picture.projected ? line : "");
}

/** Return what the shades or the line mean. */
function describe(picture, seed) {
  const { shades, axes } = picture;
  const { kind, words, low, high } = shades;
  if (kind === "class") return `${seed}. Colour: the ${words}.`;
  if (axes.length === 1) return `${seed}. Line: ${words}.`;
  const range = `${brief(low, 3)} where it is light to ${brief(high, 3)} where it is strong`;
  if (kind === "value") return `${seed}. Shade: ${words}, from ${range}; the points have their own values.`;
  return `${seed}. Colour: ${words}, faded towards 0.5, where the line is.`;
}

/** Return what the section of pictures is called. */
function titleOf(picture) {
  if (!picture) return "Runs";
  if (picture.axes.length === 1 && picture.shades.kind !== "class") return "Fitted curves";
  return picture.regression ? "Predictions" : "Decision boundaries";
}

/** Build the pictures of all runs. */
async function pictures(part) {
  const { picture, runs } = part;
  const place = byId("pictures");
  const live = () => ({ values: make("p", { class: "live" }), status: make("p", { class: "live soft" }) });
  const lives = runs.map(live);
  const ready = Boolean(picture) && "DecompressionStream" in window;
  const surfaces = !ready ? [] : await Promise.all(runs.map(async (run) =>
    new Surface(picture, run, await unpack(picture.frames[run.name], picture))));
  const why = picture ? "This browser is too old to unpack the pictures." : "Too many classes to draw.";
  byId("picture-title").textContent = titleOf(picture);
  byId("picture-caption").textContent = ready ? captionOf(part) : why;
  place.className = `multiples n${Math.min(runs.length, 5)}`;
  document.querySelector("main").classList.toggle("solo", runs.length === 1);
  place.replaceChildren(...runs.map((run, k) => make(
    "figure", {},
    make("h3", {}, swatch(run.look), make("span", { class: "name" }, run.name)),
    make("p", { class: "live soft" }, run.setting),
    surfaces[k] ? surfaces[k].canvas : null, lives[k].values, lives[k].status,
  )));
  byId("picture").querySelector("details")?.remove();
  const fold = folded("Table: what the networks predict at this epoch", () => scrolling(
    make("div", {}, ...surfaces.map((surface) => surface.table(part.stops[SHOW.stop]))), "Predictions", true));
  if (surfaces.length) byId("picture").append(fold);
  return { surfaces, lives, fold };
}

/** Return a table of the curves of a column. */
function curvesTable(part, { column, words }) {
  const cell = (run, k) => (k < run.values[column].length ? format(run.values[column][k]) : "");
  const rows = part.epochs.map((epoch, k) => [String(epoch), ...part.runs.map((run) => cell(run, k))]);
  const head = ["epoch", ...part.runs.map((run) => run.name)];
  return scrolling(dataTable({ caption: words, head, rows, text: [] }), "Values of the curves", true);
}

/** Return a table of the points of the paths. */
function pathsTable(part) {
  const point = (run, k) => (part.path.points[run.name][k] || [null, null]).map((value) => brief(value));
  const rows = part.epochs.map((epoch, k) => [String(epoch), ...part.runs.flatMap((run) => point(run, k))]);
  const head = ["epoch", ...part.runs.flatMap((run) => [`${run.name}: first`, "second"])];
  const caption = "Weights in the plane, from the start";
  return scrolling(dataTable({ caption, head, rows, text: [] }), "Points of the paths", true);
}

/** Build the charts, with a table behind each. */
function charts(part) {
  const places = ["curves", "paths"].map(byId);
  places.forEach((place) => place.replaceChildren());
  const curves = new Curves(places[0], part, choose);
  const paths = new Paths(places[1], part);
  const select = byId("column");
  select.replaceChildren(...part.columns.map(([name, words]) => make("option", { value: name }, words)));
  const values = folded("Table: the curves", () => curvesTable(part, curves));
  const points = folded("Table: the paths", () => pathsTable(part));
  places[0].append(values);
  places[1].append(points);
  select.onchange = () => {
    curves.column = select.value;
    curves.draw();
    values.refresh();
  };
  return [curves, paths];
}

/** Fill the tables and the notes. */
function fillNumbers(part) {
  const list = (lines) => make("ul", { class: "notes" }, ...lines.map((line) => make("li", {}, line)));
  const tables = part.tables.map((table) => scrolling(dataTable(table), table.caption));
  const texts = part.texts.map(([title, text]) => folded(title, () => scrolling(make("pre", {}, text), title)));
  const cautions = part.cautions.length ? [make("h3", {}, "Beware"), list(part.cautions)] : [];
  const context = part.context.map((line) => make("p", { class: "soft" }, line));
  byId("numbers").replaceChildren(...context, ...tables, ...cautions, ...texts);
  const { command, versions } = DATA.made;
  const made = command ? [make("p", {}, "Made by"), make("pre", { class: "wrap" }, command)] : [];
  byId("made").replaceChildren(...made, list(part.notes), make("p", { class: "soft" }, versions));
}

/** Show one part of the page. */
async function open(part) {
  stopPlaying();
  fillHead(part);
  fillNumbers(part);
  const { surfaces, lives, fold } = await pictures(part);
  Object.assign(SHOW, { part, surfaces, lives, folds: [fold], charts: charts(part) });
  byId("epoch").max = part.stops.length - 1;
  redraw();
  choose(part.open);
}

/** Draw everything anew, after a change of size or theme. */
function redraw() {
  document.querySelectorAll(".multiples .swatch").forEach((old, k) => old.replaceWith(swatch(SHOW.part.runs[k].look)));
  const { picture } = SHOW.part;
  byId("rows").replaceChildren(...(picture ? pointLegend(picture) : []));
  for (const chart of SHOW.charts) chart.draw();
  go(SHOW.stop);
}

/** Use the light or the dark theme. */
function paint(theme) {
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = theme === "dark" ? "Light" : "Dark";
  byId("theme").setAttribute("aria-label", `Use the ${theme === "dark" ? "light" : "dark"} theme`);
  if (SHOW.part) redraw();
}

function start() {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let theme = dark.matches ? "dark" : "light";
  const use = (next) => paint((theme = next));
  use(theme);
  dark.addEventListener("change", () => use(dark.matches ? "dark" : "light"));
  byId("theme").addEventListener("click", () => use(theme === "dark" ? "light" : "dark"));
  window.addEventListener("beforeprint", () => paint("light"));
  window.addEventListener("afterprint", () => paint(theme));
  byId("play").addEventListener("click", () => (SHOW.timer ? stopPlaying : play)());
  byId("epoch").addEventListener("input", (event) => {
    stopPlaying();
    go(Number(event.target.value));
  });
  document.addEventListener("keydown", onKey);
  const buttons = DATA.parts.map((part) => make("button", { type: "button" }, part.kicker));
  const turn = (k) => {
    buttons.forEach((button, i) => button.setAttribute("aria-current", i === k));
    return open(DATA.parts[k]);
  };
  buttons.forEach((button, k) => button.addEventListener("click", () => turn(k)));
  byId("parts").replaceChildren(...buttons);
  byId("parts").hidden = buttons.length < 2;
  window.addEventListener("resize", () => SHOW.part && redraw());
  return turn(0);
}

start();

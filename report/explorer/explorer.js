"use strict";

const DATA = JSON.parse(document.getElementById("data").textContent);
const OBJECTIVES = new Map(DATA.objectives.map((objective) => [objective.name, objective]));
const DASHES = ["", "7 3", "2 3", "9 3 2 3", "12 4", "5 2", "1 4", "9 2 1 2"];
const POINTS = 240;
// Of a slider: factors of ten on both sides of the default.
const DECADES = 3;

const first = {
  curves: DATA.curves.map((curve) => {
    const setting = makeSetting(OBJECTIVES.get(curve.objective));
    for (const name of Object.keys(setting)) if (name in curve.setting) setting[name] = curve.setting[name];
    return { objective: curve.objective, setting };
  }),
  reach: 30,
  run: "",
  step: 0,
  rho: 0,
};
let state;
// By the spelling of a curve: what it costs to compute.
const found = new Map();

const element = (id) => document.getElementById(id);

function make(parent, name, properties = {}, text = "") {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made && key !== "list") made[key] = value;
    else made.setAttribute(key, value);
  }
  if (text) made.textContent = text;
  parent.append(made);
  return made;
}

const getProgram = ({ objective, setting }) => OBJECTIVES.get(objective).programs[setting.evaluation ?? ""];

/** Landscape and limits of a curve, computed once. */
function examine(curve) {
  const key = JSON.stringify(curve);
  if (!found.has(key)) {
    if (found.size > 200) found.clear();
    const objective = OBJECTIVES.get(curve.objective), program = getProgram(curve);
    found.set(key, { landscape: findLandscape(objective, program, curve.setting), limits: null });
  }
  return found.get(key);
}

function examineLimits(curve) {
  const known = examine(curve);
  if (!known.limits) {
    const objective = OBJECTIVES.get(curve.objective);
    known.limits = Object.fromEntries(
      PRECISIONS.map((precision) => [precision, [-1, 1].map((side) => findLimit(objective, getProgram(curve), curve.setting, precision, side))]),
    );
  }
  return known.limits;
}

function describeCurve({ objective, setting }) {
  const { title, hyperparameters } = OBJECTIVES.get(objective);
  const parts = hyperparameters.map((each) => `${each.symbol} ${spellNumber(setting[each.name])}`);
  if (setting.evaluation === "published") parts.push("published");
  return [title, parts.join(", ")].filter(Boolean).join(", ");
}

/** Margins where a curve is computed: evenly, and finer where a mix is steep. */
function chooseMargins(curve) {
  const { reach } = state, margins = [];
  for (let index = 0; index <= POINTS; index += 1) margins.push(((2 * index) / POINTS - 1) * reach);
  const { landscape } = examine(curve);
  const width = Math.min(landscape ? landscape.unit / Math.max(getRatio(OBJECTIVES.get(curve.objective), curve.setting) ?? 1, 1) : 1, reach / 4);
  for (let index = -80; index <= 80; index += 1) margins.push((index / 10) * width);
  for (const point of landscape?.stationary ?? []) margins.push(point.rho);
  return margins.filter((margin) => Math.abs(margin) <= reach).sort((a, b) => a - b);
}

/** The steepest slope of the wrong sign, where it does not grow without end: it says how hard a trap holds. */
function findPeak({ rising, values }) {
  const zones = rising.filter((zone) => zone.every(Number.isFinite));
  const slopes = values.filter(({ rho }) => zones.some(([from, to]) => from <= rho && rho <= to)).map(({ slope }) => slope);
  return slopes.some(Number.isFinite) ? [Math.max(...slopes.filter(Number.isFinite))] : [];
}

let charts = [];

function draw() {
  const container = element("charts");
  container.replaceChildren();
  const { reach } = state;
  const run = DATA.runs.find((each) => each.cell === state.run);
  const distribution = run ? run.rho[findStep(run, state.step)] : null;
  const shown = distribution?.every((each) => each !== null) ? distribution : null;
  const series = state.curves.map((curve, place) => {
    const objective = OBJECTIVES.get(curve.objective), program = getProgram(curve);
    const { landscape } = examine(curve);
    const margins = chooseMargins(curve);
    const values = margins.map((rho) => ({ rho, ...computeLoss(program, rho, curve.setting) }));
    const [left, right] = examineLimits(curve).float32;
    return {
      look: objective.colour, dash: DASHES[place % DASHES.length], values, objective, curve,
      rising: landscape?.rising ?? [], stationary: landscape?.stationary ?? [],
      limits: [left, right].filter((limit) => limit !== null && Math.abs(limit) <= reach).map((limit) => ({ x: limit, label: "float32" })),
    };
  });
  const pick = (read, marks) => series.map((each) => ({ look: each.look, dash: each.dash, rising: each.rising, limits: each.limits, points: each.values.map((value) => [value.rho, read(value)]), marks: marks(each) }));
  const inReach = (each) => each.stationary.filter((point) => Math.abs(point.rho) <= reach);
  const modulated = series.filter((each) => each.objective.modulation);
  charts = [
    drawChart(container, {
      title: "Loss of a pair", reach, height: 250, distribution: shown,
      always: series.flatMap((each) => inReach(each).map((point) => point.loss)),
      curves: pick((value) => value.loss, (each) => each.stationary.map((point) => ({ x: point.rho, y: point.loss, kind: point.kind }))),
    }),
    drawChart(container, {
      title: "Gradient dL/dρ", unit: "1/nat", reach, height: modulated.length ? 220 : 252, axis: !modulated.length, distribution: shown, always: [0, ...series.flatMap(findPeak)],
      curves: pick((value) => value.slope, (each) => each.stationary.map((point) => ({ x: point.rho, y: 0, kind: point.kind }))),
    }),
    ...(modulated.length ? [drawChart(container, {
      title: "Mix coefficient m", unit: "modulated losses", reach, height: 190, axis: true, distribution: shown, range: [-0.05, 1.05],
      curves: modulated.map((each) => ({
        look: each.look, dash: each.dash, rising: [], limits: [], marks: [],
        points: each.values.map((value) => [value.rho, computeMix(each.objective, each.curve.setting, value.rho)]),
      })),
    })] : []),
  ];
  for (const chart of charts) chart.svg.addEventListener("pointermove", (event) => moveReading(chart.findMargin(event)));
  showReadings();
  showFacts();
}

function moveReading(rho) {
  state.rho = Number(rho.toPrecision(4));
  showReadings();
  rememberSoon();
}

function showReadings() {
  for (const chart of charts) chart.moveReading(state.rho);
  const table = element("readings");
  const modulated = state.curves.some((curve) => OBJECTIVES.get(curve.objective).modulation);
  table.caption.textContent = `At ρ = ${spellNumber(state.rho)} nats`;
  fillRow(table.tHead, ["curve", "loss", "dL/dρ, 1/nat", ...(modulated ? ["mix m"] : [])], "th");
  table.tBodies[0].replaceChildren();
  for (const curve of state.curves) {
    const objective = OBJECTIVES.get(curve.objective);
    const { loss, slope } = computeLoss(getProgram(curve), state.rho, curve.setting);
    const mix = objective.modulation ? computeMix(objective, curve.setting, state.rho) : null;
    const row = table.tBodies[0].insertRow();
    nameCurve(row.insertCell(), curve);
    for (const value of [loss, slope, ...(modulated ? [mix] : [])]) make(row, "td", { className: "number" }, spellNumber(value, 6));
  }
}

function fillRow(section, texts, name) {
  section.replaceChildren();
  const row = section.insertRow();
  for (const text of texts) make(row, name, name === "th" ? { scope: "col" } : {}, text);
}

function nameCurve(cell, curve) {
  cell.className = "look";
  cell.style.setProperty("--look", OBJECTIVES.get(curve.objective).colour);
  make(cell, "span", { className: "swatch" });
  cell.append(` ${describeCurve(curve)}`);
}

function showFacts() {
  const table = element("facts");
  fillRow(table.tHead, ["curve", "start, ρ = 0", "minima and maxima", "wrong sign where", "r", "not finite beyond"], "th");
  table.tBodies[0].replaceChildren();
  for (const curve of state.curves) {
    const objective = OBJECTIVES.get(curve.objective);
    const { landscape } = examine(curve);
    const row = table.tBodies[0].insertRow();
    nameCurve(row.insertCell(), curve);
    if (!landscape) {
      make(row, "td", { colSpan: 5 }, "not finite at ρ = 0");
      continue;
    }
    const starts = { "-1": "right sign", 0: "flat", 1: "wrong sign" };
    make(row, "td", { className: landscape.start > 0 ? "bad" : "" }, `${starts[landscape.start]} (slope ${spellNumber(landscape.slope)})`);
    make(row, "td", {}, landscape.stationary.map((point) => `${point.kind} at ${spellNumber(point.rho)} (loss ${spellNumber(point.loss)})`).join("; ") || "none");
    make(row, "td", {}, landscape.rising.map(([from, to]) => `${spellNumber(from)} < ρ < ${spellNumber(to)}`).join("; ") || "nowhere");
    make(row, "td", {}, describeRatio(getRatio(objective, curve.setting)));
    const cell = row.insertCell();
    for (const [precision, sides] of Object.entries(examineLimits(curve))) {
      const limits = sides.filter((side) => side !== null);
      if (limits.length) make(cell, "div", {}, `${precision}: ρ ${limits.map((limit) => (limit < 0 ? `< ${spellNumber(limit)}` : `> ${spellNumber(limit)}`)).join(", ")}`);
    }
    if (!cell.childNodes.length) cell.textContent = "nothing";
  }
}

function describeRatio(ratio) {
  if (ratio === null) return "–";
  const size = spellNumber(ratio);
  if (ratio < WEDGE[0]) return `${size}: below the safe wedge, exponential left tail`;
  if (ratio <= WEDGE[1]) return `${size}: in the safe wedge`;
  return ratio <= WRONG_START ? `${size}: above the safe wedge, a trap` : `${size}: above the safe wedge, wrong sign at the start`;
}

/** The place of the step of a run that is nearest to a step. */
function findStep(run, step) {
  let best = 0;
  run.steps.forEach((each, place) => { if (Math.abs(each - step) < Math.abs(run.steps[best] - step)) best = place; });
  return best;
}

function buildControls() {
  const container = element("curves");
  container.replaceChildren();
  state.curves.forEach((curve, place) => container.append(buildCurve(curve, place)));
  element("add").disabled = state.curves.length >= MOST_CURVES;
  element("reach").value = Math.log10(state.reach);
  element("run").value = state.run;
  showBar();
}

function buildCurve(curve, place) {
  const objective = OBJECTIVES.get(curve.objective);
  const card = document.createElement("fieldset");
  card.className = "curve-card look";
  card.style.setProperty("--look", objective.colour);
  const legend = make(card, "legend");
  make(legend, "span", { className: "swatch" });
  legend.append(` Curve ${place + 1}`);
  const select = make(make(card, "label", { className: "wide" }, "loss "), "select");
  for (const each of DATA.objectives) {
    if (!each.undrawable) make(select, "option", { value: each.name, selected: each.name === objective.name }, each.title);
  }
  select.addEventListener("change", () => {
    const chosen = OBJECTIVES.get(select.value), setting = makeSetting(chosen);
    for (const name of Object.keys(setting)) if (name in curve.setting && typeof setting[name] === typeof curve.setting[name]) setting[name] = curve.setting[name];
    state.curves[place] = { objective: chosen.name, setting };
    change(true);
  });
  const own = DATA.settings.filter((each) => each.objective === objective.name);
  if (own.length) {
    const settings = make(make(card, "label", { className: "wide" }, "setting of the study "), "select");
    make(settings, "option", { value: "" }, "choose");
    own.forEach((each, index) => make(settings, "option", { value: index }, each.label));
    settings.addEventListener("change", () => {
      const chosen = own[Number(settings.value)].setting;
      for (const name of Object.keys(curve.setting)) if (name in chosen) curve.setting[name] = chosen[name];
      change(true);
    });
  }
  const { fixed } = getProgram(curve);
  for (const parameter of objective.hyperparameters) card.append(buildSlider(curve, parameter, parameter.name in fixed));
  if (objective.evaluations.length > 1) {
    const evaluation = make(make(card, "label", { className: "wide" }, "evaluation "), "select");
    for (const each of objective.evaluations) make(evaluation, "option", { value: each, selected: each === curve.setting.evaluation }, each);
    evaluation.addEventListener("change", () => { curve.setting.evaluation = evaluation.value; change(); });
  }
  make(card, "code", { className: "quiet formula" }, objective.formula);
  if (state.curves.length > 1) {
    const remove = make(card, "button", { type: "button" }, "Remove");
    remove.setAttribute("aria-label", `Remove curve ${place + 1}`);
    remove.addEventListener("click", () => { state.curves.splice(place, 1); change(true); });
  }
  return card;
}

/** A hyper-parameter on a logarithmic slider, with the number itself beside it. */
function buildSlider(curve, parameter, isFixed) {
  const row = document.createElement("div");
  row.className = "slider";
  const below = parameter.below ?? Infinity;
  const centre = Math.log10(parameter.default);
  const name = make(row, "span", { title: parameter.description }, parameter.symbol);
  const range = make(row, "input", { type: "range", min: centre - DECADES, max: Math.min(centre + DECADES, Math.log10(below) - 1e-3), step: 0.005 });
  const number = make(row, "input", { type: "number", step: "any", min: 0 });
  for (const each of [range, number]) {
    each.setAttribute("aria-label", `${parameter.symbol}${parameter.unit ? ` in ${parameter.unit}` : ""}${each === number ? ", as a number" : ""}`);
    each.disabled = isFixed;
  }
  if (isFixed) name.title += " (as it was when the page was made)";
  const show = () => {
    range.value = Math.log10(curve.setting[parameter.name]);
    number.value = Number(curve.setting[parameter.name].toPrecision(6));
  };
  show();
  range.addEventListener("input", () => { curve.setting[parameter.name] = Number((10 ** Number(range.value)).toPrecision(3)); show(); change(); });
  number.addEventListener("change", () => {
    const value = Number(number.value);
    tell("");
    if (value > 0 && value < below) curve.setting[parameter.name] = value;
    else tell(`${parameter.symbol}: ${number.value || "nothing"} is not above 0${below < Infinity ? ` and below ${below}` : ""}; it stays ${spellNumber(curve.setting[parameter.name])}`);
    show();
    change();
  });
  return row;
}

function showBar() {
  element("reach-value").textContent = `${spellNumber(state.reach, 3)} nats`;
  const run = DATA.runs.find((each) => each.cell === state.run);
  element("step-label").hidden = !run;
  if (!run) return;
  const place = findStep(run, state.step);
  element("step").max = run.steps.length - 1;
  element("step").value = place;
  const [least, low, median, high, largest] = run.rho[place];
  element("step-value").textContent = `${run.steps[place]}: median ${spellNumber(median, 3)}, nine tenths ${spellNumber(low, 3)} to ${spellNumber(high, 3)}, all ${spellNumber(least, 3)} to ${spellNumber(largest, 3)} nats`;
}

let waiting = 0;

/** Draw and remember the state; build the controls anew where there are others. */
function change(rebuild = false) {
  if (rebuild) buildControls();
  showBar();
  cancelAnimationFrame(waiting);
  waiting = requestAnimationFrame(draw);
  rememberSoon();
}

let remembering = 0;

/** Browsers refuse more than a hundred changes of the address in half a minute. */
function rememberSoon() {
  clearTimeout(remembering);
  remembering = setTimeout(remember, 300);
}

function remember() {
  history.replaceState(null, "", spellState(state));
}

function tell(text) {
  element("told").textContent = text;
}

function load() {
  const read = readState(location.hash === "#charts" ? "" : location.hash, DATA, { ...first, curves: first.curves.map(copyCurve) });
  state = read.state;
  tell(read.problems.join(" · "));
  buildControls();
  draw();
}

element("subtitle").textContent = `${DATA.title}: ${DATA.settings.length} settings, ${DATA.runs.length} runs with their margins`;
make(element("run"), "option", { value: "" }, "none");
for (const run of DATA.runs) make(element("run"), "option", { value: run.cell }, `${run.title}, ${run.label}, seed ${run.seed}`);
element("run").addEventListener("change", (event) => {
  state.run = event.target.value;
  const run = DATA.runs.find((each) => each.cell === state.run);
  if (run) state.step = run.steps[run.steps.length - 1];
  change();
});
element("step").addEventListener("input", (event) => {
  const run = DATA.runs.find((each) => each.cell === state.run);
  state.step = run.steps[Number(event.target.value)];
  change();
});
element("reach").addEventListener("input", (event) => { state.reach = Number((10 ** Number(event.target.value)).toPrecision(3)); change(); });
element("add").addEventListener("click", () => {
  const objective = DATA.objectives.find((each) => !each.undrawable && !state.curves.some((curve) => curve.objective === each.name)) ?? DATA.objectives[0];
  state.curves.push({ objective: objective.name, setting: makeSetting(objective) });
  change(true);
});
element("reset").addEventListener("click", () => {
  state = { ...first, curves: first.curves.map(copyCurve) };
  tell("");
  change(true);
});
element("copy").addEventListener("click", async () => {
  remember();
  try {
    await navigator.clipboard.writeText(location.href);
    tell("The address is in the clipboard.");
  } catch {
    tell(location.href);
  }
});
element("charts").addEventListener("keydown", (event) => {
  const steps = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10 };
  if (event.key === "Home") moveReading(0);
  else if (event.key in steps) moveReading(Math.max(-state.reach, Math.min(state.reach, state.rho + (steps[event.key] * state.reach) / 100)));
  else return;
  event.preventDefault();
});
addEventListener("hashchange", load);
load();
let drawnWidth = element("charts").clientWidth;
new ResizeObserver(() => {
  const { clientWidth } = element("charts");
  if (clientWidth === drawnWidth) return;
  drawnWidth = clientWidth;
  draw();
}).observe(element("charts"));

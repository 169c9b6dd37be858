"use strict";
// One cell: settings, health, scores, and its answers beside those of another.

const SVG = "http://www.w3.org/2000/svg";

function openCell(cell, other) {
  const row = DATA.rows.find((each) => each.cell === cell);
  if (!row) return;
  const dialog = element("details"), body = element("details-body");
  const title = element("details-title");
  title.replaceChildren();
  addSwatch(title, row.title);
  title.append(nameCell(row));
  body.replaceChildren();
  showFacts(body, row);
  showTimelines(body, cell);
  showCategories(body, cell);
  showSamples(body, cell, other ?? (cell === "sft" ? DATA.rows.find((each) => each.cell !== "sft")?.cell : "sft"));
  if (!dialog.open) dialog.showModal();
  history.replaceState(null, "", `#cell=${encodeURIComponent(cell)}`);
}

function showFacts(body, row) {
  const list = make(body, "dl", { className: "facts" });
  const add = (name, text) => { if (text) { make(list, "dt", {}, name); make(list, "dd", {}, text); } };
  add("cell", row.cell);
  add("training", row.health);
  add("alias of", row.alias_of);
  const setting = Object.entries(DATA.settings[row.cell] ?? {}).map(([name, value]) => `${name} ${spellNumber(value, 6)}`);
  add("setting", setting.join(", "));
  for (const measure of DATA.measures) if (row[measure.key]) add(measure.name, `${spellInterval(row[measure.key])} ${measure.unit}`);
  add("largest gradient norm", spellNumber(row.grad_norm));
  add("answers are", row.length === undefined ? "" : `${spellNumber(row.length)} characters long on average`);
  add("n", row.n);
  add("judgments without a verdict", row.failed === undefined ? "" : String(row.failed));
  const audit = DATA.audit.find((each) => `${each.objective}/${each.setting}` === row.cell.replace(/\/seed~\d+$/, ""));
  add("audit", audit?.verdict);
}

function showTimelines(body, cell) {
  const timeline = DATA.timelines[cell];
  if (!timeline) return;
  make(body, "h3", {}, "Training");
  const row = make(body, "div", { className: "timelines" });
  for (const [name, words] of Object.entries(DATA.timeline_names)) if (timeline[name]) drawTimeline(row, words, timeline.step, timeline[name]);
}

/** A small line chart; steps without a finite value are gaps with a mark on the floor. */
function drawTimeline(parent, title, steps, values) {
  const width = 260, height = 110, left = 46, right = 6, top = 8, bottom = 20;
  const figure = make(parent, "figure");
  make(figure, "figcaption", {}, title);
  const finite = values.filter((value) => value !== null);
  const low = Math.min(...finite), high = Math.max(...finite), last = steps[steps.length - 1];
  const x = (step) => left + ((step - steps[0]) / Math.max(last - steps[0], 1)) * (width - left - right);
  const y = (value) => top + ((high - value) / (high - low || 1)) * (height - top - bottom);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${title}: from ${spellNumber(values[0])} at step ${steps[0]} to ${spellNumber(values[values.length - 1]) || "no number"} at step ${last}, between ${spellNumber(low)} and ${spellNumber(high)}`);
  const add = (name, attributes, text = "") => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.textContent = text;
    svg.append(made);
  };
  let path = "";
  values.forEach((value, place) => {
    if (value === null) add("circle", { cx: x(steps[place]), cy: height - bottom, r: 2.5, class: "broken" });
    else path += `${place && values[place - 1] !== null ? "L" : "M"}${x(steps[place]).toFixed(1)} ${y(value).toFixed(1)}`;
  });
  add("line", { x1: left, x2: width - right, y1: height - bottom, y2: height - bottom, class: "axis" });
  add("path", { d: path, class: "line" });
  for (const value of low === high ? [low] : [low, high]) add("text", { x: left - 4, y: y(value) + 4, class: "end" }, spellNumber(value));
  add("text", { x: left, y: height - 5 }, `step ${steps[0]}`);
  add("text", { x: width - right, y: height - 5, class: "end" }, String(last));
  figure.append(svg);
}

function showCategories(body, cell) {
  const scores = DATA.categories.filter((each) => each.cell === cell);
  if (!scores.length) return;
  make(body, "h3", {}, "MT-Bench by category");
  const table = make(make(body, "div", { className: "scroll" }), "table");
  const head = make(make(table, "thead"), "tr"), line = make(make(table, "tbody"), "tr");
  for (const score of scores) {
    make(head, "th", { scope: "col" }, score.category);
    make(line, "td", { className: "number", title: `${score.n} judgments` }, spellInterval(score));
  }
}

// What the questions of a set are called, and what a score means there.
const SETS = {
  mt_bench: { name: "MT-Bench", spell: (score) => `${spellNumber(score)} of 10` },
  alpaca_eval: { name: "AlpacaEval", spell: (score) => `preferred to the opponent's with probability ${score.toFixed(2)}` },
  heldout: { name: "Held-out chat", spell: (score) => `reward ${spellNumber(score)} ${DATA.measures.find((each) => each.key === "reward").unit}` },
};

function showSamples(body, cell, other) {
  const { questions, answers, longest } = DATA.samples;
  if (!answers[cell] || !questions.length) return;
  make(body, "h3", {}, "Answers, and what was made of them");
  const choose = make(make(body, "label", {}, "beside "), "select", { id: "beside" });
  for (const row of DATA.rows) if (answers[row.cell] && row.cell !== cell) make(choose, "option", { value: row.cell, selected: row.cell === other }, nameCell(row));
  const place = make(body, "div");
  const fill = () => {
    place.replaceChildren();
    questions.forEach((question, number) => showQuestion(place, question, answers[cell][number], answers[choose.value]?.[number], choose.value));
  };
  choose.addEventListener("change", fill);
  fill();
  make(body, "p", { className: "quiet" }, `The same ${questions.length} of all questions for every cell, the first judgment of each${longest < 1e5 ? `; texts are cut at ${longest} characters` : ""}.`);
}

function showQuestion(parent, question, own, others, other) {
  const article = make(parent, "article", { className: "question" });
  make(article, "h4", {}, [`${SETS[question.set].name} ${question.id}`, question.category].filter(Boolean).join(", "));
  question.turns.forEach((turn, place) => {
    make(article, "p", { className: "asked" }, turn);
    const pair = make(article, "div", { className: "pair" });
    showAnswer(pair, "this cell", own[place], question.set);
    if (others) showAnswer(pair, nameCell(DATA.rows.find((row) => row.cell === other)), others[place], question.set);
  });
  if (question.reference) make(article, "p", { className: "quiet" }, `The opponent's answer: ${question.reference}`);
}

function showAnswer(parent, name, answer, set) {
  const box = make(parent, "div", { className: "answer" });
  make(box, "h5", {}, name);
  make(box, "blockquote", {}, answer.text || "(empty)");
  if (answer.failed) make(box, "p", { className: "bad" }, `no verdict: ${answer.failed}`);
  if (answer.score !== undefined) {
    make(box, "p", {}, SETS[set].spell(answer.score));
  }
  if (answer.said) make(box, "p", { className: "said" }, answer.said);
}

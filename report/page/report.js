"use strict";

const DATA = JSON.parse(document.getElementById("data").textContent);

function showLeaderboard() {
  const columns = [
    {
      name: "cell", read: (row) => nameCell(row),
      show: (row, cell) => {
        addSwatch(cell, row.title);
        const button = make(cell, "button", { type: "button", className: "link" }, nameCell(row));
        button.addEventListener("click", () => openCell(row.cell));
      },
    },
    ...DATA.measures.map((measure) => ({
      name: measure.name, unit: measure.unit, meaning: measure.meaning, number: true,
      read: (row) => row[measure.key]?.value,
      show: (row, cell) => { if (row[measure.key]) cell.textContent = spellInterval(row[measure.key]); },
    })),
    { name: "training", read: (row) => row.health, show: (row, cell) => { cell.textContent = row.alias_of ? `alias of ${row.alias_of}` : row.health ?? "the start"; if (isDiverged(row)) cell.className = "bad"; } },
    { name: "largest gradient norm", number: true, read: (row) => row.grad_norm },
    { name: "length", unit: "characters", number: true, read: (row) => row.length },
    { name: "n", read: (row) => row.n },
    { name: "no verdict", meaning: "judgments that could not be read or were not answered", number: true, read: (row) => row.failed },
  ].filter((column) => DATA.rows.some((row) => column.read(row) !== undefined));
  const { built, sortBy } = fillTable(element("cells"), columns, DATA.rows, { last: isDiverged });
  const first = columns.findIndex((column) => column.number);
  if (first > 0 && DATA.measures.length) sortBy(first, true);
  const losses = element("filter-loss");
  make(losses, "option", { value: "" }, "all");
  for (const title of Object.keys(DATA.looks)) make(losses, "option", { value: title }, title);
  const filter = () => {
    const words = listWords(element("filter").value);
    let shown = 0;
    for (const { row, line } of built) {
      const text = joinNames(`${nameCell(row)} ${row.cell} ${row.health ?? ""}`);
      line.hidden = !(words.every((word) => word.test(text)) && (!losses.value || losses.value === row.title));
      shown += line.hidden ? 0 : 1;
    }
    element("filter-count").textContent = `${shown} of ${built.length} cells`;
  };
  element("filter").addEventListener("input", filter);
  losses.addEventListener("change", filter);
  filter();
}

/** A hyper-parameter or seed and its number, as one word, the way the paths of cells have it. */
const joinNames = (text) => text.toLowerCase().replace(/(seed|β\S*|beta\S*|τ|tau|γ|gamma)[\s=]+(?=\d)/g, "$1~");

/** What a query asks for, every word to be found; a number only as a whole: 2 is no part of 0.25. */
function listWords(query) {
  return joinNames(query).split(/[\s,]+/).filter(Boolean).map((word) => {
    const literal = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    return new RegExp(`${/^\d/.test(word) ? "(?<![\\d.])" : ""}${literal}${/\d$/.test(word) ? "(?![\\d.])" : ""}`);
  });
}

const isDiverged = (row) => row.status === "diverged";

function showPredictions() {
  const between = (row, name) => (row[`${name}_low`] === undefined ? "" : `${spellNumber(row[name])} (${spellNumber(row[`${name}_low`])} to ${spellNumber(row[`${name}_high`])})`);
  const holds = (name) => (row, cell) => {
    const value = row[name];
    cell.textContent = value === undefined ? "too early to tell" : value ? "yes" : "no";
    if (value === false) cell.className = "bad";
  };
  fillTable(element("predictions"), [
    { name: "cell", read: nameCell, show: (row, cell) => { addSwatch(cell, row.title); make(cell, "button", { type: "button", className: "link" }, nameCell(row)).addEventListener("click", () => openCell(row.cell)); } },
    { name: "start foretold", read: (row) => row.predicted_start },
    { name: "first margins", unit: "nats, 95 %", number: true, read: (row) => row.early_margin, show: (row, cell) => { cell.textContent = between(row, "early_margin"); } },
    { name: "as foretold", read: (row) => String(row.start_holds ?? ""), show: holds("start_holds") },
    { name: "trap", unit: "nats", number: true, read: (row) => row.trap_rho },
    { name: "late margins", unit: "nats, 95 %", number: true, read: (row) => row.late_margin, show: (row, cell) => { cell.textContent = between(row, "late_margin"); } },
    { name: "overflow below", unit: "nats", number: true, read: (row) => row.left_limit },
    { name: "smallest margin", unit: "nats", number: true, read: (row) => row.rho_min },
    { name: "steps not finite", number: true, read: (row) => row.nonfinite_steps },
    { name: "overflow as foretold", read: (row) => String(row.overflow_holds ?? ""), show: holds("overflow_holds") },
    { name: `${DATA.quality} against SFT`, read: (row) => row.against_sft },
  ].filter((column) => DATA.predictions.some((row) => column.read(row) !== undefined)), DATA.predictions);
  fillTable(element("verdicts"), [
    { name: "setting", read: nameCell },
    { name: "r", number: true, read: (row) => row.r },
    { name: "verdict", read: (row) => row.verdict },
  ], DATA.audit);
}

function showProvenance() {
  const { facts, judges, judge_costs: costs, judge_card: card, costs: jobs, study } = DATA.provenance;
  for (const [name, text] of facts) {
    make(element("facts"), "dt", {}, name);
    make(element("facts"), "dd", {}, text);
  }
  element("judge-part").hidden = !judges.length;
  const asked = new Map(costs.map((row) => [row.evaluation, row]));
  const date = (row) => { const { asked_from: from, asked_to: to } = asked.get(row.evaluation) ?? {}; return row.date || (from === to ? from : `${from} to ${to}`); };
  fillTable(element("judges"), [
    { name: "evaluation", read: (row) => row.evaluation },
    { name: "judge", read: (row) => row.model },
    { name: "asked on", read: date },
    { name: "judgments", number: true, read: (row) => row.n },
    { name: "unreadable", number: true, read: (row) => row.n_parse_error },
    { name: "not answered", number: true, read: (row) => row.n_api_error },
    { name: "agrees with itself", unit: "95 %", number: true, read: (row) => row.agreement, show: (row, cell) => { if (row.agreement !== undefined) cell.textContent = `${spellNumber(row.agreement)} (${spellNumber(row.agreement_low)} to ${spellNumber(row.agreement_high)}), ${row.pairs} pairs`; } },
    { name: "calls", number: true, read: (row) => asked.get(row.evaluation)?.calls },
    { name: "cost", unit: "$", number: true, read: (row) => asked.get(row.evaluation)?.cost },
    { name: "server", read: (row) => row.server },
  ], judges);
  element("card-part").hidden = !card.length;
  if (card.length) element("card-names").textContent = `The study’s judge is ${card[0].judge}, the stored one ${card[0].stored_judge}. Intervals are of 95 %, clustered by question.`;
  const whose = { judge: "the judge", stored: "the stored one", difference: "judge minus stored", both: "both" };
  fillTable(element("card"), [
    { name: "about", read: (row) => row.about },
    { name: "measure", read: (row) => row.measure.replaceAll("_", " ") },
    { name: "of", read: (row) => whose[row.of] },
    { name: "value", number: true, read: (row) => row.value, show: (row, cell) => { if (row.value !== undefined) cell.textContent = spellNumber(row.value) + (row.low === undefined ? "" : ` (${spellNumber(row.low)} to ${spellNumber(row.high)})`); } },
    { name: "unit", read: (row) => row.unit },
    { name: "n", number: true, read: (row) => row.n },
    { name: "questions", number: true, read: (row) => row.clusters },
  ], card);
  fillTable(element("costs"), [
    { name: "step", read: (row) => row.rule },
    { name: "jobs", number: true, read: (row) => row.jobs },
    { name: "hours in sum", number: true, read: (row) => row.hours },
    { name: "longest", unit: "s", number: true, read: (row) => row.longest },
    { name: "memory at most", unit: "MB", number: true, read: (row) => row.peak_memory_mb },
  ], jobs);
  element("study-text").textContent = study;
}

function showContents() {
  for (const section of document.querySelectorAll("main > section")) {
    make(element("contents"), "a", { href: `#${section.id}` }, section.querySelector("h2").textContent);
  }
}

function readAddress() {
  const cell = location.hash.match(/^#cell=(.+)$/);
  if (cell) openCell(decodeURIComponent(cell[1]));
}

document.title = `${DATA.title} – report`;
element("title").textContent = DATA.title;
element("description").textContent = DATA.description;
showClaims(DATA.claims);
showLeaderboard();
showPredictions();
showDataCard(DATA.data_card);
showProvenance();
element("details").addEventListener("close", () => history.replaceState(null, "", location.pathname + location.search));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawCharts);
addEventListener("hashchange", readAddress);
drawCharts().then(() => {
  showContents();
  document.documentElement.dataset.ready = "true";
});
readAddress();

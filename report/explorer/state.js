"use strict";
// The state of the page, and its spelling behind the # of the address.

const MOST_CURVES = 8;
const REACH = [-2, 4];

/** {curves: [{objective, setting}], reach, run, step, rho} as text; numbers as JavaScript spells them. */
function spellState(state) {
  const parts = state.curves.map(({ objective, setting }) => {
    const values = Object.entries(setting).map(([name, value]) => `${name}:${value}`);
    return `c=${[objective, ...values].map(encodeURIComponent).join(";")}`;
  });
  parts.push(`reach=${Number(state.reach.toPrecision(6))}`);
  if (state.run) parts.push(`run=${encodeURIComponent(state.run)}`, `step=${state.step}`);
  if (state.rho !== 0) parts.push(`rho=${Number(state.rho.toPrecision(6))}`);
  return `#${parts.join("&")}`;
}

/** The state that a fragment spells; what it leaves out or misspells is as at the start, and said in `problems`. */
function readState(fragment, data, first) {
  const state = { ...first, curves: [] }, problems = [];
  for (const part of fragment.replace(/^#/, "").split("&").filter(Boolean)) {
    const [key, value = ""] = part.split("=");
    if (key === "c") {
      const curve = readCurve(value, data, problems);
      if (curve && state.curves.length < MOST_CURVES) state.curves.push(curve);
    } else if (key === "reach" || key === "rho") {
      const number = Number(value);
      const fits = key === "rho" ? Number.isFinite(number) : number >= 10 ** REACH[0] && number <= 10 ** REACH[1];
      if (value && fits) state[key] = number;
      else problems.push(`${key}=${value}: no number that fits; left out`);
    } else if (key === "run") {
      const cell = decode(value);
      if (data.runs.some((run) => run.cell === cell)) state.run = cell;
      else problems.push(`run ${cell}: no such run in this study; left out`);
    } else if (key === "step") {
      state.step = Number(value);
    } else {
      problems.push(`${key}: unknown; left out`);
    }
  }
  if (!state.curves.length) state.curves = first.curves.map(copyCurve);
  return { state, problems };
}

function readCurve(text, data, problems) {
  const [name, ...values] = text.split(";").map(decode);
  const objective = data.objectives.find((each) => each.name === name);
  if (!objective || objective.undrawable) {
    problems.push(`${name}: no such loss; left out`);
    return null;
  }
  const setting = makeSetting(objective);
  for (const pair of values) {
    const [key, value] = pair.split(":");
    const parameter = objective.hyperparameters.find((each) => each.name === key);
    if (key === "evaluation" && objective.evaluations.includes(value)) setting.evaluation = value;
    else if (parameter && Number(value) > 0 && Number(value) < (parameter.below ?? Infinity)) setting[key] = Number(value);
    else problems.push(`${name}, ${key}: ${value} does not fit; left as it is by default`);
  }
  return { objective: name, setting };
}

/** The defaults of a loss, without what only its training needs. */
function makeSetting(objective) {
  const setting = Object.fromEntries(objective.hyperparameters.map((each) => [each.name, each.default]));
  if (objective.evaluations.length) [setting.evaluation] = objective.evaluations;
  const program = objective.programs[setting.evaluation ?? ""];
  return program ? { ...setting, ...program.fixed } : setting;
}

function copyCurve({ objective, setting }) {
  return { objective, setting: { ...setting } };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

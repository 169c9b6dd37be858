"use strict";
// The charts of Vega-Lite in the colours of the page, with the page's data; a click opens a cell.

const DRAWN = new Map();

function getConfig() {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  const text = { labelColor: read("--quiet"), titleColor: read("--text"), labelFontSize: 12, titleFontSize: 12 };
  return {
    background: "transparent",
    view: { stroke: read("--rule") },
    axis: { ...text, gridColor: read("--rule"), domainColor: read("--rule"), tickColor: read("--rule") },
    legend: { ...text, orient: innerWidth < 700 ? "bottom" : "right", columns: innerWidth < 700 ? 2 : 1, labelLimit: 220, symbolLimit: 60 },
    font: getComputedStyle(document.body).fontFamily,
  };
}

/** Losses in the colours of the theme: lighter on dark ground. */
function lighten(specification) {
  const probe = document.createElement("span");
  document.body.append(probe);
  const shown = (colour) => {
    probe.style.color = `color-mix(in srgb, ${colour} ${getComputedStyle(document.documentElement).getPropertyValue("--keep")}, white)`;
    const numbers = getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number);
    const scale = getComputedStyle(probe).color.startsWith("color(") ? 255 : 1;
    return `rgb(${numbers.map((each) => Math.round(each * scale)).join(",")})`;
  };
  const copy = JSON.parse(JSON.stringify(specification), (key, value) => (key === "range" && Array.isArray(value) && String(value[0]).startsWith("#") ? value.map(shown) : value));
  probe.remove();
  return copy;
}

async function drawChart(name, data, words) {
  const place = element(`chart-${name}`), specification = DATA.charts[name];
  if (!specification) {
    place.closest("section").remove();
    return;
  }
  const section = place.closest("section");
  section.hidden = false;
  const embedded = await vegaEmbed(place, { ...lighten(specification), datasets: data, description: words }, {
    actions: { export: { svg: true, png: true }, source: false, compiled: false, editor: false },
    config: getConfig(),
    renderer: "svg",
    tooltip: { theme: matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light" },
  });
  const drawn = place.querySelector("svg");
  drawn?.setAttribute("role", "img");
  drawn?.setAttribute("aria-label", words);
  for (const input of place.querySelectorAll(".vega-bind select")) input.setAttribute("aria-label", `${words}: ${input.closest(".vega-bind").textContent.split("\n")[0]}`);
  embedded.view.addEventListener("click", (_, item) => { if (item?.datum?.cell) openCell(item.datum.cell); });
  DRAWN.get(name)?.finalize();
  DRAWN.set(name, embedded.view);
}

/** Everything that charts read, by name. */
function makeChartData() {
  const byCell = new Map(DATA.rows.map((row) => [row.cell, row]));
  const rows = DATA.rows.map((row) => {
    const setting = DATA.settings[row.cell] ?? {};
    const modulated = setting.beta_kl !== undefined ? setting : setting.tau !== undefined ? { beta_kl: setting.beta, beta_mix: setting.beta } : {};
    const ratio = modulated.beta_kl ? modulated.beta_mix / (setting.tau * modulated.beta_kl) : undefined;
    return { ...row, beta_kl: modulated.beta_kl, beta_mix: modulated.beta_mix, r: ratio };
  });
  const about = (cell) => { const { title, label, seed } = byCell.get(cell); return { cell, title, label, seed }; };
  const timelines = Object.entries(DATA.timelines).flatMap(([cell, columns]) => columns.step.map((step, place) => ({
    ...about(cell),
    ...Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[place]])),
  })));
  const categories = DATA.categories.map((each) => ({ ...each, ...about(each.cell) }));
  return { rows, timelines, categories, wedge: DATA.wedge };
}

function drawCharts() {
  const data = makeChartData();
  const pick = (...names) => Object.fromEntries(names.map((name) => [name, data[name]]));
  return Promise.all([
    drawChart("outcome", pick("rows"), "All cells by two measures; the leaderboard has the same numbers"),
    drawChart("plane", pick("rows", "wedge"), "Modulated cells in the plane of β_kl and β_mix; the leaderboard has the same numbers"),
    drawChart("curves", pick("timelines"), "What every training logged, by step; the details of a cell have the same numbers"),
    drawChart("categories", pick("categories"), "MT-Bench scores by category; the details of a cell have the same numbers"),
  ]);
}

"use strict";
// Line charts as SVG: one margin axis for all, one value axis each.

const SVG = "http://www.w3.org/2000/svg";
// Of the room that a chart is given it takes so much as keeps its letters readable.
const WIDEST = 760, NARROWEST = 280, LEFT = 68, RIGHT = 14, TOP = 26;

function makeElement(parent, name, attributes = {}, text = "") {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  parent.append(element);
  return element;
}

/** A number as an axis or a table shows it. */
function spellNumber(value, digits = 4) {
  if (value === null || value === undefined) return "–";
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1e5 || size < 1e-3 ? value.toExponential(Math.max(digits - 2, 1)) : String(Number(value.toPrecision(digits)));
  return text.replace(/(\.\d*?)0+(e|$)/, "$1$2").replace(/\.(e|$)/, "$1").replace("e+", "e").replace(/-/g, "−");
}

/** Round steps across a range. */
function chooseTicks(low, high, about) {
  const rough = (high - low) / about;
  const decade = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * decade).find((each) => each >= rough);
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-9; tick += step) ticks.push(Math.abs(tick) < step * 1e-9 ? 0 : tick);
  return ticks;
}

/** What of the values is shown: all, unless a few at the edges dwarf the rest. */
function chooseRange(values, always) {
  const finite = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (!finite.length) return [0, 1];
  const at = (share) => finite[Math.round(share * (finite.length - 1))];
  const spread = Math.max(at(0.85) - at(0.15), 1e-12);
  const low = Math.min(Math.max(finite[0], at(0.15) - 2 * spread), ...always);
  const high = Math.max(Math.min(finite[finite.length - 1], at(0.85) + 2 * spread), ...always);
  const room = 0.06 * (high - low) || 0.5;
  return [low - room, high + room];
}

/**
 * Draw one chart into a container.
 *
 * curves: {look, dash, points: [[x, y], …], rising: [[x, x], …], marks: [{x, y, kind}], limits: [{x, label}]}
 * distribution: five quantiles of the margin, or null.
 */
function drawChart(container, { title, unit, reach, height, curves, distribution, always, range, axis }) {
  const bottom = axis ? 40 : 8;
  const width = Math.min(WIDEST, Math.max(NARROWEST, container.clientWidth));
  const svg = makeElement(container, "svg", { viewBox: `0 0 ${width} ${height}`, role: "img", class: "chart" });
  makeElement(svg, "title", {}, title);
  const x = (value) => LEFT + ((value + reach) / (2 * reach)) * (width - LEFT - RIGHT);
  const values = curves.flatMap((curve) => curve.points.map((point) => point[1]));
  const [low, high] = range ?? chooseRange(values, always ?? []);
  const y = (value) => TOP + ((high - value) / (high - low)) * (height - TOP - bottom);
  const clip = `clip-${title.replace(/\W/g, "")}`;
  const box = makeElement(makeElement(svg, "clipPath", { id: clip }), "rect", { x: LEFT, y: TOP, width: width - LEFT - RIGHT, height: height - TOP - bottom });
  void box;
  makeElement(svg, "text", { x: LEFT, y: 15, class: "heading" }, `${title}${unit ? `, ${unit}` : ""}`);
  for (const tick of chooseTicks(low, high, 5)) {
    makeElement(svg, "line", { x1: LEFT, x2: width - RIGHT, y1: y(tick), y2: y(tick), class: tick === 0 ? "zero" : "grid" });
    makeElement(svg, "text", { x: LEFT - 6, y: y(tick) + 4, class: "tick end" }, spellNumber(tick, 3));
  }
  for (const tick of chooseTicks(-reach, reach, width < 500 ? 4 : 6)) {
    makeElement(svg, "line", { x1: x(tick), x2: x(tick), y1: TOP, y2: height - bottom, class: tick === 0 ? "zero" : "grid" });
    if (axis) makeElement(svg, "text", { x: x(tick), y: height - bottom + 15, class: "tick middle" }, spellNumber(tick, 3));
  }
  if (axis) makeElement(svg, "text", { x: (LEFT + width - RIGHT) / 2, y: height - 6, class: "tick middle" }, "margin ρ, nats");
  const inside = makeElement(svg, "g", { "clip-path": `url(#${clip})` });
  if (distribution) drawDistribution(inside, distribution, x, height - bottom);
  for (const curve of curves) {
    const group = makeElement(inside, "g", { class: "look", style: `--look: ${curve.look}` });
    for (const [from, to] of curve.rising) {
      const first = x(Math.max(from, -reach)), last = x(Math.min(to, reach));
      if (last > first) makeElement(group, "rect", { x: first, y: TOP, width: last - first, height: height - TOP - bottom, class: "rising" });
    }
    for (const limit of curve.limits) {
      makeElement(group, "line", { x1: x(limit.x), x2: x(limit.x), y1: TOP, y2: height - bottom, class: "limit" });
      makeElement(group, "text", { x: x(limit.x) + (limit.x < 0 ? 3 : -3), y: TOP + 12, class: `tick limit-name ${limit.x < 0 ? "" : "end"}` }, limit.label);
    }
    for (const stretch of splitAtGaps(curve.points)) {
      const path = stretch.map(([px, py], index) => `${index ? "L" : "M"}${x(px).toFixed(2)} ${Math.max(-1e4, Math.min(1e4, y(py))).toFixed(2)}`).join("");
      makeElement(group, "path", { d: path, class: "curve", "stroke-dasharray": curve.dash });
    }
    for (const mark of curve.marks) {
      if (Math.abs(mark.x) <= reach) makeElement(group, "circle", { cx: x(mark.x), cy: y(mark.y), r: 4.5, class: mark.kind });
    }
  }
  const reading = makeElement(svg, "line", { x1: 0, x2: 0, y1: TOP, y2: height - bottom, class: "reading", visibility: "hidden" });
  return {
    svg,
    moveReading: (rho) => {
      reading.setAttribute("visibility", Math.abs(rho) <= reach ? "visible" : "hidden");
      reading.setAttribute("x1", x(rho));
      reading.setAttribute("x2", x(rho));
    },
    findMargin: (event) => {
      const frame = svg.getBoundingClientRect();
      const place = ((event.clientX - frame.left) / frame.width) * width;
      return Math.max(-reach, Math.min(reach, (2 * reach * (place - LEFT)) / (width - LEFT - RIGHT) - reach));
    },
  };
}

/** Least to largest as a line, the middle nine tenths as a box, the median as a bar. */
function drawDistribution(parent, [least, low, median, high, largest], x, floor) {
  const group = makeElement(parent, "g", { class: "distribution" });
  makeElement(group, "rect", { x: x(low), y: TOP, width: Math.max(x(high) - x(low), 1), height: floor - TOP, class: "nine-tenths" });
  makeElement(group, "line", { x1: x(least), x2: x(largest), y1: floor - 5, y2: floor - 5, class: "whole" });
  makeElement(group, "line", { x1: x(median), x2: x(median), y1: TOP, y2: floor, class: "median" });
}

function splitAtGaps(points) {
  const stretches = [[]];
  for (const point of points) {
    if (Number.isFinite(point[1])) stretches[stretches.length - 1].push(point);
    else if (stretches[stretches.length - 1].length) stretches.push([]);
  }
  return stretches.filter((stretch) => stretch.length > 1);
}

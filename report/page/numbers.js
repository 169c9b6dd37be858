"use strict";
// Numbers as people read them, and elements as the page builds them.

/** So many digits, a true minus sign, no trailing zeros. */
function spellNumber(value, digits = 3) {
  if (value === null || value === undefined || value === "") return "";
  if (typeof value !== "number") return String(value);
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-4)) return value.toExponential(digits - 1).replace("e+", "e").replaceAll("-", "−");
  return String(Number(value.toPrecision(digits))).replace("-", "−");
}

/** A mean with half its interval: 1.43 ± 0.19; both to the place of the half's second digit. */
function spellInterval({ value, low, high }) {
  const half = (high - low) / 2;
  if (!(half > 0)) return spellNumber(value, 4);
  const places = Math.min(Math.max(0, 1 - Math.floor(Math.log10(half))), 6);
  return `${value.toFixed(places).replace("-", "−")} ± ${half.toFixed(places)}`;
}

function make(parent, name, properties = {}, text = "") {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  if (text !== "") made.textContent = text;
  parent.append(made);
  return made;
}

const element = (id) => document.getElementById(id);

/** How a cell is called: DPO, β 0.05, seed 1. */
function nameCell(row) {
  return [row.title, row.label, row.seed === undefined ? "" : `seed ${row.seed}`].filter(Boolean).join(", ");
}

/** A swatch in the colour of a loss, in front of a text. */
function addSwatch(parent, title) {
  parent.classList.add("look");
  parent.style.setProperty("--look", DATA.looks[title] ?? "#808080");
  make(parent, "span", { className: "swatch", ariaHidden: "true" });
  parent.append(" ");
}

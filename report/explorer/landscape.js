"use strict";
// What the audit finds of a curve (lossgrid/audit), found again while a slider moves.

const SMALLEST = 1e-7, LARGEST_Z = 1e5, PER_DECADE = 40, SIGNIFICANT = 1e-10;
const PRECISIONS = ["float16", "bfloat16", "float32", "float64"];
const WEDGE = [1, 9.109], WRONG_START = 9.777;

/** Nats in one unit of z. */
function getUnit(objective, setting) {
  const name = objective.modulation ? objective.modulation[0] : "beta";
  return name in setting ? 1 / setting[name] : 1;
}

/** r = β_mix/(τβ_kl) of a modulated loss, else null. */
function getRatio(objective, setting) {
  if (!objective.modulation) return null;
  const [kl, mix] = objective.modulation;
  return setting[mix] / (setting.tau * setting[kl]);
}

/** The mix coefficient of a modulated loss. */
function computeMix(objective, setting, rho) {
  return sigmoid((setting[objective.modulation[1]] * rho) / setting.tau);
}

function spaceGeometrically(first, last, count) {
  const step = Math.log(last / first) / (count - 1);
  return Array.from({ length: count }, (_, index) => first * Math.exp(step * index));
}

/** Minima, maxima and stretches of the wrong sign of a loss, by margin. */
function findLandscape(objective, program, setting) {
  const unit = getUnit(objective, setting);
  const smallest = SMALLEST / Math.max(getRatio(objective, setting) ?? 1, 1);
  const positive = spaceGeometrically(smallest, LARGEST_Z, Math.round(Math.log10(LARGEST_Z / smallest) * PER_DECADE)).map((z) => z * unit);
  const slopeAt = (rho) => computeLoss(program, rho, setting).slope;
  // The connected stretch around 0 where the loss is finite.
  const walk = (rhos) => {
    const found = [];
    for (const rho of rhos) {
      const { loss, slope } = computeLoss(program, rho, setting);
      if (!Number.isFinite(loss) || !Number.isFinite(slope)) break;
      found.push({ rho, slope });
    }
    return found;
  };
  const start = walk([0]);
  if (!start.length) return null;
  const samples = [...walk(positive.map((rho) => -rho)).reverse(), ...start, ...walk(positive)];
  const steepness = Math.max(...samples.filter((each) => Math.abs(each.rho) <= unit).map((each) => Math.abs(each.slope)));
  const signOf = (slope) => (Math.abs(slope) > SIGNIFICANT * steepness ? Math.sign(slope) : 0);
  const stationary = [];
  let last = null;
  for (const sample of samples) {
    const sign = signOf(sample.slope);
    if (sign === 0) continue;
    if (last && sign !== last.sign) {
      const rho = bisect(last.rho, sample.rho, (middle) => Math.sign(slopeAt(middle)) === last.sign);
      stationary.push({ kind: sign > 0 ? "minimum" : "maximum", rho, loss: computeLoss(program, rho, setting).loss });
    }
    last = { rho: sample.rho, sign };
  }
  const signs = samples.map((each) => signOf(each.slope));
  const rising = [];
  let from = signs.find((sign) => sign !== 0) > 0 ? -Infinity : null;
  for (const point of stationary) {
    if (point.kind === "minimum") from = point.rho;
    else { rising.push([from ?? -Infinity, point.rho]); from = null; }
  }
  if (from !== null) rising.push([from, Infinity]);
  return { start: signOf(start[0].slope), slope: start[0].slope, startLoss: computeLoss(program, 0, setting).loss, unit, stationary, rising };
}

/** The last point from the inside for which a condition holds. */
function bisect(inside, outside, holds) {
  for (let round = 0; round < 200 && Math.abs(outside - inside) > 1e-14 * Math.abs(outside); round += 1) {
    const middle = (inside + outside) / 2;
    if (middle === inside || middle === outside) break;
    if (holds(middle)) inside = middle; else outside = middle;
  }
  return (inside + outside) / 2;
}

/** The margin nearest to 0 on one side where loss or slope is not finite; 0 where that of ρ=0 is, null for nowhere. */
function findLimit(objective, program, setting, precision, side) {
  const isFinite = (rho) => {
    const { loss, slope } = computeLoss(program, rho, setting, precision);
    return Number.isFinite(loss) && Number.isFinite(slope);
  };
  if (!isFinite(0)) return 0;
  const smallest = 1e-6 * Math.min(1, getUnit(objective, setting));
  const largest = Math.min(LARGEST[precision], 1e9);
  const sizes = spaceGeometrically(smallest, largest, Math.round((Math.log10(largest) - Math.log10(smallest)) * 16));
  let inside = 0;
  for (const size of sizes) {
    if (!isFinite(side * size)) {
      let outside = size;
      while (outside - inside > 1e-7 * outside) {
        const middle = (inside + outside) / 2;
        if (isFinite(side * middle)) inside = middle; else outside = middle;
      }
      return side * outside;
    }
    inside = size;
  }
  return null;
}

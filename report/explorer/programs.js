"use strict";
// Losses as programs of elementary operations, computed in any precision; see lossgrid/explorer/programs.py.
// A value is a list of one or of several numbers. Of two operands one may be a single number, which goes with each of
// the others'.

const LARGEST = { float64: Number.MAX_VALUE, float32: 3.4028234663852886e38, bfloat16: 3.3895313892515355e38, float16: 65504 };
// Digits after the first, and the exponent of the smallest normal number.
const SHAPES = { bfloat16: [7, -126], float16: [10, -14] };

/** A number as a precision holds it: to the nearest, to even between two, infinite beyond the largest. */
function roundTo(precision, value) {
  if (precision === "float64" || !Number.isFinite(value) || value === 0) return value;
  if (precision === "float32") return Math.fround(value);
  const [digits, smallest] = SHAPES[precision];
  const exponent = Math.max(Math.floor(Math.log2(Math.abs(value))), smallest);
  const unit = 2 ** (exponent - digits);
  const units = value / unit;
  let whole = Math.round(units);
  if (Math.abs(units % 1) === 0.5 && whole % 2 !== 0) whole -= 1;
  const rounded = whole * unit;
  return Math.abs(rounded) > LARGEST[precision] ? Math.sign(rounded) * Infinity : rounded;
}

const sigmoid = (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

const EACH = {
  neg: (x) => -x,
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sqrt: Math.sqrt,
  tanh: Math.tanh,
  abs: Math.abs,
  sign: Math.sign,
  sigmoid,
  logsigmoid: (x) => Math.min(0, x) - Math.log1p(Math.exp(-Math.abs(x))),
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  pow: (x, y) => x ** y,
  max: (x, y) => Math.max(x, y),
  min: (x, y) => Math.min(x, y),
  gt: (x, y) => (x > y ? 1 : 0),
  lt: (x, y) => (x < y ? 1 : 0),
  ge: (x, y) => (x >= y ? 1 : 0),
  le: (x, y) => (x <= y ? 1 : 0),
  eq: (x, y) => (x === y ? 1 : 0),
  ne: (x, y) => (x !== y ? 1 : 0),
  where: (condition, x, y) => (condition ? x : y),
};

const sum = (values) => values.reduce((total, value) => total + value, 0);
const mean = (values) => sum(values) / values.length;
const order = (values) => values.map((_, place) => place).sort((a, b) => values[a] - values[b] || a - b);

// Numbers in these steps that are no operands: those after the operands of the list.
const WHOLE = {
  fill: (values, filling) => values.map(() => filling[0]),
  repeat: (values, times) => (values.length === times ? values : Array(times).fill(values[0])),
  sum: (values) => [sum(values)],
  mean: (values) => [mean(values)],
  variance: (values, correction) => {
    const middle = mean(values);
    return [sum(values.map((value) => (value - middle) ** 2)) / (values.length - correction)];
  },
  join: (...lists) => lists.flat(),
  slice: (values, start, end) => values.slice(start, end),
  sorted: (values) => order(values).map((place) => values[place]),
  order,
  take: (values, places) => places.map((place) => values[place]),
  put: (values, places, others) => {
    const result = values.slice();
    places.forEach((place, index) => { if (index < others.length) result[place] = others[index]; });
    return result;
  },
  add_at: (values, places, others) => {
    const result = values.slice();
    places.forEach((place, index) => { result[place] += others[index]; });
    return result;
  },
};
const PLAIN = { repeat: 1, variance: 1, slice: 1 };

function computeEach(operation, operands, precision) {
  const length = Math.max(...operands.map((operand) => operand.length));
  const result = new Array(length);
  for (let index = 0; index < length; index += 1) {
    const numbers = operands.map((operand) => operand[operand.length === 1 ? 0 : index]);
    result[index] = roundTo(precision, operation(...numbers));
  }
  return result;
}

/** The values of all steps at one margin. */
function runProgram(program, rho, setting, precision = "float64") {
  const values = program.inputs.map((name) => [roundTo(precision, name === "rho" ? rho : setting[name])]);
  const read = (operand) => (Array.isArray(operand) ? operand.map((value) => roundTo(precision, Number(value))) : values[operand]);
  for (const [name, ...given] of program.steps) {
    if (name in EACH) {
      values.push(computeEach(EACH[name], given.map(read), precision));
    } else {
      const operands = PLAIN[name] ? [read(given[0]), ...given.slice(1)] : given.map(read);
      values.push(WHOLE[name](...operands).map((value) => roundTo(precision, value)));
    }
  }
  return values;
}

/** The loss of a pair and its derivative by the margin. */
function computeLoss(program, rho, setting, precision = "float64") {
  const values = runProgram(program, rho, setting, precision);
  let loss = values[program.loss][0];
  if (program.others !== null) loss -= runProgram(program, 0, setting)[program.others][0];
  return { loss, slope: values[program.slope][0] };
}

"use strict";
// The data: what the cells were trained on and what they were asked.

const PARTS = { pairs: "pairs", reference: "pairs as tokens", sft_chats: "SFT chats", heldout: "held-out chats", mt_bench: "MT-Bench", alpaca_eval: "AlpacaEval", summaries: "summaries" };

function showDataCard(rows) {
  if (!rows.length) {
    element("data-card").remove();
    return;
  }
  const isShare = (row) => row.unit === "share";
  const scale = (row, value) => (isShare(row) ? 100 * value : value);
  const spell = (row) => {
    if (row.value === undefined) return "";
    if (row.low === undefined) return Number.isInteger(row.value) ? row.value.toLocaleString("en") : spellNumber(scale(row, row.value));
    const [value, low, high] = [row.value, row.low, row.high].map((each) => spellNumber(scale(row, each)));
    return `${value} (${low} to ${high})`;
  };
  const columns = [
    { name: "what", read: (row) => `${PARTS[row.part] ?? row.part}: ${row.what}` },
    { name: "number", unit: "95 %", number: true, read: (row) => scale(row, row.value), show: (row, cell) => { cell.textContent = spell(row); } },
    { name: "unit", read: (row) => (isShare(row) ? "%" : row.unit ?? "") },
    { name: "n", number: true, read: (row) => row.n, show: (row, cell) => { cell.textContent = row.n?.toLocaleString("en") ?? ""; } },
  ];
  fillTable(element("data-keys"), columns, rows.filter((row) => row.key));
  fillTable(element("data-all"), columns, rows);
}

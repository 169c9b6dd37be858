"use strict";
// Tables that sort by their headings.

/**
 * Fill a table.
 *
 * columns: {name, unit, meaning, number, read(row) → what sorts, show(row, cell)}; `show` is left out where the text is
 * what sorts. `last(row)` is true for rows that stand below all others however the table is sorted.
 */
function fillTable(table, columns, rows, { sortable = true, last = () => false, label = "" } = {}) {
  if (label) table.setAttribute("aria-label", label);
  const state = { column: -1, descending: true };
  const head = table.tHead.insertRow();
  columns.forEach((column, place) => {
    const cell = make(head, "th", { scope: "col", className: column.number ? "number" : "" });
    if (!sortable) {
      cell.textContent = column.name;
      return;
    }
    const button = make(cell, "button", { type: "button", className: "heading", title: column.meaning ?? "" }, column.name);
    if (column.unit) make(button, "small", {}, ` ${column.unit}`);
    button.addEventListener("click", () => {
      state.descending = state.column === place ? !state.descending : Boolean(column.number);
      state.column = place;
      sortRows();
    });
  });
  const built = rows.map((row) => {
    const line = document.createElement("tr");
    for (const column of columns) {
      const cell = make(line, "td", { className: column.number ? "number" : "" });
      if (column.show) column.show(row, cell);
      else cell.textContent = spellNumber(column.read(row));
    }
    return { row, line };
  });
  function sortRows() {
    const column = columns[state.column];
    const order = built.map((each, place) => ({ ...each, place, key: column ? column.read(each.row) : place }));
    const isEmpty = (key) => key === undefined || key === null || key === "" || Number.isNaN(key);
    order.sort((a, b) => {
      if (last(a.row) !== last(b.row)) return last(a.row) ? 1 : -1;
      if (isEmpty(a.key) !== isEmpty(b.key)) return isEmpty(a.key) ? 1 : -1;
      if (isEmpty(a.key) || a.key === b.key) return a.place - b.place;
      const less = typeof a.key === "number" ? a.key - b.key : String(a.key).localeCompare(String(b.key));
      return state.descending && column ? -less : less;
    });
    table.tBodies[0].append(...order.map((each) => each.line));
    [...head.cells].forEach((cell, place) => {
      if (place === state.column) cell.setAttribute("aria-sort", state.descending ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    });
  }
  sortRows();
  return { built, sortBy: (place, descending) => { state.column = place; state.descending = descending; sortRows(); } };
}

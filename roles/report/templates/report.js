/*
Copyright (c) 2026 The apsaradb.migration contributors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later

Sorts and filters tables. Without it the page shows everything, in its first order.
*/
"use strict";
(() => {
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  const valueOf = (row, column, kind) => {
    const cell = row.cells[column];
    if (kind !== "number") return cell.textContent.trim();
    return cell.dataset.n === "" || cell.dataset.n === undefined ? null : Number(cell.dataset.n);
  };

  const isNothing = (value) => value === null || value === "" || value === "-";

  const compare = (one, other, sign) => {
    // What is not known stands last, whichever way is sorted.
    if (isNothing(one) || isNothing(other)) return isNothing(one) - isNothing(other);
    return sign * (typeof one === "number" ? one - other : collator.compare(one, other));
  };

  const sort = (table, header) => {
    const headers = [...table.tHead.rows[0].cells];
    const column = headers.indexOf(header);
    const direction = header.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    headers.forEach((cell) => cell.setAttribute("aria-sort", cell === header ? direction : "none"));
    const sign = direction === "ascending" ? 1 : -1;
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [valueOf(row, column, header.dataset.kind), row]);
    rows.sort((one, other) => compare(one[0], other[0], sign));
    body.append(...rows.map((pair) => pair[1]));
  };

  const filter = (form, table) => {
    const wanted = form.elements.text.value.trim().toLowerCase();
    const state = form.elements.state ? form.elements.state.value : "";
    const problems = form.elements.problems ? form.elements.problems.checked : false;
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      const fits = (!wanted || row.textContent.toLowerCase().includes(wanted))
        && (!state || row.dataset.state === state) && (!problems || "problem" in row.dataset);
      row.hidden = !fits;
      shown += fits;
    }
    const all = table.tBodies[0].rows.length;
    form.querySelector("output").textContent = `${shown} of ${all} ${form.dataset.what}`;
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    table.classList.add("ready");
    for (const button of table.tHead.querySelectorAll("button")) {
      button.disabled = false;
      button.addEventListener("click", () => sort(table, button.closest("th")));
    }
  }
  for (const form of document.querySelectorAll("form.controls")) {
    const table = document.getElementById(form.dataset.table);
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => filter(form, table));
    filter(form, table);
  }

  // Paper has no folds. What would fill hundreds of sheets stays on the screen, unless the reader has opened it.
  let unfolded = [];
  window.addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll("details:not([open], .screen)")];
    unfolded.forEach((one) => { one.open = true; });
  });
  window.addEventListener("afterprint", () => unfolded.forEach((one) => { one.open = false; }));
})();

// Shows the values of a chart of searches below the pointer or the finger.
"use strict";
for (const compared of document.querySelectorAll("[data-compared]")) {
  const plot = compared.querySelector(".plot");
  const value = compared.querySelector(".value");
  const table = compared.querySelector("table");
  if (!plot || !table) continue;
  const [head, ...rows] = table.rows;
  const names = Array.from(head.cells, (each) => each.textContent);
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  line.setAttribute("class", "cursor");
  line.setAttribute("y2", "100%");

  const show = (event) => {
    const { left, width } = plot.getBoundingClientRect();
    const at = Math.floor(((event.clientX - left) / width) * rows.length);
    const shown = Math.min(Math.max(at, 0), rows.length - 1);
    const [period, ...counts] = Array.from(rows[shown].cells, (each) => each.textContent);
    const said = counts.map((each, i) => `${names[i + 1]} ${each}`).join(" · ");
    value.replaceChildren(`${period}: ${said}`);
    const x = `${(100 * (shown + 0.5)) / rows.length}%`;
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
    plot.append(line);
  };
  plot.addEventListener("pointermove", show);
  plot.addEventListener("pointerdown", show);
  plot.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "mouse") return; // what a finger chose stays
    line.remove();
    value.textContent = "";
  });
}

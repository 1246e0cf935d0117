/* Dragging over bars of the timeline narrows the search to their time; a click follows a bar's link. */
"use strict";
for (const chart of document.querySelectorAll("[data-timeline]")) {
  const area = chart.querySelector(".area");
  const bars = Array.from(area.querySelectorAll("a"));
  const FARTHEST_CLICK = 5; // pixels
  let begin = null;
  let shade = null;
  let dragged = false;

  const touched = (from, to) => bars.filter((bar) => {
    const box = bar.firstElementChild.nextElementSibling.getBoundingClientRect();
    return box.right > Math.min(from, to) && box.left < Math.max(from, to);
  });

  const draw = (x) => {
    if (!shade) {
      shade = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      shade.setAttribute("class", "selection");
      shade.setAttribute("height", "75%");
      chart.append(shade);
    }
    const { left } = chart.getBoundingClientRect();
    shade.setAttribute("x", Math.min(begin, x) - left);
    shade.setAttribute("width", Math.abs(x - begin));
  };

  const stop = () => {
    shade?.remove();
    shade = begin = null;
  };

  chart.addEventListener("dragstart", (event) => event.preventDefault());
  chart.addEventListener("pointerdown", (event) => {
    dragged = false;
    if (event.button === 0 && event.isPrimary) begin = event.clientX;
  });
  chart.addEventListener("pointermove", (event) => {
    if (begin === null || Math.abs(event.clientX - begin) < FARTHEST_CLICK) return;
    if (!dragged) chart.setPointerCapture(event.pointerId);
    dragged = true;
    draw(event.clientX);
  });
  chart.addEventListener("pointerup", (event) => {
    const chosen = dragged && begin !== null ? touched(begin, event.clientX) : [];
    stop();
    if (!chosen.length) return;
    const address = new URL(chosen[0].href.baseVal, document.baseURI);
    const last = new URL(chosen[chosen.length - 1].href.baseVal, document.baseURI);
    address.searchParams.set("until", last.searchParams.get("until"));
    location.assign(address);
  });
  chart.addEventListener("pointercancel", stop);
  chart.addEventListener("click", (event) => {
    if (dragged) event.preventDefault();
  }, true);
}

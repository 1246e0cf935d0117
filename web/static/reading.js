// Steps through the matches of an article, with n and p or the two links, without loading a page.
"use strict";
(() => {
  const marks = [...document.querySelectorAll("mark[id]")];
  const status = document.getElementById("match");
  const links = {
    previous: document.getElementById("previous-match"),
    next: document.getElementById("next-match"),
  };
  if (!status || !marks.length) return;
  let current = marks.findIndex((mark) => mark.hasAttribute("aria-current"));

  // The first step goes to the match nearest to the linked passage.
  function beginning(step) {
    const passage = location.hash && document.getElementById(location.hash.slice(1));
    if (!passage) return step > 0 ? 0 : marks.length - 1;
    const after = marks.findIndex(
      (mark) => passage.compareDocumentPosition(mark) & Node.DOCUMENT_POSITION_FOLLOWING,
    );
    if (step > 0) return Math.max(after, 0);
    return after > 0 ? after - 1 : marks.length - 1;
  }

  function go(step) {
    if (current >= 0) marks[current].removeAttribute("aria-current");
    current = current < 0 ? beginning(step) : (current + step + marks.length) % marks.length;
    marks[current].setAttribute("aria-current", "true");
    marks[current].scrollIntoView({ block: "center" });
    const place = (current + 1).toLocaleString(document.documentElement.lang);
    status.textContent = status.dataset.place.replace("{}", place);
  }

  for (const [name, step] of [["previous", -1], ["next", 1]]) {
    links[name].addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      go(step);
    });
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, [contenteditable]")) return;
    const step = { n: 1, p: -1 }[event.key];
    if (step) go(step);
  });
})();

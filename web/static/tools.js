// Copies the link to an article, or to the passage that is shown, and prints the page.
"use strict";
(() => {
  const link = document.querySelector(".permalink");
  const print = document.querySelector(".print");
  const name = link.textContent;
  print.hidden = false;
  print.addEventListener("click", () => window.print());
  if (!navigator.clipboard) return;
  link.setAttribute("aria-live", "polite");
  link.addEventListener("click", async (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const passage = /^#p\d+$/.test(location.hash) ? location.hash : "";
    await navigator.clipboard.writeText(link.href + passage);
    link.textContent = link.dataset.copied;
    setTimeout(() => { link.textContent = name; }, 2000);
  });
})();

// Single keys: / to search, j and k from hit to hit, ? for the list of keys, which has a switch to turn
// them off. The switch also applies to single keys of other scripts, as this listener runs first.
(() => {
  "use strict";
  const SETTING = "backfile.keys";
  const HIT_LINKS = "article.hit h2 a, .pager a[rel=next]";
  const NEIGHBOURS = { next: ".hits a[rel=next]", before: ".hits a[rel=prev]" }; // on an article's page
  const dialog = document.getElementById("key-list");
  const box = document.getElementById("q");
  const choice = dialog.querySelector("input");

  const stored = () => {
    try { return localStorage.getItem(SETTING); } catch { return null; } // storage may be forbidden
  };
  const store = (value) => {
    try { localStorage.setItem(SETTING, value); } catch { /* then it holds for this page */ }
  };
  const apply = (on) => {
    choice.checked = on;
    if (box && on) box.setAttribute("aria-keyshortcuts", "/");
    else box?.removeAttribute("aria-keyshortcuts");
  };

  const typing = (element) =>
    element.closest("textarea, select, [contenteditable], input:not([type=radio], [type=checkbox])");

  const step = (by) => {
    const neighbour = document.querySelector(by > 0 ? NEIGHBOURS.next : NEIGHBOURS.before);
    if (neighbour) return neighbour.click();
    const links = [...document.querySelectorAll(HIT_LINKS)];
    const around = (link) => link.closest(".hit, .pager");
    let at = links.findIndex((link) => around(link).contains(document.activeElement));
    if (at < 0) {
      at = links.findIndex((link) => link.getBoundingClientRect().bottom > 0);
      if (by > 0) at -= 1;
    }
    const next = links[at + by];
    if (!next) return;
    next.focus({ preventScroll: true, focusVisible: true });
    around(next).scrollIntoView({ block: "nearest" });
    next.scrollIntoView({ block: "nearest" }); // if the hit is taller than the window
  };

  const actions = {
    "/": () => { box?.focus(); box?.select(); },
    j: () => step(1),
    k: () => step(-1),
    "?": () => dialog.showModal(),
  };

  const single = (event) =>
    event.key.length === 1 && event.key !== " " && !event.isComposing &&
    !event.ctrlKey && !event.altKey && !event.metaKey && !typing(event.target);

  addEventListener("keydown", (event) => {
    if (!single(event)) return;
    if (!choice.checked || dialog.open) event.stopImmediatePropagation();
    else if (Object.hasOwn(actions, event.key)) {
      event.preventDefault();
      actions[event.key]();
    }
  }, { capture: true });

  choice.addEventListener("change", () => {
    store(choice.checked ? "on" : "off");
    apply(choice.checked);
  });
  const opener = document.getElementById("show-keys");
  opener.hidden = false;
  opener.addEventListener("click", () => dialog.showModal());
  dialog.querySelector("a").addEventListener("click", () => dialog.close()); // it may lead to this page
  apply(stored() !== "off");
})();

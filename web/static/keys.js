// Single keys: / to search, j and k from hit to hit, ? for the list of them, where they can be switched
// off. Other scripts' single keys are let through or not with them, as this one hears of them first.
(() => {
  "use strict";
  const SETTING = "backfile.keys";
  const PLACES = "article.hit h2 a, .pager a[rel=next]";
  const BESIDE = { next: ".hits a[rel=next]", before: ".hits a[rel=prev]" }; // on an article's page
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
    const beside = document.querySelector(by > 0 ? BESIDE.next : BESIDE.before);
    if (beside) return beside.click();
    const places = [...document.querySelectorAll(PLACES)];
    const around = (place) => place.closest(".hit, .pager");
    let at = places.findIndex((place) => around(place).contains(document.activeElement));
    if (at < 0) {
      at = places.findIndex((place) => place.getBoundingClientRect().bottom > 0);
      if (by > 0) at -= 1;
    }
    const next = places[at + by];
    if (!next) return;
    next.focus({ preventScroll: true, focusVisible: true });
    around(next).scrollIntoView({ block: "nearest" });
    next.scrollIntoView({ block: "nearest" }); // where a hit is taller than the window
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

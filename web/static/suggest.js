// Suggests continuations of a query while it is typed: a combobox with a list, as in ARIA 1.2. Its
// texts come from the template, in the list's element; only choosing a suggestion changes the query.
(() => {
  "use strict";
  const WAIT = 120; // milliseconds after the last letter
  const box = document.getElementById("q");
  const place = document.getElementById("suggestions");
  if (!box || !place) return;
  const list = place.querySelector("[role=listbox]");
  const status = place.querySelector("p");
  let timer, requests = 0, active = -1;

  const options = () => [...list.children];
  const isOpen = () => !list.hidden;

  const close = () => {
    clearTimeout(timer);
    requests += 1; // answers to earlier requests are ignored
    active = -1;
    list.hidden = true;
    list.replaceChildren();
    status.textContent = "";
    box.setAttribute("aria-expanded", "false");
    box.removeAttribute("aria-activedescendant");
  };

  const activate = (to) => {
    const all = options();
    active = to >= all.length ? -1 : to < -1 ? all.length - 1 : to; // -1: the typed query
    all.forEach((each, n) => each.setAttribute("aria-selected", String(n === active)));
    if (active < 0) return box.removeAttribute("aria-activedescendant");
    box.setAttribute("aria-activedescendant", all[active].id);
    all[active].scrollIntoView({ block: "nearest" });
  };

  const choose = (option) => {
    if (option.dataset.article) {
      location.assign(option.dataset.article);
      return;
    }
    box.value = option.dataset.q;
    close();
    box.focus();
    box.setSelectionRange(box.value.length, box.value.length);
  };

  const counted = (number) => number === 1
    ? place.dataset.oneArticle
    : place.dataset.articles.replace("%", number.toLocaleString(document.documentElement.lang));

  const option = (found, n) => {
    const made = document.createElement("li");
    const text = document.createElement("span");
    const kind = document.createElement("span");
    made.id = `suggestion-${n}`;
    made.setAttribute("role", "option");
    made.setAttribute("aria-selected", "false");
    made.dataset.q = found.q;
    if (found.article) made.dataset.article = `/article/${encodeURIComponent(found.article.id)}`;
    text.dir = "auto";
    text.textContent = found.text;
    kind.className = "kind";
    kind.textContent = [place.dataset[found.kind], found.article ? "" : counted(found.articles)].filter(Boolean).join(" · ");
    made.append(text, " ", kind);
    return made;
  };

  const show = (found) => {
    if (!found.length) return close();
    list.replaceChildren(...found.map(option));
    list.hidden = false;
    box.setAttribute("aria-expanded", "true");
    activate(-1);
    status.textContent = (found.length === 1 ? place.dataset.one : place.dataset.several).replace("%", found.length);
  };

  const ask = async () => {
    const number = (requests += 1);
    const typed = box.value;
    const address = `/api/suggest?q=${encodeURIComponent(typed)}`;
    try {
      const answer = await fetch(address);
      const found = answer.ok ? (await answer.json()).suggestions : [];
      if (number === requests && typed === box.value && document.activeElement === box) show(found);
    } catch { /* then there are none */ }
  };

  const atEnd = () => box.selectionStart === box.value.length;

  box.addEventListener("input", (event) => {
    clearTimeout(timer);
    requests += 1;
    if (event.isComposing || !box.value.trim() || !atEnd()) return close();
    timer = setTimeout(ask, WAIT);
  });

  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && isOpen()) {
      event.preventDefault();
      activate(active + step);
    } else if (event.key === "ArrowDown" && box.value.trim() && atEnd()) {
      event.preventDefault();
      ask();
    } else if (event.key === "Enter") {
      if (isOpen() && active >= 0) {
        event.preventDefault();
        choose(options()[active]);
      } else close(); // and the form is submitted
    } else if (event.key === "Escape" && isOpen()) {
      event.preventDefault(); // otherwise the browser clears the box
      close();
    } else if (event.key === "Tab") close();
  });

  box.addEventListener("blur", close);
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // the box keeps the focus
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const chosen = event.target.closest("[role=option]");
    if (chosen) choose(chosen);
  });

  status.setAttribute("role", "status");
  box.autocomplete = "off";
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
    "aria-haspopup": "listbox",
  })) box.setAttribute(name, value);
})();

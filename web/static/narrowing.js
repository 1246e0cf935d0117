/* Filters lists of check boxes as one types, fetches the values that a page has no room for, and takes a day from the calendar into its text field. */
"use strict";
const BESIDE = ["lang", "hit", "step", "by", "cursor"]; // of a page, none of which counts
const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const nameIn = (line) => line.querySelector("span").textContent;

// As the page writes a value.
const shownAs = (facet, value) => {
  if (facet === "language") {
    return new Intl.DisplayNames(document.documentElement.lang, { type: "language" }).of(value);
  }
  const name = facet === "source" ? value.replace(/^www\./, "") : value;
  return name.replaceAll("_", " ").trim() || value;
};

const lineLike = (model, facet, { value, count }) => {
  const line = model.cloneNode(true);
  const [included, excluded] = line.querySelectorAll("input");
  const shown = shownAs(facet, value);
  excluded.setAttribute("aria-label", excluded.getAttribute("aria-label").replace(nameIn(model), () => shown));
  for (const box of [included, excluded]) Object.assign(box, { value, checked: false });
  line.querySelector("span").textContent = shown;
  line.querySelector(".count").textContent = count.toLocaleString(document.documentElement.lang);
  return line;
};

// The most frequent values, of which the page lists the first; in their place stays the field for any other.
const fetchRest = async (list) => {
  const asked = new URLSearchParams(location.search);
  BESIDE.forEach((each) => asked.delete(each));
  const model = list.querySelector("li");
  const facet = model.querySelector("input").name;
  asked.set("fields", `facets.${facet}`);
  const answer = await fetch(`/api/search?${asked}`);
  if (!answer.ok) return;
  const listed = new Set([...list.querySelectorAll("li label:first-child input")].map((each) => each.value));
  const others = (await answer.json()).facets[facet].filter((each) => !listed.has(each.value));
  list.querySelector(".rest ul").append(...others.map((each) => lineLike(model, facet, each)));
};

for (const list of document.querySelectorAll(".facet:has(.rest)")) {
  const find = list.querySelector(".find");
  const rest = list.querySelector(".rest");
  const fetched = () => {
    list.filling ??= rest.querySelector(".more") ? fetchRest(list).catch(() => {}) : Promise.resolve();
    return list.filling; // if nothing comes, the field for any other value remains
  };
  const shown = () => [...list.querySelectorAll("li")].filter((each) => !each.hidden);
  const narrow = () => {
    const typed = find ? folded(find.value.trim()) : "";
    if (typed) rest.open = true;
    for (const each of list.querySelectorAll("li")) each.hidden = !folded(nameIn(each)).includes(typed);
  };
  rest.addEventListener("toggle", () => fetched().then(narrow));
  if (!find) continue; // a short list
  find.hidden = false;
  find.addEventListener("input", narrow);
  find.addEventListener("keydown", async (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // the box itself is none of the search
    await fetched();
    narrow();
    if (find.value.trim() && shown().length === 1) {
      const box = shown()[0].querySelector("input");
      box.checked = true;
      box.form.requestSubmit();
    }
  });
}

document.getElementById("narrowing")?.addEventListener("change", ({ target: box }) => {
  if (!box.matches(".facet input[type=checkbox]")) return;
  box.form.classList.add("changed");
  const other = [...box.closest("li").querySelectorAll("input")].find((each) => each !== box);
  if (box.checked) other.checked = false; // a value is included or excluded
});

for (const calendar of document.querySelectorAll(".day input[type=date]")) {
  const text = calendar.previousElementSibling;
  calendar.addEventListener("change", () => {
    if (!calendar.value) return;
    text.value = calendar.value;
    calendar.value = "";
  });
}

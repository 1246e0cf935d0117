/* Filters lists of check boxes as one types, and takes a day from the calendar into its text field. */
"use strict";
const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

for (const find of document.querySelectorAll(".facet .find")) {
  const facet = find.closest(".facet");
  const rest = facet.querySelector(".rest");
  const values = [...facet.querySelectorAll("li")];
  const names = values.map((each) => folded(each.querySelector("span").textContent));
  find.hidden = false;
  find.addEventListener("input", () => {
    const typed = folded(find.value.trim());
    if (rest && typed) rest.open = true;
    values.forEach((each, n) => { each.hidden = !names[n].includes(typed); });
  });
  find.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // the box itself is none of the search
    const shown = values.filter((each) => !each.hidden);
    if (find.value.trim() && shown.length === 1) {
      const box = shown[0].querySelector("input");
      box.checked = true;
      box.form.requestSubmit();
    }
  });
}

for (const box of document.querySelectorAll(".facet input[type=checkbox]")) {
  box.addEventListener("change", () => {
    box.form.classList.add("changed");
    const other = [...box.closest("li").querySelectorAll("input")].find((each) => each !== box);
    if (box.checked) other.checked = false; // a value is included or excluded
  });
}

for (const calendar of document.querySelectorAll(".day input[type=date]")) {
  const text = calendar.previousElementSibling;
  calendar.addEventListener("change", () => {
    if (!calendar.value) return;
    text.value = calendar.value;
    calendar.value = "";
  });
}

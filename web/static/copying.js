// Adds a button that copies a citation, where the browser lets a page copy.
"use strict";
if (navigator.clipboard) {
  const words = document.querySelector("[data-copied-it]").dataset; // in the language of the page
  for (const quoted of document.querySelectorAll(".quoted")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    const name = quoted.getAttribute("aria-label") ?? quoted.dataset.name;
    const label = (word, whole) => {
      button.textContent = word;
      button.setAttribute("aria-label", whole.replace("{}", name)); // a different name for each button
    };
    label(words.copy, words.copyIt);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(quoted.textContent);
      label(words.copied, words.copiedIt);
    });
    quoted.after(button);
  }
}

// Adds a button that copies a citation, where the browser lets a page copy.
"use strict";
if (navigator.clipboard) {
  for (const quoted of document.querySelectorAll(".quoted")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    const what = document.createElement("span"); // three buttons, told apart by whoever hears them
    what.className = "unseen";
    what.textContent = ` ${quoted.getAttribute("aria-label") ?? "the citation"}`;
    button.append("Copy", what);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(quoted.textContent);
      button.replaceChildren("Copied", what);
    });
    quoted.after(button);
  }
}

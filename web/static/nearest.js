/* Once a search is shown, ask for the sentences that are nearest in meaning, and mark them. */
"use strict";
const legend = document.querySelector("[data-nearest]");
const asked = legend && legend.querySelector("a[href*='mark=sentence']");

const mark = async () => {
  const answer = await fetch(asked.href);
  if (!answer.ok) return;
  const marked = new DOMParser().parseFromString(await answer.text(), "text/html");
  const found = new Map();
  for (const place of marked.querySelectorAll(".passage .place")) {
    found.set(place.getAttribute("href"), place.parentElement.querySelector(".excerpt"));
  }
  let any = false;
  for (const place of document.querySelectorAll(".hit .passage .place")) {
    const excerpt = found.get(place.getAttribute("href"));
    if (excerpt && excerpt.querySelector(".nearest")) {
      any = true;
      place.parentElement.querySelector(".excerpt").replaceChildren(...excerpt.childNodes);
    }
  }
  const told = marked.querySelector("[data-nearest]");
  if (any && told) legend.replaceChildren(...told.querySelector(".nearest").parentElement.childNodes);
};

if (asked) mark().catch(() => {}); // the link stays

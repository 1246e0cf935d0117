/* Once a search is shown, ask for the sentences that are nearest in meaning, and mark them. */
"use strict";
const legend = document.querySelector("[data-nearest]");
const asked = legend && legend.querySelector("a[href*='mark=sentence']");

// The article and the passage, whatever else the link says of the search it is in.
const passageOf = (place) => {
  const address = new URL(place.getAttribute("href"), location.href);
  return address.pathname + address.hash;
};

const mark = async () => {
  const answer = await fetch(asked.href);
  if (!answer.ok) return;
  const marked = new DOMParser().parseFromString(await answer.text(), "text/html");
  const found = new Map();
  for (const place of marked.querySelectorAll(".passage .place")) {
    found.set(passageOf(place), place.parentElement.querySelector(".excerpt"));
  }
  let any = false;
  for (const place of document.querySelectorAll(".hit .passage .place")) {
    const excerpt = found.get(passageOf(place));
    if (excerpt && excerpt.querySelector(".nearest")) {
      any = true;
      place.parentElement.querySelector(".excerpt").replaceChildren(...excerpt.childNodes);
    }
  }
  const told = marked.querySelector("[data-nearest]");
  if (any && told) legend.replaceChildren(...told.querySelector(".nearest").parentElement.childNodes);
};

if (asked) mark().catch(() => {}); // the link stays

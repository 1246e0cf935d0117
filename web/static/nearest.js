/* After a search is shown, fetches and marks the sentences nearest in meaning. */
"use strict";
const legend = document.querySelector("[data-nearest]");
const link = legend && legend.querySelector("a[href*='mark=sentence']");

// The article and the passage, without the parameters of the search.
const passageOf = (place) => {
  const address = new URL(place.getAttribute("href"), location.href);
  return address.pathname + address.hash;
};

const mark = async () => {
  const answer = await fetch(link.href);
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
  const newLegend = marked.querySelector("[data-nearest] .nearest");
  if (any && newLegend) legend.replaceChildren(...newLegend.parentElement.childNodes);
};

if (link) mark().catch(() => {}); // then the link remains

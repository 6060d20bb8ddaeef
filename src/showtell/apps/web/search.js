// A library of pictures, searched by words or by one of its pictures.

import * as api from "./api.js";
import { make, onLanguage, percent, text } from "./words.js";

const get = (id) => document.getElementById(id);
let shown = null; // the last answer, to be said again when the language changes
let asked = 0;

export function prepareSearch() {
  get("search").addEventListener("submit", (event) => {
    event.preventDefault();
    byWords(false);
  });
  get("anyway").addEventListener("click", () => byWords(true));
  onLanguage(() => shown && say(shown));
}

function byWords(anyway) {
  const fields = { query: get("query").value, anyway };
  if (get("without").value.trim()) fields.without = get("without").value;
  run(api.find(fields));
}

async function run(answer) {
  const number = ++asked;
  get("found").textContent = text("searching");
  try {
    const found = await answer;
    if (number === asked) show(found);
  } catch (problem) {
    if (number === asked) get("found").textContent = problem.message;
  }
}

function show(found) {
  shown = found;
  for (const image of get("gallery").querySelectorAll("img")) URL.revokeObjectURL(image.src);
  get("gallery").replaceChildren(...found.matches.map(entry));
  say(found);
}

function say(found) {
  get("found").textContent = found.matches.length ? text("count", found.matches.length) : text("nothing");
  get("anyway").hidden = found.matches.length > 0 || !found.nearest;
}

function entry(match) {
  const image = make("img", { alt: match.caption || match.name, loading: "lazy" });
  api.thumbnail(match.id).then((url) => { image.src = url; }, () => {});
  const thumb = make("div", { className: match.unsafe ? "thumb unfit" : "thumb" }, image);
  const why = [text("why")[match.reason] || match.reason];
  if (match.person) why.push(text("person"));
  const parts = [
    thumb,
    make("p", { lang: match.language, textContent: match.caption || match.name }),
    make("p", { className: "small", textContent: `${text("probability")} ${percent(match.probability)}: ${why.join(", ")}` }),
  ];
  if (match.unsafe) {
    const reveal = make("button", { type: "button", className: "quiet reveal", text: "reveal" });
    reveal.onclick = () => { thumb.classList.remove("unfit"); reveal.remove(); };
    parts.push(reveal);
  }
  parts.push(make("button", {
    type: "button", className: "quiet", text: "alike", "aria-label": `${text("alike")}: ${match.caption || match.name}`,
    onclick: () => run(api.alike(match.id)),
  }));
  return make("li", {}, ...parts);
}

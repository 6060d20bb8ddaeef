// A library of pictures, searched by words or by one of its pictures.

import * as api from "./api.js";
import { make, onLanguage, percent, problemText, text } from "./words.js";

const get = (id) => document.getElementById(id);
let shown = null; // the last answer, to be said again when the language changes
let asked = 0;

export function prepareSearch() {
  get("search").addEventListener("submit", (event) => {
    event.preventDefault();
    byWords(false);
  });
  get("anyway").addEventListener("click", () => byWords(true));
  onLanguage(() => shown && announceFound(shown));
}

// Show the pictures of the library that look like one of the user's own.
export function showAlike(file) {
  get("tab-search").click();
  get("query").value = "";
  run(api.alikePicture(file));
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
    if (number === asked) get("found").textContent = problemText(problem);
  }
}

function show(found) {
  shown = found;
  for (const image of get("gallery").querySelectorAll("img")) URL.revokeObjectURL(image.src);
  get("gallery").replaceChildren(...found.matches.map(entry));
  announceFound(found);
}

function announceFound(found) {
  get("found").textContent = found.matches.length ? text("count", found.matches.length) : text("nothing");
  get("anyway").hidden = found.matches.length > 0 || !found.nearest;
}

function entry(match) {
  const caption = make("p", match.caption ? { lang: match.language, textContent: match.caption } : { textContent: match.name });
  const sure = match.probability === null ? "" : `${text("probability")} ${percent(match.probability)}: `;
  const why = match.person ? `${text("why")[match.why]}, ${text("person")}` : text("why")[match.why];
  return make("li", {},
    thumb(match), caption, make("p", { className: "small", textContent: sure + why }),
    make("button", {
      type: "button", className: "quiet", text: "alike", label: "alike", about: match.caption || match.name,
      onclick: () => run(api.alike(match.id)),
    }));
}

// A thumbnail, blurred where the picture may be unsafe.
export function thumb(match) {
  const image = make("img", { alt: match.caption || match.name });
  const frame = make("div", { className: "thumb" }, image);
  api.thumbnail(match.id).then(({ url, unsafe }) => {
    if (unsafe) {
      frame.classList.add("unfit");
      const reveal = make("button", { type: "button", className: "quiet reveal", text: "reveal" });
      reveal.onclick = () => { frame.classList.remove("unfit"); reveal.remove(); };
      frame.append(reveal);
    }
    image.src = url;
  }, () => { frame.textContent = image.alt; });
  return frame;
}

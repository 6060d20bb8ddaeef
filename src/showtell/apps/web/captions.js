// A card for each picture: its captions, where each word looked, and what people say of them.

import * as api from "./api.js";
import { thumb } from "./search.js";
import { announce, make, percent, text } from "./words.js";

const AT_ONCE = 4; // pictures that are sent at a time
const waiting = [];
let running = 0;

export function describe(files) {
  const cards = document.getElementById("cards");
  for (const file of files) {
    const card = new Card(file);
    cards.prepend(card.element);
    waiting.push(card);
  }
  next();
}

function next() {
  while (running < AT_ONCE && waiting.length) {
    running += 1;
    waiting.shift().run().finally(() => { running -= 1; next(); });
  }
}

class Card {
  constructor(file) {
    this.file = file;
    this.url = URL.createObjectURL(file);
    this.image = make("img", { src: this.url, alt: file.name || "" });
    this.canvas = make("canvas", { hidden: true });
    this.picture = make("div", { className: "picture" }, this.image, this.canvas);
    this.body = make("div", {}, make("p", { text: "reading" }));
    this.element = make("article", { className: "card busy", "aria-label": file.name || "picture" }, this.picture, this.body);
  }

  async run() {
    try {
      this.show(await api.caption(this.file));
    } catch (problem) {
      this.fail(problem);
    }
    this.element.classList.remove("busy");
  }

  fail(problem) {
    this.body.replaceChildren(
      make("p", { className: "error", textContent: problem.message }),
      make("button", { className: "second", text: "remove", onclick: () => this.remove() }),
    );
    announce(`${text("failed")} ${problem.message}`);
  }

  show(result) {
    this.hash = result.picture;
    this.started = performance.now();
    this.body.replaceChildren(...result.captions.map((described) => new CaptionView(this, described).element));
    this.image.alt = result.captions[0].text;
    if (result.safety && result.safety.unsafe) this.blur(result.safety);
    this.body.append(make("button", { className: "quiet", text: "remove", onclick: () => this.remove() }));
    announce(`${text("done")} ${result.captions.map((described) => described.text).join(" / ")}`);
  }

  blur(safety) {
    const button = make("button", { className: "reveal", type: "button", text: "reveal" });
    button.onclick = () => {
      const hidden = this.picture.classList.toggle("unfit");
      button.dataset.text = hidden ? "reveal" : "hide";
      button.textContent = text(button.dataset.text);
    };
    this.picture.classList.add("unfit");
    this.picture.append(button);
    const score = make("span", { textContent: ` ${percent(safety.score)}` });
    this.body.prepend(make("p", {}, make("span", { className: "badge" }, make("span", { text: "unfit" }), score)));
  }

  remove() {
    URL.revokeObjectURL(this.url);
    const others = [...document.querySelectorAll("#cards .card button, #files")].filter((one) => !this.element.contains(one));
    this.element.remove();
    (others[0] || document.getElementById("files")).focus();
  }

  // Darken what a word did not look at; no map shows the picture as it is.
  light(map, area) {
    this.canvas.hidden = !map;
    if (!map) return;
    const box = this.image.getBoundingClientRect();
    const scale = Math.min(box.width / this.image.naturalWidth, box.height / this.image.naturalHeight);
    const width = this.image.naturalWidth * scale, height = this.image.naturalHeight * scale;
    Object.assign(this.canvas, { width: Math.round(width), height: Math.round(height) });
    this.canvas.style.left = `${(box.width - width) / 2}px`;
    this.canvas.style.top = `${(box.height - height) / 2}px`;
    const side = map.length, most = Math.max(...map.flat());
    const cells = make("canvas", { width: side, height: side });
    const shade = new ImageData(side, side);
    map.flat().forEach((cell, place) => { shade.data[4 * place + 3] = 215 * (1 - (cell / most) ** 0.6); });
    cells.getContext("2d").putImageData(shade, 0, 0);
    const [left, top, right, bottom] = area;
    const pen = this.canvas.getContext("2d");
    pen.imageSmoothingEnabled = true;
    pen.drawImage(cells, left * width, top * height, (right - left) * width, (bottom - top) * height);
  }
}

// One caption in one language.
class CaptionView {
  constructor(card, described) {
    Object.assign(this, { card, described, explained: null, version: 0 });
    this.caption = make("p", { className: "caption", lang: described.language }, ...this.spans());
    this.caption.addEventListener("mouseleave", () => this.look(null));
    this.answer = make("p", { role: "status" });
    this.answer.hidden = true;
    this.keys = make("div", { className: "row", role: "group", hidden: true, "aria-label": text("lookedHint") });
    this.element = make("section", { className: "described" },
      make("h2", text(described.language) ? { text: described.language } : { textContent: described.language }),
      this.caption, this.confidence(), this.buttons(), this.keys, this.form(), this.answer, this.others());
  }

  // The caption's words, each an element; what stands between words stays text.
  spans() {
    let place = 0;
    const parts = [];
    this.marks = this.described.words.map((word, number) => {
      const start = this.described.text.toLowerCase().indexOf(word.toLowerCase(), place);
      if (start < 0) return null;
      parts.push(this.described.text.slice(place, start));
      place = start + word.length;
      const mark = make("span", { textContent: this.described.text.slice(start, place) });
      mark.addEventListener("mouseenter", () => this.look(number));
      mark.addEventListener("click", () => this.look(number));
      parts.push(mark);
      return mark;
    });
    parts.push(this.described.text.slice(place));
    return parts.filter((part) => part !== "");
  }

  confidence() {
    if (this.described.confidence === null) return "";
    const value = this.described.confidence;
    return make("p", { className: "small" },
      make("span", { text: "confidence" }), " ",
      make("meter", { min: 0, max: 1, value, "aria-label": text("confidence") }), ` ${percent(value)}`);
  }

  buttons() {
    const looked = make("button", { type: "button", className: "quiet", text: "looked", "aria-expanded": "false" });
    looked.onclick = () => {
      this.keys.hidden = !this.keys.hidden;
      looked.setAttribute("aria-expanded", String(!this.keys.hidden));
      if (this.keys.hidden) this.look(null);
      else if (!this.keys.children.length) this.keys.append(...this.described.words.map((word, number) => this.key(word, number)));
    };
    const copy = make("button", { type: "button", className: "second", text: "copy" });
    copy.onclick = async () => {
      await copyText(this.described.text);
      this.tell("copied");
    };
    return make("div", { className: "row" }, copy, looked,
      make("button", { type: "button", className: "quiet", text: "good", onclick: () => this.keep({ kind: "rating", rating: 5 }) }),
      make("button", { type: "button", className: "quiet", text: "bad", onclick: () => this.keep({ kind: "rating", rating: 1 }) }),
      make("button", { type: "button", className: "quiet", text: "correct", onclick: () => this.edit() }));
  }

  key(word, number) {
    return make("button", {
      type: "button", className: "word", textContent: word, lang: this.described.language, "aria-pressed": "false",
      onclick: () => this.look(number), onfocus: () => this.look(number),
    });
  }

  // Show where word `number` looked.
  async look(number) {
    const version = ++this.version;
    this.marks.forEach((mark, place) => mark && mark.classList.toggle("lit", place === number));
    [...this.keys.children].forEach((key, place) => key.setAttribute("aria-pressed", String(place === number)));
    if (number === null) return this.card.light(null);
    try {
      this.explained ??= api.explain(this.card.file, this.described.language);
      const { words, area } = await this.explained;
      if (version === this.version && words[number]) this.card.light(words[number].map, area);
    } catch (problem) {
      this.explained = null;
      this.tell(null, problem.message);
    }
  }

  form() {
    const field = make("textarea", { rows: 2, maxLength: 2000, lang: this.described.language, value: this.described.text });
    const label = make("label", {}, make("span", { text: "correctLabel" }), field);
    this.field = field;
    this.editor = make("form", { hidden: true }, label, make("div", { className: "row" },
      make("button", { type: "submit", text: "save" }),
      make("button", { type: "button", className: "quiet", text: "cancel", onclick: () => { this.editor.hidden = true; } })));
    this.editor.addEventListener("submit", (event) => {
      event.preventDefault();
      const words = field.value.trim();
      if (!words || words === this.described.text) return;
      this.editor.hidden = true;
      this.keep({ kind: "correction", text: words });
    });
    return this.editor;
  }

  edit() {
    this.editor.hidden = false;
    this.field.focus();
  }

  others() {
    if (!this.described.alternatives.length) return "";
    const rows = this.described.alternatives.map((other) => make("li", {},
      make("span", { lang: this.described.language, textContent: other.text }),
      make("span", { className: "row" },
        other.confidence === null ? "" : make("span", { className: "small", textContent: percent(other.confidence) }),
        make("button", {
          type: "button", className: "quiet", text: "better", "aria-label": `${text("better")}: ${other.text}`,
          onclick: () => this.keep({ kind: "preference", text: other.text, rejected: this.described.text }),
        }))));
    return make("details", {}, make("summary", { text: "others" }), make("ul", { className: "others" }, ...rows));
  }

  async keep(row) {
    const seconds = Math.round((performance.now() - this.card.started) / 100) / 10;
    const common = { picture: this.card.hash, language: this.described.language, machine: this.described.text, seconds };
    try {
      const { id, offers } = await api.judge({ ...common, ...row });
      if (row.kind === "correction") this.replace(row.text);
      const undo = make("button", { type: "button", className: "quiet", text: "undo" });
      undo.onclick = async () => {
        await api.forget(id);
        if (row.kind === "correction") this.replace(null);
        this.tell("undone");
      };
      this.tell("thanks");
      this.answer.append(" ", undo);
      if (offers.length) this.answer.after(this.offer(offers, row.text));
    } catch (problem) {
      this.tell(null, problem.message);
    }
  }

  // Pictures that look nearly the same: the same words are kept for those that a person accepts, and for no others.
  offer(offers, words) {
    const boxes = offers.map((match) => ({ match, box: make("input", { type: "checkbox", checked: true }) }));
    const form = make("form", { className: "notice" }, make("p", { text: "offer" }),
      make("ul", { className: "gallery" }, ...boxes.map(({ match, box }) =>
        make("li", {}, thumb(match), make("label", {}, box, ` ${match.caption || match.name}`)))),
      make("div", { className: "row" },
        make("button", { type: "submit", text: "accept" }),
        make("button", { type: "button", className: "quiet", text: "leave", onclick: () => form.remove() })));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const ids = boxes.filter(({ box }) => box.checked).map(({ match }) => match.id);
      form.remove();
      try {
        if (ids.length) await api.describe(ids, words, this.described.language);
        this.tell("thanks");
      } catch (problem) {
        this.tell(null, problem.message);
      }
    });
    return form;
  }

  // A person's words stand in place of the machine's; none brings the machine's back.
  replace(words) {
    this.caption.replaceChildren(...(words === null ? this.spans() : [words]));
    this.card.image.alt = words ?? this.described.text;
  }

  tell(key, problem) {
    this.answer.hidden = false;
    this.answer.className = problem ? "error" : "done";
    this.answer.replaceChildren(problem ? problem : make("span", { text: key }));
  }
}

async function copyText(words) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(words);
  const field = make("textarea", { value: words, className: "visually-hidden" }); // over plain HTTP there is no clipboard
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

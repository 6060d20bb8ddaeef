// A card for each picture: its captions, which part of the picture each word depends on, and what people say of them.

import * as api from "./api.js";
import { showAlike, thumb } from "./search.js";
import { announce, make, percent, problemText, text } from "./words.js";

const AT_ONCE = 4; // pictures that are sent at a time
const waiting = [];
let running = 0;

export function describe(files) {
  const cards = [...files].map((file) => new Card(file));
  document.getElementById("cards").prepend(...cards.map((card) => card.element)); // the newest first, in their order
  waiting.push(...cards);
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
    this.picture.classList.toggle("unfit", api.screens()); // until it is known to be fit
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
      make("p", { className: "error", textContent: problemText(problem) }),
      make("button", { className: "second", text: "remove", onclick: () => this.remove() }),
    );
    announce(`${text("failed")} ${problemText(problem)}`);
  }

  show(result) {
    this.hash = result.picture;
    this.started = performance.now();
    const first = (one) => Number(one.language !== document.documentElement.lang); // the reader's language
    const captions = [...result.captions].sort((one, other) => first(one) - first(other));
    this.views = captions.map((described) => new CaptionView(this, described));
    this.body.replaceChildren(...this.views.map((view) => view.element));
    this.retitle();
    this.picture.classList.remove("unfit");
    if (result.safety && result.safety.unsafe) this.blur(result.safety);
    const alike = make("button", { className: "quiet", text: "alike", onclick: () => showAlike(this.file) });
    const remove = make("button", { className: "quiet", text: "remove", onclick: () => this.remove() });
    this.body.append(make("div", { className: "row" }, api.hasLibrary() ? alike : "", remove));
    announce(`${text("done")} ${result.captions.map((described) => described.text).join(" / ")}`);
  }

  // The picture's own alternative text is its first caption.
  retitle() {
    if (this.views) this.image.alt = this.views[0].shown.text;
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

// One caption in one language: the model's own, another of its captions that a person prefers, or a person's words.
class CaptionView {
  constructor(card, described) {
    Object.assign(this, { card, described, explained: null, version: 0, undo: null });
    this.caption = make("p", { className: "caption", lang: described.language });
    this.caption.addEventListener("mouseleave", () => this.look(null));
    this.sure = make("p", { className: "small" });
    this.answer = make("p", { role: "status", hidden: true });
    this.keys = make("div", { className: "row", role: "group", hidden: true, label: "explainHint" });
    this.element = make("section", { className: "described" },
      make("h2", text(described.language) ? { text: described.language } : { textContent: described.language }),
      this.caption, this.sure, this.buttons(), this.keys, this.form(), this.answer, this.others());
    this.own = { text: described.text, confidence: described.confidence, person: false };
    this.show(this.own);
  }

  // Show a caption; what words depend on is known of the model's own alone.
  show(shown) {
    this.shown = shown;
    this.look(null);
    this.caption.replaceChildren(...(shown === this.own ? this.spans() : [shown.text]));
    this.sure.replaceChildren(...this.confidence(shown));
    for (const button of this.ofOwn) button.hidden = shown !== this.own;
    for (const button of this.ofMachine) button.hidden = shown.person;
    if (shown !== this.own) this.fold();
    this.card.retitle();
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

  confidence({ confidence, person }) {
    if (person) return [make("span", { text: "yours" })];
    if (confidence === null) return [];
    return [
      make("span", { text: "confidence" }), " ",
      make("meter", { min: 0, max: 1, value: confidence, label: "confidence" }), ` ${percent(confidence)}`];
  }

  buttons() {
    const quiet = (name, onclick) => make("button", { type: "button", className: "quiet", text: name, onclick });
    this.explain = quiet("explain", () => (this.keys.hidden ? this.unfold() : this.fold()));
    this.explain.setAttribute("aria-expanded", "false");
    const copy = make("button", { type: "button", className: "second", text: "copy" });
    copy.onclick = async () => {
      await copyText(this.shown.text);
      this.tell("copied");
    };
    this.ofOwn = [this.explain];
    this.ofMachine = [
      quiet("good", () => this.keep({ kind: "rating", rating: 5 })),
      quiet("bad", () => this.keep({ kind: "rating", rating: 1 })),
    ];
    this.correct = quiet("correct", () => this.edit());
    return make("div", { className: "row" }, copy, this.explain, ...this.ofMachine, this.correct);
  }

  unfold() {
    this.keys.hidden = false;
    this.explain.setAttribute("aria-expanded", "true");
    if (!this.keys.children.length) this.keys.append(...this.described.words.map((word, number) => this.key(word, number)));
  }

  fold() {
    this.keys.hidden = true;
    this.explain.setAttribute("aria-expanded", "false");
    this.look(null);
  }

  key(word, number) {
    return make("button", {
      type: "button", className: "word", textContent: word, lang: this.described.language, "aria-pressed": "false",
      onclick: () => this.look(number), onfocus: () => this.look(number),
    });
  }

  // Show which part word `number` depends on.
  async look(number) {
    const version = ++this.version;
    this.marks?.forEach((mark, place) => mark && mark.classList.toggle("lit", place === number));
    [...this.keys.children].forEach((key, place) => key.setAttribute("aria-pressed", String(place === number)));
    if (number === null) return this.card.light(null);
    try {
      this.explained ??= api.explain(this.card.file, this.described.language);
      const { words, area } = await this.explained;
      if (version === this.version && words[number]) this.card.light(words[number].map, area);
    } catch (problem) {
      this.explained = null;
      this.tell(null, problemText(problem));
    }
  }

  form() {
    const field = make("textarea", { rows: 2, maxLength: 2000, lang: this.described.language });
    const label = make("label", {}, make("span", { text: "correctLabel" }), field);
    this.field = field;
    this.editor = make("form", { className: "editor", hidden: true }, label, make("div", { className: "row" },
      make("button", { type: "submit", text: "save" }),
      make("button", { type: "button", className: "quiet", text: "cancel", onclick: () => this.close() })));
    this.editor.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
      if (event.key !== "Enter" || event.target !== field || event.isComposing) return; // which writes Chinese
      event.preventDefault();
      this.editor.requestSubmit();
    });
    this.editor.addEventListener("submit", (event) => {
      event.preventDefault();
      const words = field.value.trim().replace(/\s+/g, " ");
      this.close();
      if (words && words !== this.shown.text) this.keep({ kind: "correction", text: words });
    });
    return this.editor;
  }

  edit() {
    this.editor.hidden = false;
    this.field.value = this.shown.text;
    this.field.focus();
    this.field.select();
  }

  close() {
    this.editor.hidden = true;
    this.correct.focus();
  }

  others() {
    if (!this.described.alternatives.length) return "";
    const rows = this.described.alternatives.map((other) => make("li", {},
      make("span", { lang: this.described.language, textContent: other.text }),
      make("span", { className: "row" },
        other.confidence === null ? "" : make("span", { className: "small", textContent: percent(other.confidence) }),
        make("button", {
          type: "button", className: "quiet", text: "better", label: "better", about: other.text,
          onclick: () => this.prefer(other),
        }))));
    return make("details", {}, make("summary", { text: "others" }), make("ul", { className: "others" }, ...rows));
  }

  prefer(other) {
    const rejected = this.shown.person || this.shown.text === other.text ? this.own.text : this.shown.text;
    if (rejected !== other.text) this.keep({ kind: "preference", text: other.text, rejected }, other.confidence);
  }

  // Keep what a person thinks of the caption, and show what they prefer in its place.
  async keep(row, confidence = null) {
    const before = this.shown;
    const seconds = Math.round((performance.now() - this.card.started) / 100) / 10;
    const machine = before.person ? this.own.text : before.text;
    try {
      const { id, offers } = await api.judge({
        picture: this.card.hash, language: this.described.language, machine, seconds, ...row,
      });
      if (row.text) this.show({ text: row.text, confidence, person: row.kind === "correction" });
      const offer = offers.length ? this.offer(offers, row.text, id) : null;
      this.undo = make("button", { type: "button", className: "quiet", text: "undo" });
      this.undo.onclick = () => this.takeBack(id, before, offer);
      this.tell("thanks");
      if (offer) this.answer.after(offer);
    } catch (problem) {
      this.tell(null, problemText(problem));
    }
  }

  async takeBack(id, before, offer) {
    try {
      await api.forget(id);
      this.undo = null;
      offer?.remove();
      this.show(before);
      this.tell("undone");
      this.correct.focus();
    } catch (problem) {
      this.tell(null, problemText(problem));
    }
  }

  // Pictures that look nearly the same: the same words are kept for those that a person accepts, and for no others.
  offer(offers, words, id) {
    const boxes = offers.map((match) => ({ match, box: make("input", { type: "checkbox", checked: true }) }));
    const close = () => {
      form.remove();
      this.correct.focus();
    };
    const form = make("form", { className: "notice" }, make("p", { text: "offer" }),
      make("ul", { className: "gallery" }, ...boxes.map(({ match, box }) =>
        make("li", {}, thumb(match), make("label", {}, box, ` ${[match.name, match.caption].filter(Boolean).join(": ")}`)))),
      make("div", { className: "row" },
        make("button", { type: "submit", text: "accept" }),
        make("button", { type: "button", className: "quiet", text: "leave", onclick: close })));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const ids = boxes.filter(({ box }) => box.checked).map(({ match }) => match.id);
      close();
      try {
        if (ids.length) await api.describe(ids, words, this.described.language, id);
        this.tell("thanks");
      } catch (problem) {
        this.tell(null, problemText(problem));
      }
    });
    return form;
  }

  // Say what came of it, beside what takes the last judgement back.
  tell(key, problem) {
    this.answer.hidden = false;
    this.answer.className = problem ? "error" : "done";
    this.answer.replaceChildren(problem ? problem : make("span", { text: key }));
    if (this.undo) this.answer.append(" ", this.undo);
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

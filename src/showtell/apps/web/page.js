// The page: where pictures come from, the tabs, the language.

import * as api from "./api.js";
import { describe } from "./captions.js";
import { prepareSearch } from "./search.js";
import { onLanguage, problemText, showLanguage, switchLanguage, text } from "./words.js";

const get = (id) => document.getElementById(id);

function take(files) {
  const pictures = [...files].filter((file) => !file.type || file.type.startsWith("image/"));
  describe(pictures);
  const refused = get("refused");
  refused.hidden = pictures.length > 0 || !files.length;
  refused.dataset.text = "noPicture";
  refused.textContent = text("noPicture");
}

// The files that were dropped, and those of folders.
async function filesOf(data) {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return data.files;
  return (await Promise.all(entries.map(filesIn))).flat();
}

async function filesIn(entry) {
  if (entry.isFile) return [await new Promise((done, failed) => entry.file(done, failed))];
  const reader = entry.createReader(), found = [];
  for (;;) { // it gives some at a time, and none at the end
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) break;
    found.push(...some.filter((one) => !one.name.startsWith(".")));
  }
  found.sort((one, other) => one.name.localeCompare(other.name));
  return (await Promise.all(found.map(filesIn))).flat();
}

function preparePictures() {
  for (const id of ["files", "camera"]) {
    get(id).addEventListener("change", (event) => {
      take(event.target.files);
      event.target.value = "";
    });
  }
  const drop = get("drop");
  addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.classList.remove("over"); });
  addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    filesOf(event.dataTransfer).then(take, () => take([new File([], "", { type: "none" })]));
  });
  addEventListener("paste", (event) => { if (event.clipboardData.files.length) take(event.clipboardData.files); });
}

function prepareTabs() {
  const tabs = [get("tab-caption"), get("tab-search")];
  const choose = (chosen) => {
    for (const tab of tabs) {
      const here = tab === chosen;
      tab.setAttribute("aria-selected", String(here));
      tab.tabIndex = here ? 0 : -1;
      get(tab.getAttribute("aria-controls")).hidden = !here;
    }
    chosen.focus();
  };
  tabs.forEach((tab, place) => {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => {
      if (event.key === "ArrowRight" || event.key === "ArrowLeft") choose(tabs[1 - place]);
    });
  });
}

async function start() {
  try {
    const health = await api.health();
    get("card").textContent = (await api.card()).card; // which asks for the token
    get("token").hidden = true;
    get("tabs").hidden = !health.library;
    const about = () => {
      const languages = health.languages.map((one) => text(one) || one).join(", ");
      get("about").textContent = `${text("model")}: ${health.model} ${health.model_version}; ${text("speaks")}: ${languages}`;
    };
    onLanguage(about);
    about();
  } catch (problem) {
    get("token").hidden = false;
    get("token-error").textContent = problem.kind === "token" ? (get("token-field").value ? text("tokenWrong") : "") : problemText(problem);
    get("token-field").focus();
  }
}

get("token").addEventListener("submit", (event) => {
  event.preventDefault();
  api.setToken(get("token-field").value.trim());
  start();
});
get("language").addEventListener("click", switchLanguage);
prepareTabs();
preparePictures();
prepareSearch();
showLanguage();
start();

// The page: where pictures come from, the tabs, the language.

import * as api from "./api.js";
import { describe } from "./captions.js";
import { prepareSearch } from "./search.js";
import { announce, onLanguage, showLanguage, switchLanguage, text } from "./words.js";

const get = (id) => document.getElementById(id);

function take(files) {
  const pictures = [...files].filter((file) => !file.type || file.type.startsWith("image/"));
  if (pictures.length) describe(pictures);
  else if (files.length) announce(text("noPicture"));
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
    take(event.dataTransfer.files);
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
    await api.card(); // which asks for the token
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
    get("token-error").textContent = problem.kind === "token" ? (get("token-field").value ? text("tokenWrong") : "") : problem.message;
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

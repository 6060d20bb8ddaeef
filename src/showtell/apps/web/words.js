// What the page says, in English and Chinese.

const TEXTS = {
  en: {
    tabCaption: "Describe", tabSearch: "Search",
    tokenLabel: "The token that “showtell serve” printed", tokenButton: "Continue", tokenWrong: "That token is wrong.",
    dropHere: "Drop pictures here", dropMore: "or paste one, or", choose: "Choose pictures", camera: "Take a photo",
    stays: "Pictures are described on the computer that runs Showtell, and are not kept.",
    card: "The model's card",
    reading: "Looking at the picture …", done: "Described:", failed: "Not described:",
    en: "English", zh: "Chinese", confidence: "Confidence", copy: "Copy as alt text", copied: "Copied",
    explain: "Explain", explainHint: "Choose a word to see which part of the picture it depends on.",
    others: "Other captions", better: "This one is better", good: "Good", bad: "Bad", correct: "Correct",
    correctLabel: "Your words for this picture", save: "Save", cancel: "Cancel",
    thanks: "Thank you, kept.", undo: "Undo", undone: "Taken back.", remove: "Remove",
    unfit: "May be unsafe", reveal: "Show", hide: "Hide",
    searchLabel: "What is in the picture?", searchButton: "Search", withoutLabel: "Without (optional)",
    nothing: "Nothing here looks like that.", anyway: "Show the nearest anyway", alike: "More like this",
    count: (n) => (n === 1 ? "1 picture" : `${n} pictures`), probability: "Match",
    why: { words: "its words match", vector: "it looks like that", both: "its words match and it looks like that" },
    offer: "These pictures look nearly the same. Keep your words for them too?", accept: "Keep for those ticked", leave: "Leave them",
    person: "a person's words", yours: "Your words", searching: "Searching …", model: "Model", speaks: "speaks", noPicture: "That is not a picture.",
  },
  zh: {
    tabCaption: "描述", tabSearch: "搜索",
    tokenLabel: "“showtell serve”显示的口令", tokenButton: "继续", tokenWrong: "口令不对。",
    dropHere: "把图片拖到这里", dropMore: "也可以粘贴，或者", choose: "选择图片", camera: "拍照",
    stays: "图片只在运行 Showtell 的电脑上处理，不会保存。",
    card: "模型说明",
    problems: {
      "bad-picture": "这张图片无法读取。", "too-large": "图片太大。", "too-many": "图片太多。", busy: "服务器正忙，请稍后再试。",
      slow: "用时太长。", ending: "服务器正在关闭。", unreachable: "服务器没有应答。", storage: "服务器现在无法保存或读取。",
      "no-such-picture": "这张图片已不存在，请重新搜索。",
    },
    reading: "正在看图……", done: "描述完成：", failed: "无法描述：",
    en: "英文", zh: "中文", confidence: "置信度", copy: "复制为替代文本", copied: "已复制",
    explain: "解释", explainHint: "选一个词，看它取决于图片的哪一部分。",
    others: "其他描述", better: "这个更好", good: "好", bad: "不好", correct: "改正",
    correctLabel: "您对这张图片的描述", save: "保存", cancel: "取消",
    thanks: "谢谢，已保存。", undo: "撤销", undone: "已撤销。", remove: "移除",
    unfit: "可能不宜观看", reveal: "显示", hide: "隐藏",
    searchLabel: "图片里有什么？", searchButton: "搜索", withoutLabel: "不含（可选）",
    nothing: "没有这样的图片。", anyway: "仍显示最接近的", alike: "更多类似的",
    count: (n) => `${n} 张图片`, probability: "匹配度",
    why: { words: "文字相符", vector: "看起来像", both: "文字相符，看起来也像" },
    offer: "这些图片几乎一样，也用您的描述吗？", accept: "用于已勾选的", leave: "不用",
    person: "由人描述", yours: "您的描述", searching: "正在搜索……", model: "模型", speaks: "语言", noPicture: "这不是图片。",
  },
};

let language = localStorage.getItem("language") || (navigator.language.startsWith("zh") ? "zh" : "en");
const listeners = [];

export const text = (key, ...given) => {
  const found = TEXTS[language][key];
  return typeof found === "function" ? found(...given) : found;
};
// A problem in the page's language; the server speaks English.
export const problemText = ({ kind, message }) => TEXTS[language].problems?.[kind] ?? message;
export const percent = (value) =>
  new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 }).format(value);
export const onLanguage = (listener) => listeners.push(listener);

// Elements with data-text show that text, and those with data-label are called so, in whatever language the page speaks.
export function translate(root = document) {
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  for (const element of root.querySelectorAll("[data-label]")) label(element);
}

// What screen readers call an element, where its text is not enough.
function label(element) {
  const { label: key, about } = element.dataset;
  element.setAttribute("aria-label", about ? `${text(key)}: ${about}` : text(key));
}

export function showLanguage() {
  document.documentElement.lang = language;
  const button = document.getElementById("language");
  button.textContent = language === "en" ? "中文" : "English";
  button.lang = language === "en" ? "zh" : "en";
  translate();
  for (const listener of listeners) listener();
}

export function switchLanguage() {
  language = language === "en" ? "zh" : "en";
  localStorage.setItem("language", language);
  showLanguage();
}

export function make(name, options = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(options)) {
    if (key === "text") {
      element.dataset.text = value;
      element.textContent = text(value);
    } else if (key === "label" || key === "about") element.dataset[key] = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in element && key !== "list" && key !== "form") element[key] = value;
    else element.setAttribute(key, value);
  }
  if (options.label) label(element);
  element.append(...children);
  return element;
}

export function announce(message) {
  document.getElementById("status").textContent = message;
}

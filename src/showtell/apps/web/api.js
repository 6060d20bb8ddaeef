// What the page asks of the server. The token comes in the address's fragment, which browsers send nowhere.

let token = sessionStorage.getItem("token");
const found = new URLSearchParams(location.hash.slice(1)).get("token");
if (found) {
  setToken(found);
  history.replaceState(null, "", location.pathname); // the token shall not stand in the address bar
}

export function setToken(given) {
  token = given;
  sessionStorage.setItem("token", given);
}

export class Problem extends Error {
  constructor(problem) {
    super(problem.detail);
    this.kind = (problem.type || "").split(":").pop();
    this.status = problem.status;
  }
}

const unreachable = { type: "urn:showtell:problem:unreachable", status: 0, detail: "the server does not answer" };

async function ask(path, options = {}) {
  for (let attempt = 0; ; attempt++) {
    let answer;
    try {
      answer = await fetch(path, { ...options, headers: { Authorization: `Bearer ${token}`, ...options.headers } });
    } catch {
      throw new Problem(unreachable);
    }
    if (answer.ok) return answer;
    if (answer.status === 429 && attempt < 8) {
      await new Promise((done) => setTimeout(done, 500 * (attempt + 1)));
      continue;
    }
    const problem = await answer.json().catch(() => ({ status: answer.status, detail: answer.statusText }));
    throw new Problem(problem);
  }
}

const json = async (answer) => (await answer).json();
const form = (name, file, fields) => {
  const body = new FormData();
  body.append(name, file, file.name || "picture");
  for (const [key, value] of Object.entries(fields)) body.append(key, value);
  return { method: "POST", body };
};
const post = (value) => ({
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(value),
});

let known = null; // the latest answer of `health`, so that no picture is sent before it is known what is asked
let screening = null;
let library = false;
export const screens = () => screening !== false;
export const hasLibrary = () => library;
export function health() {
  known = json(ask("api/health"));
  known.then((health) => { ({ screening, library } = health); }, () => {});
  return known;
}
export const card = () => json(ask("api/card"));
export async function caption(file) {
  const { screening: screen } = await (known ?? health());
  return (await json(ask("api/caption", form("pictures", file, { language: "both", screen })))).results[0];
}
export const explain = (file, language) => json(ask("api/explain", form("picture", file, { language })));
export const judge = (row) => json(ask("api/feedback", post(row)));
export const forget = (id) => json(ask("api/feedback/delete", post({ id })));
export const find = (fields) => json(ask(`api/find?${new URLSearchParams(fields)}`));
export const alike = (id) => json(ask(`api/alike?${new URLSearchParams({ id })}`));
export const alikePicture = (file) => json(ask("api/alike/picture", form("picture", file, {})));
export const describe = (ids, text, language, correction) =>
  json(ask("api/describe", post({ ids, text, language, correction })));
export async function thumbnail(id) {
  const answer = await ask(`api/thumbnail?${new URLSearchParams({ id })}`);
  return { url: URL.createObjectURL(await answer.blob()), unsafe: answer.headers.get("X-Showtell-Unsafe") === "true" };
}

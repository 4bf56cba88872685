"use strict";
const $ = (id) => document.getElementById(id);
// What was said, as the API takes it; the document that is part of it.
let conversation = [], sentDocument = "";
let model = null, ready = false, running = null, retry = 0, examples = [], lastQuestion = "";

function element(tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

function button(text, action) {
  const b = element("button", "", text);
  b.type = "button";
  b.onclick = action;
  return b;
}

function refresh() {
  $("send").disabled = !ready;
  $("send").hidden = running !== null;
  $("stop").hidden = running === null;
  $("fresh").disabled = running !== null || !$("log").querySelector(".turn");
  for (const b of document.querySelectorAll("#questions button, .again")) b.disabled = !ready || running !== null;
}

// ---- the node -----------------------------------------------------------------------------------

function headers() {
  const key = $("key").value.trim();
  return key ? { "Authorization": "Bearer " + key } : {};
}

// The server's own sentence where there is one.
async function failure(response) {
  let message = "The node answered " + response.status + ".";
  try { message = (await response.json()).error.message; } catch (e) { /* not JSON: the status says it */ }
  if (response.status === 401) askForKey(message);
  return new Error(message);
}

function askForKey(message) {
  $("keyBox").hidden = false;
  $("keyNote").textContent = message;
  drawer(true);
  $("key").focus();
}

function state(word, kind) {
  $("state").textContent = word;
  $("state").className = "state " + kind;
}

async function connect() {
  try {
    const health = await (await fetch("/health/ready")).json();
    ready = health.status === "ready";
    state(health.status === "failed" ? health.reason : health.status, health.status);
    if (model === null) use(health.model);
    if (ready) await models();
  } catch (e) {
    ready = false;
    state("not reachable", "failed");
  }
  refresh();
  clearTimeout(retry);
  if (!ready) retry = setTimeout(connect, 1000);
}

async function models() {
  const response = await fetch("/v1/models", { headers: headers() });
  if (!response.ok) {
    if (response.status === 401) $("keyBox").hidden = false;
    if (response.status === 401 && $("key").value) await failure(response);
    return;
  }
  const ids = (await response.json()).data.map((m) => m.id);
  $("models").replaceChildren(...ids.map((id) => new Option(id, id, false, id === model)));
  $("models").hidden = ids.length < 2;
  $("model").hidden = ids.length > 1;
  if (ids.length > 0) use(ids.includes(model) ? model : ids[0]);
}

function use(id) {
  model = id;
  $("model").textContent = id;
  $("models").value = id;
  const tiny = id.startsWith("embedded:");
  $("note").hidden = !tiny;
  $("examplesBox").hidden = !tiny || examples.length === 0;
  $("questions").hidden = $("examplesBox").hidden || !example();
}

// ---- examples -----------------------------------------------------------------------------------

// The one whose document is in place.
function example() {
  return examples.find((x) => x.document === $("document").value);
}

async function loadExamples() {
  examples = await (await fetch("/kvasir/examples")).json();
  $("remember").checked = examples.length === 0;
  if (examples.length === 0) return;
  examples.forEach((x, i) => $("examples").append(new Option(x.title, i)));
  $("examples").append(new Option("Own text", ""));
  $("document").value = examples[0].document;
  documentChanged();
  if (model !== null) use(model);
}

function documentChanged() {
  const text = $("document").value, x = example();
  $("length").textContent = text ? text.length.toLocaleString("en") + " characters, sent before the question" : "";
  $("examples").value = x ? examples.indexOf(x) : "";
  $("questions").hidden = !x || $("examplesBox").hidden;
  $("questions").replaceChildren(...(x ? x.questions : []).map((q) => button(q, () => ask(q))));
  $("emptyTitle").textContent = text ? "Ask about the document" : "Ask something";
  refresh();
}

// ---- an answer on the page ------------------------------------------------------------------------

function turn(role, who) {
  $("empty").hidden = true;
  const box = element("article", "turn " + role), body = element("div", "text");
  box.setAttribute("aria-label", role === "user" ? "Question" : "Answer");
  // A question is told by its place and colour; a reader hears its label.
  if (role !== "user") box.append(element("div", "who", who));
  box.append(body);
  $("log").append(box);
  const live = element("div", "figures");
  if (role !== "user") box.append(live);
  return { box, body, live };
}

// Code, and words in bold; everything else as it came.
function render(body, text) {
  const parts = [];
  text.split("```").forEach((piece, i) => {
    if (i % 2 === 1) {
      parts.push(element("pre", "", piece.replace(/^[^\n]*\n/, "").replace(/\n$/, "")));
      return;
    }
    for (const span of piece.split(/(`[^`\n]+`|\*\*[^*\n]+\*\*)/)) {
      if (span.length > 2 && span.startsWith("`")) parts.push(element("code", "", span.slice(1, -1)));
      else if (span.length > 4 && span.startsWith("**")) parts.push(element("b", "", span.slice(2, -2)));
      else parts.push(span);
    }
  });
  body.replaceChildren(...parts);
}

function follow(always) {
  const log = $("log");
  if (always || log.scrollHeight - log.scrollTop - log.clientHeight < 160) log.scrollTop = log.scrollHeight;
}

function milliseconds(ms) {
  return ms < 995 ? Math.round(ms) + " ms" : (ms / 1000).toFixed(ms < 9950 ? 2 : 1) + " s";
}

function perSecond(count, ms) {
  const rate = (count - 1) / (ms / 1000);
  return count > 1 && isFinite(rate) ? rate.toFixed(rate < 10 ? 1 : 0) : "";
}

// While it streams: deltas for tokens, the page's clock.
function live(answer, measured) {
  const numbers = element("div", "numbers");
  numbers.append(number(milliseconds(measured.firstMs), "to the first token"));
  const rate = perSecond(measured.deltas, measured.lastMs - measured.firstMs);
  if (rate) numbers.append(number("≈ " + rate, "tokens/s"));
  answer.live.replaceChildren(numbers);
}

function number(value, unit) {
  const s = element("span");
  s.append(element("b", "", value), " " + unit);
  return s;
}

// Where the prompt's tokens came from, as a strip and in words.
function sources(usage) {
  const all = usage.prompt_tokens, cached = usage.prompt_tokens_details.cached_tokens;
  const share = Math.round(100 * cached / all);
  const strip = element("div", "strip");
  strip.setAttribute("role", "img");
  strip.setAttribute("aria-label", share + " percent of the prompt came from the cache");
  const k = usage.kvasir || {};
  // What came from farther than the device has a name; the rest of the cached tokens is the device's.
  const far = [["host memory", k.host_tokens], ["disk", k.disk_tokens], ["another node", k.peer_tokens], ["a remote store", k.remote_tokens]]
    .filter(([, count]) => count > 0);
  const near = far.reduce((left, [, count]) => left - count, cached);
  for (const [count, name, from] of [[near, "hit", "device"], ...far.map(([from, count]) => [count, "hit far", from]), [all - cached, "miss", "computed"]]) {
    if (count === 0) continue;
    const part = element("span", name);
    part.style.width = 100 * count / all + "%";
    part.title = count + " tokens, " + from;
    strip.append(part);
  }
  strip.dataset.share = share;
  const found = element("span", "key", "prompt: " + cached + " of " + all + " tokens cached (" + share + " %)");
  const words = [strip, found];
  for (const [from, count] of far) words.push(element("span", "key far", count + " from " + from));
  words.push(element("span", "key miss", (all - cached) + " computed"));
  if (k.node) words.push(element("span", "node", "by " + k.node + (k.attempts > 1 ? ", after " + (k.attempts - 1) + " lost" : "")));
  return words;
}

function figures(answer, measured, usage, again) {
  const f = element("div", "figures"), numbers = element("div", "numbers");
  if (usage && usage.prompt_tokens > 0) {
    const [strip, ...words] = sources(usage), row = element("div", "numbers");
    row.append(...words);
    f.append(strip, row);
  }
  if (measured.firstMs) numbers.append(number(milliseconds(measured.firstMs), "to the first token"));
  // The node's clock where it is known: here several tokens may arrive at once.
  const count = usage ? usage.completion_tokens : measured.deltas;
  const spentMs = usage && usage.kvasir ? usage.kvasir.total_ms - usage.kvasir.first_token_ms : measured.lastMs - measured.firstMs;
  const rate = perSecond(count, spentMs), about = usage ? "" : "≈ ";
  if (rate) numbers.append(number(about + rate, "tokens/s"));
  if (count > 0) numbers.append(number(about + count, count === 1 ? "token" : "tokens"));
  if (measured.stopped) numbers.append(element("span", "stopped", "stopped after " + milliseconds(measured.totalMs)));
  if (measured.length) numbers.append(element("span", "", "cut at the token limit"));
  const actions = element("span", "actions"), repeat = button("Ask again", again);
  repeat.className = "again";
  if (navigator.clipboard && measured.text) {
    const copy = button("Copy", async () => {
      await navigator.clipboard.writeText(measured.text);
      copy.textContent = "Copied";
    });
    actions.append(copy);
  }
  actions.append(repeat);
  numbers.append(actions);
  f.append(numbers);
  answer.live.remove();
  answer.box.append(f);
}

// ---- asking -----------------------------------------------------------------------------------------

async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    buffer += value;
    for (let end; (end = buffer.indexOf("\n\n")) >= 0; buffer = buffer.slice(end + 2)) {
      const event = buffer.slice(0, end);
      if (event.startsWith("data: ") && event !== "data: [DONE]") yield JSON.parse(event.slice(6));
    }
  }
}

function request(messages) {
  const body = { model, messages, stream: true, stream_options: { include_usage: true } };
  const system = $("system").value.trim();
  if (system) body.messages = [{ role: "system", content: system }, ...messages];
  for (const [field, id] of [["temperature", "temperature"], ["max_tokens", "maxTokens"]]) {
    const text = $(id).value.trim();
    // What is no number goes out as it is: the node's refusal names it.
    if (text) body[field] = isNaN(Number(text)) ? text : Number(text);
  }
  return body;
}

// Reads an answer to its end; what was measured so far is in `measured` also when it breaks off.
async function receive(messages, answer, measured, start) {
  let painting = 0;
  const paint = () => {
    painting = 0;
    render(answer.body, measured.text);
    if (measured.deltas > 1) live(answer, measured);
    follow();
  };
  try {
    const response = await fetch("/v1/chat/completions", {
      method: "POST", headers: { "Content-Type": "application/json", ...headers() },
      body: JSON.stringify(request(messages)), signal: running.signal });
    if (!response.ok) throw await failure(response);
    for await (const event of events(response)) {
      if (event.error) throw new Error(event.error.message);
      if (event.usage) measured.usage = event.usage;
      const choice = event.choices[0];
      if (choice && choice.finish_reason === "length") measured.length = true;
      if (choice && choice.delta.content) {
        measured.lastMs = performance.now() - start;
        measured.firstMs = measured.firstMs || measured.lastMs;
        measured.text += choice.delta.content;
        measured.deltas++;
        painting = painting || requestAnimationFrame(paint);
      }
    }
  } finally {
    cancelAnimationFrame(painting);
    paint();
  }
}

async function ask(question) {
  if (!ready || running !== null) return;
  lastQuestion = question;
  running = new AbortController();
  drawer(false);
  const attached = $("document").value.trim(), kept = $("remember").checked;
  if (!kept) { conversation = []; sentDocument = ""; }
  const withDocument = attached && attached !== sentDocument;
  const asked = { role: "user", content: withDocument ? attached + "\n\n" + question : question };
  const shown = turn("user");
  shown.body.textContent = question;
  if (withDocument) shown.box.append(element("div", "attached", "with the document, " + attached.length.toLocaleString("en") + " characters"));
  const answer = turn("assistant running", model);
  answer.box.setAttribute("aria-busy", "true");
  refresh();
  follow(true);
  $("said").textContent = "Answering";
  const start = performance.now();
  const measured = { text: "", deltas: 0, firstMs: 0, lastMs: 0, totalMs: 0, usage: null, stopped: false, length: false };
  let problem = null;
  try {
    await receive([...conversation, asked], answer, measured, start);
  } catch (e) {
    measured.stopped = e.name === "AbortError";
    if (!measured.stopped) problem = e instanceof TypeError ? "The connection to the node broke off." : e.message;
  }
  measured.totalMs = performance.now() - start;
  running = null;
  answer.box.classList.remove("running");
  answer.box.removeAttribute("aria-busy");
  if (problem !== null) {
    const p = element("div", "problem", problem);
    p.setAttribute("role", "alert");
    answer.box.append(p);
  }
  figures(answer, measured, measured.usage, () => ask(question));
  $("said").textContent = problem !== null ? "" : measured.stopped ? "Stopped" : measured.text;
  if (measured.text) {
    conversation.push(asked, { role: "assistant", content: measured.text });
    if (withDocument) sentDocument = attached;
  }
  refresh();
  follow(true);
  if ($("keyBox").contains(document.activeElement)) return;
  // On a phone the keyboard would cover the answer.
  if (matchMedia("(hover: hover)").matches) $("question").focus({ preventScroll: true });
  if (problem !== null) connect();
}

function stop() {
  if (running !== null) running.abort();
}

// ---- controls -----------------------------------------------------------------------------------------

// The side panel, where it lies over the conversation.
function drawer(open) {
  const over = open && getComputedStyle($("open")).display !== "none";
  $("side").classList.toggle("shown", over);
  $("shade").hidden = !over;
  document.querySelector("main").inert = over;
  $("open").setAttribute("aria-expanded", String(over));
  if (over) $("side").querySelector("select, textarea").focus();
}

function grow() {
  const q = $("question");
  q.style.height = "auto";
  q.style.height = Math.min(q.scrollHeight, 176) + "px";
}

$("form").onsubmit = (e) => {
  e.preventDefault();
  const q = $("question").value.trim();
  if (!q || !ready || running !== null) return;
  $("question").value = "";
  grow();
  ask(q);
};
$("stop").onclick = stop;
$("fresh").onclick = () => {
  conversation = [];
  sentDocument = "";
  for (const t of $("log").querySelectorAll(".turn")) t.remove();
  $("empty").hidden = false;
  refresh();
  $("question").focus();
};
$("open").onclick = () => drawer($("open").getAttribute("aria-expanded") !== "true");
$("close").onclick = $("shade").onclick = () => { drawer(false); $("open").focus(); };
$("models").onchange = () => use($("models").value);
$("examples").onchange = () => {
  const x = examples[$("examples").value];
  $("document").value = x ? x.document : "";
  documentChanged();
  if (!x) $("document").focus();
};
$("document").oninput = documentChanged;
$("key").value = sessionStorage.getItem("kvasir.key") || "";
$("key").onchange = () => {
  sessionStorage.setItem("kvasir.key", $("key").value.trim());
  connect();
};
$("theme").onclick = () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("kvasir.theme", root.dataset.theme);
};
if (localStorage.getItem("kvasir.theme")) document.documentElement.dataset.theme = localStorage.getItem("kvasir.theme");
$("question").oninput = grow;
$("question").onkeydown = (e) => {
  if (e.isComposing) return;
  if (e.key === "Enter" && !e.shiftKey) {
    e.preventDefault();
    $("form").requestSubmit();
  } else if (e.key === "ArrowUp" && !$("question").value && lastQuestion) {
    e.preventDefault();
    $("question").value = lastQuestion;
    grow();
  }
};
document.onkeydown = (e) => {
  if (e.key !== "Escape") return;
  if ($("open").getAttribute("aria-expanded") === "true") $("close").click();
  else stop();
};
refresh();
documentChanged();
connect();
loadExamples().catch(() => {});

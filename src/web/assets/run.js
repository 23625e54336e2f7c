// The page of a run follows the run. The stream only says that something happened; what is shown is always the
// page's own parts, fetched again, so that there is one way to draw them.
(() => {
  "use strict";
  const { $, all, say, read, keep, copyText, keys, hop, typing, onDress, dress } = steadyhand;
  const run = () => $("#run[data-live]");
  const follow = (log) => { if (log) log.scrollTop = log.scrollHeight; };
  all(".tail .log").forEach(follow);
  if (!$("#run")) return;

  const RETRY_FIRST_MS = 1000, RETRY_MAX_MS = 15000;
  // Nothing may have happened for this long before the server is asked whether that is so: who watches, and the
  // words about time, change without an event.
  const LOOK_AGAIN_MS = 20000;
  // After the question has changed, nothing can be pressed for this long: the finger was on its way to the old one.
  const SETTLE_MS = 700;

  let stream, refreshing = false, again = false, retryMs = RETRY_FIRST_MS, retry, seen, heardAt = Date.now(), lost = false;

  // --- Whether the page is live, and how far behind. ---
  function standing() {
    const mark = $("#live");
    const behind = Math.floor((Date.now() - heardAt) / 1000);
    const text = lost ? `connection lost · ${behind} s behind` : stream?.readyState === 1 || behind < 4 ? "live" : `asks now and then · ${behind} s behind`;
    if (mark && mark.textContent !== text) { mark.textContent = text; mark.classList.toggle("off", lost); }
  }
  setInterval(() => run() && standing(), 1000);
  function heard() {
    heardAt = Date.now();
    if (lost) { lost = false; $("#lost")?.remove(); say("Connected again: this is how it stands now"); }
    standing();
  }
  function missing() {
    if (!run()) return;
    if (!lost) {
      lost = true;
      notice("lost", "<p><strong>Connection lost, still running on the server.</strong> This page catches up by itself.</p><button type=button>Try now</button>");
      $("#lost button").onclick = () => { clearTimeout(retry); connect(); refresh(); };
    }
    standing();
  }
  // Below everything else, so that nothing moves.
  function notice(id, html) {
    if (document.getElementById(id)) return;
    const note = document.createElement("div");
    note.id = id;
    note.className = "notice";
    note.setAttribute("role", "status");
    note.innerHTML = html;
    document.body.append(note);
  }

  // --- Fetching the parts again. ---
  async function refresh() {
    if (refreshing) { again = true; return; }
    refreshing = true;
    try {
      const answer = await fetch(`/runs/${$("#run").dataset.run}/parts`, { headers: { accept: "text/html" } });
      if (answer.status === 401) { signedOut(); return; }
      if (!answer.ok) throw new Error(String(answer.status));
      take(new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("run"));
      heard();
    } catch {
      again = false;
      missing();
    } finally {
      refreshing = false;
    }
    if (again) { again = false; setTimeout(() => run() && refresh(), 250); }
  }
  function signedOut() {
    close();
    notice("lost", "<p><strong>You are signed out.</strong> The run goes on on the server.</p><a>Sign in again</a>");
    $("#lost a").href = location.pathname;
  }

  // A person's words outlive updates: what belongs to the same question is not drawn anew for a new number, for a
  // passing second, or for what this script itself has made of it.
  function plain(element) {
    const copy = element.cloneNode(true);
    for (const passing of all("time, [data-since], [data-notify], .live", copy)) passing.replaceChildren();
    return copy.outerHTML.replace(/(name="seq" value=")\d+/g, "$1").replace(/ (open|hidden|class|title|datetime|aria-disabled|aria-pressed|data-sent|data-since|data-utc)="[^"]*"/g, (found, name) => name === "class" ? found.replace(" off", "") : "");
  }
  const fresh = new WeakMap();
  const PARTS = ["band", "wheel", "people", "stop", "need", "cells", "facts"];

  function take(next) {
    const now = run();
    if (!now || !next) return;
    const ended = !next.hasAttribute("data-live");
    const step = (part) => $(".current h2", part)?.id;
    const sameShape = step(now) === step(next) && !ended && ["#run > .current", "[data-part=wheel]", "[data-part=cells] ~ [data-part=need]"].every((part) => Boolean($(part, now)) === Boolean($(part, next)));
    if (sameShape) {
      const question = plain($("[data-part=need]", now) ?? now);
      for (const line of all("li.step", next)) swap(document.getElementById(line.id), line);
      for (const name of PARTS) swap($(`[data-part=${name}]`, now), $(`[data-part=${name}]`, next));
      // Where they are is said to those who come back, not to those who are there.
      if (returned) swap($("[data-part=idle]", now), $("[data-part=idle]", next));
      returned = false;
      swapTails($("[data-part=tails]", now), $("[data-part=tails]", next));
      for (const name of ["seq", "needs", "title"]) now.dataset[name] = next.dataset[name];
      if (question !== plain($("[data-part=need]", now) ?? now) && $("[data-part=need]", now)) settle(now);
    } else if (typing() && now.contains(document.activeElement) && document.activeElement.value) {
      offer();
      return;
    } else {
      replace(now, next);
      if (ended) { close(); say("The run has ended."); }
    }
    tell();
    dress();
  }
  function offer() {
    notice("moved", "<p><strong>The run has moved on.</strong> What you typed here may no longer be asked for.</p><a>Show where it is now</a>");
    $("#moved a").href = location.pathname;
  }
  // What the reader has opened stays open, also when it was the current step in between.
  const opened = new Set();
  function replace(now, next) {
    for (const details of all("details[id], [id] > details", now)) opened[details.open ? "add" : "delete"](details.id || details.parentElement.id);
    const held = now.contains(document.activeElement);
    now.replaceWith(next);
    for (const id of opened) { const details = next.querySelector(`details#${CSS.escape(id)}, #${CSS.escape(id)} > details`); if (details) details.open = true; }
    // Never onto a button: what was pressed last must not press the next thing.
    const title = $(".current h2, .result h2", next);
    if (held && title) { title.tabIndex = -1; title.focus({ preventScroll: true }); }
    settle(next);
  }
  function settle(part) {
    part.classList.add("settling");
    setTimeout(() => part.classList.remove("settling"), SETTLE_MS);
  }
  document.addEventListener("submit", (event) => {
    if (!event.target.closest?.(".settling")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    say("The run has just moved on: look again");
  }, true);

  function swap(old, fresher) {
    if (!old || !fresher) return;
    const key = plain(fresher);
    if ((fresh.get(old) ?? plain(old)) === key) return;
    const held = old.contains(document.activeElement);
    if (held && (typing() || old.dataset.part === "need")) { if (old.dataset.part === "need") offer(); return; }
    const open = all("details", old).map((details) => details.open);
    const at = held ? all("a, button, summary", old).indexOf(document.activeElement) : -1;
    fresh.set(fresher, key);
    old.replaceWith(fresher);
    if (held) all("a, button, summary", fresher)[at]?.focus({ preventScroll: true });
    all("details", fresher).forEach((details, position) => { if (open[position]) details.open = true; });
  }
  function swapTails(old, next) {
    if (!old || !next) return;
    // A preview moves above the button that it is for.
    for (const before of all("[data-tail]", old)) if (!$(`[data-tail="${before.dataset.tail}"]`, next)) before.remove();
    for (const tail of all("[data-tail]", next)) {
      const before = $(`[data-tail="${tail.dataset.tail}"]`, old);
      if (!before) { old.append(tail); follow($(".log", tail)); continue; }
      if (before.innerHTML === tail.innerHTML) continue;
      const log = $(".log", before);
      const atEnd = !log || log.scrollHeight - log.scrollTop - log.clientHeight < 40;
      const reading = log && (!atEnd || (getSelection()?.toString() && log.contains(getSelection().anchorNode)));
      if (reading) { more(before, tail, log); continue; }
      before.replaceWith(tail);
      follow($(".log", tail));
    }
  }
  // Whoever reads further up is not scrolled away: the new lines wait behind a button.
  function more(before, tail, log) {
    let button = $(".newlines", before);
    if (!button) {
      button = document.createElement("button");
      button.className = "newlines";
      button.type = "button";
      before.append(button);
    }
    const lines = all(".l", tail).length - all(".l", log).length;
    button.textContent = lines > 0 ? `${lines} new lines` : "New lines";
    button.onclick = () => { before.replaceWith(tail); follow($(".log", tail)); };
  }

  // --- The stream. A browser opens six connections to a server: pages in the background give theirs back, and ask
  // now and then instead, unless their reader wants to be called. ---
  function connect() {
    const now = run();
    if (!now || stream || (document.hidden && !calls())) return;
    stream = new EventSource(`/api/v1/runs/${now.dataset.run}/events?after=${seen ?? now.dataset.seq}`);
    stream.onopen = () => { retryMs = RETRY_FIRST_MS; heard(); refresh(); };
    for (const kind of ["event", "output"]) {
      stream.addEventListener(kind, (event) => { if (event.lastEventId) seen = event.lastEventId; heard(); refresh(); });
    }
    stream.addEventListener("end", () => { close(); refresh(); });
    stream.onerror = () => {
      close();
      if (!run() || document.hidden) return;
      // Whether the server is there, or only has no place for another stream, is seen by asking it.
      refresh();
      clearTimeout(retry);
      retry = setTimeout(() => { if (run()) { refresh(); connect(); } }, retryMs);
      retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
    };
  }
  function close() { stream?.close(); stream = undefined; }
  let returned = false;
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) { returned = true; retryMs = RETRY_FIRST_MS; connect(); refresh(); } else if (!calls()) close();
  });
  window.addEventListener("online", () => { clearTimeout(retry); connect(); refresh(); });
  window.addEventListener("pagehide", close);
  setInterval(() => { if (run() && Date.now() - heardAt >= LOOK_AGAIN_MS - 1000) refresh(); }, LOOK_AGAIN_MS);

  // --- The run needs its reader: the title and the icon say so, and the browser, if it was asked to. ---
  const calls = () => read("notify") === "on" && globalThis.Notification?.permission === "granted";
  const icon = $("link[rel=icon]");
  const quietIcon = icon?.href;
  let needed = $("#run").dataset.needs;
  function tell() {
    const now = $("#run");
    const needs = now.dataset.needs;
    if (now.dataset.title) document.title = `${needs ? "● " : ""}${now.dataset.title} · Steadyhand`;
    if (icon) icon.href = needs ? `${quietIcon}#badge` : quietIcon;
    if (needs && needs !== needed && document.hidden && calls()) {
      const call = new Notification("A run needs you", { body: needs, tag: now.dataset.run });
      call.onclick = () => { window.focus(); call.close(); };
    }
    needed = needs;
  }
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-notify]");
    if (!button) return;
    if (calls()) { keep("notify", "off"); say("You are not called any more"); } else {
      const answer = await globalThis.Notification?.requestPermission();
      keep("notify", answer === "granted" ? "on" : "off");
      say(answer === "granted" ? "You are called when a run needs you" : "The browser does not allow it");
    }
    dress();
  });
  onDress(() => all("[data-notify]").forEach((button) => {
    button.hidden = !globalThis.Notification;
    button.setAttribute("aria-pressed", String(calls()));
    $("span", button).textContent = calls() ? "You are called" : "Call me when it needs me";
  }));

  // --- Keys: they move about and copy. ---
  keys.add("n", "next step", () => hop("[data-step]", 1));
  keys.add("p", "previous step", () => hop("[data-step]", -1));
  keys.add("f", "next failure", () => { hop("[data-step].bad, [data-step].unsure, .cells li.bad", 1); const step = document.activeElement?.closest(".step > details"); if (step) step.open = true; });
  keys.add("l", "follow the output", () => all(".log").forEach(follow));
  keys.add("w", "wrap long lines", () => all(".tail .log").forEach((log) => log.classList.toggle("nowrap")));
  keys.add("c", "copy the command of this step", () => {
    const near = document.activeElement?.closest("[data-step]") ?? $("#current");
    const command = near && $(".command", near);
    if (command) copyText(command.textContent, "The command is copied"); else say("This step has no command");
  });

  onDress(standing);
  tell();
  if (run()) { seen = run().dataset.seq; connect(); }
})();

// Steadyhand's one script. Pages are complete without it: it keeps them fresh and saves keystrokes.
// It never starts, confirms or stops anything.
(() => {
  "use strict";
  const $ = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  document.documentElement.classList.add("scripted");

  // --- A line that says what just happened, for eyes and screen readers. ---
  let toastTimer;
  const say = (text) => {
    const status = $("#status");
    status.textContent = text;
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => { status.textContent = ""; }, 4000);
  };

  // --- Times: as the server wrote them (UTC), or in the reader's zone. ---
  let local = read("times") !== "utc";
  function read(key) { try { return localStorage.getItem(key); } catch { return null; } }
  function keep(key, value) { try { localStorage.setItem(key, value); } catch { /* private window */ } }
  const zoned = new Intl.DateTimeFormat(undefined, { dateStyle: "short", timeStyle: "medium" });
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const showTimes = (from = document) => all("time[datetime]:not([data-ago])", from).forEach((time) => {
    time.dataset.utc ??= time.textContent;
    time.textContent = local ? `${zoned.format(new Date(time.dateTime))} (${zone})` : time.dataset.utc;
  });

  // --- Elapsed time counts on between updates. ---
  const spell = (seconds) => seconds < 60 ? `${seconds} s`
    : seconds < 3600 ? `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`
    : `${Math.floor(seconds / 3600)} h ${String(Math.floor(seconds % 3600 / 60)).padStart(2, "0")} min`;
  setInterval(() => all("[data-since]").forEach((clock) => {
    clock.textContent = spell(Math.max(0, Math.floor((Date.now() - Number(clock.dataset.since)) / 1000)));
  }), 1000);

  // --- A typed confirmation goes nowhere until it matches. ---
  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("form[data-expected]");
    if (form) gate(form);
    if (event.target.name === "host") countHosts();
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("form[data-expected]") && !matches(form)) {
      event.preventDefault();
      say(`Type exactly: ${form.dataset.expected}`);
      $("[name=typed]", form).focus();
      return;
    }
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (form.method === "post") form.dataset.sent = "1";
  });
  window.addEventListener("pageshow", () => all("form[data-sent]").forEach((form) => delete form.dataset.sent));
  const matches = (form) => $("[name=typed]", form).value.trim() === form.dataset.expected;
  const gate = (form) => $("button", form).setAttribute("aria-disabled", String(!matches(form)));
  const gates = () => all("form[data-expected]").forEach(gate);

  function countHosts() {
    const words = $("[data-picked]");
    if (!words) return;
    const picked = all("input[name=host]:checked").length;
    words.textContent = picked === 1 ? "1 chosen" : `${picked} chosen`;
  }

  // --- The run page follows the run. The stream only says that something happened; what is shown is
  // always the page's own parts, fetched again, so that there is one way to draw them. ---
  const run = () => $("#run[data-live]");
  let stream, refreshing = false, again = false, retryMs = 1000, poll, seen;
  let liveText = "", liveOff = false;
  const live = (text, off) => {
    [liveText, liveOff] = [text, off];
    const mark = $("#live");
    if (!mark || mark.textContent === text) return;
    mark.textContent = text;
    mark.classList.toggle("off", Boolean(off));
  };
  // A person's words outlive updates: what belongs to the same question is not drawn anew for a new number.
  const plain = (element) => element.outerHTML.replace(/(name="seq" value=")\d+/g, "$1").replace(/ (open|aria-disabled|data-sent)="[^"]*"/g, "").replace(/ data-utc="[^"]*"/g, "");
  const fresh = new WeakMap();

  async function refresh() {
    if (refreshing) { again = true; return; }
    refreshing = true;
    try {
      const answer = await fetch(`/runs/${run().dataset.run}/parts`, { headers: { accept: "text/html" } });
      if (answer.status === 401) { live("signed out: reload this page", true); stop(); return; }
      if (!answer.ok) throw new Error(String(answer.status));
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("run");
      take(next);
    } catch {
      live("reconnecting", true);
      again = false;
      setTimeout(() => run() && refresh(), 2000);
    }
    refreshing = false;
    if (again) { again = false; setTimeout(() => run() && refresh(), 250); }
  }

  function take(next) {
    const now = run();
    if (!now || !next) return;
    const ended = !next.hasAttribute("data-live");
    const step = (part) => $(".current h2", part)?.id;
    const sameShape = step(now) === step(next) && !ended && ["#run > .current", "[data-part=wheel]"].every((part) => Boolean($(part, now)) === Boolean($(part, next)));
    if (sameShape) {
      swapList(now, next);
      for (const name of ["band", "wheel", "stop", "need", "cells", "facts"]) swap($(`[data-part=${name}]`, now), $(`[data-part=${name}]`, next));
      swapTails($("[data-part=tails]", now), $("[data-part=tails]", next));
      now.dataset.seq = next.dataset.seq;
    } else if (busy(now)) {
      offer();
      return;
    } else {
      const opened = all("details[open]", now).map((details) => details.closest("[id]")?.id).filter(Boolean);
      now.replaceWith(next);
      opened.forEach((id) => { const details = next.querySelector(`#${CSS.escape(id)} details`); if (details) details.open = true; });
      seen = undefined;
      if (ended) { stop(); say("The run has ended."); }
    }
    dress();
  }
  // Steps before and after the current one change rarely; each is swapped alone so that open ones stay open.
  function swapList(now, next) {
    for (const line of all("li.step", next)) swap(document.getElementById(line.id), line);
  }
  function swap(old, fresher) {
    if (!old || !fresher) return;
    const key = plain(fresher);
    if ((fresh.get(old) ?? plain(old)) === key) return;
    if (old.contains(document.activeElement) && (typing() || old.dataset.part === "need")) { if (old.dataset.part === "need") offer(); return; }
    const open = all("details", old).map((details) => details.open);
    fresh.set(fresher, key);
    old.replaceWith(fresher);
    all("details", fresher).forEach((details, position) => { if (open[position]) details.open = true; });
  }
  function swapTails(old, next) {
    if (!old || !next) return;
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
  const follow = (log) => { if (log) log.scrollTop = log.scrollHeight; };
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
  const typing = () => /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");
  const busy = (part) => typing() && part.contains(document.activeElement) && document.activeElement.value;
  function offer() {
    if ($("#moved")) return;
    const note = document.createElement("div");
    note.id = "moved";
    note.className = "message";
    note.setAttribute("role", "alert");
    note.innerHTML = "<p><strong>The run has moved on.</strong> What you typed here may no longer be asked for. <a>Show where it is now</a></p>";
    $("a", note).href = location.pathname;
    $("#run").before(note);
  }

  function connect() {
    const now = run();
    if (!now || stream || document.hidden) return;
    stream = new EventSource(`/api/v1/runs/${now.dataset.run}/events?after=${seen ?? now.dataset.seq}`);
    stream.onopen = () => { live("live"); retryMs = 1000; clearInterval(poll); refresh(); };
    for (const kind of ["event", "output"]) {
      stream.addEventListener(kind, (event) => { if (event.lastEventId) seen = event.lastEventId; live("live"); refresh(); });
    }
    stream.onerror = () => {
      stream?.close();
      stream = undefined;
      live("reconnecting", true);
      if (!run() || document.hidden) return;
      setTimeout(() => { if (run()) { refresh(); connect(); } }, retryMs);
      retryMs = Math.min(retryMs * 2, 15000);
    };
  }
  function stop() { stream?.close(); stream = undefined; }
  // A browser opens six connections to a server: pages in the background give theirs back.
  document.addEventListener("visibilitychange", () => { if (document.hidden) { stop(); live("asleep", true); } else connect(); });
  window.addEventListener("pagehide", stop);

  // --- Lines of output: click one, shift-click another, and the address names them. ---
  const range = () => /^#L(\d+)(?:-L?(\d+))?$/.exec(location.hash);
  function markLines(jump) {
    const hit = range();
    if (!hit || !$("#log")) return;
    const [from, to] = [Number(hit[1]), Number(hit[2] ?? hit[1])].sort((a, b) => a - b);
    all(".l.m", $("#log")).forEach((line) => line.classList.remove("m"));
    const first = document.getElementById(`L${from}`);
    if (!first) { const query = new URLSearchParams(location.search); query.set("lines", `${from}-${to}`); location.replace(`${location.pathname}?${query}#L${from}-L${to}`); return; }
    for (let line = from; line <= to; line += 1) document.getElementById(`L${line}`)?.classList.add("m");
    if (jump) first.scrollIntoView({ block: "center" });
    const share = $("[data-share-lines]");
    if (share) { const link = new URL(share.href); link.searchParams.set("lines", `${from}-${to}`); share.href = link; share.textContent = `Share lines ${from}–${to}`; }
  }
  document.addEventListener("click", (event) => {
    const number = event.target.closest?.(".l .n");
    if (number) {
      const line = Number(number.textContent);
      const hit = range();
      if (event.shiftKey && hit) { event.preventDefault(); history.replaceState(null, "", `#L${Math.min(line, Number(hit[1]))}-L${Math.max(line, Number(hit[1]))}`); markLines(); }
      return;
    }
    const copy = event.target.closest?.("[data-copy]");
    if (copy) copyText(document.getElementById(copy.dataset.copy).value);
    if (event.target.closest?.("[data-keys-toggle]")) { keep("keys", keysOn() ? "off" : "on"); say(keysOn() ? "Keys are on" : "Keys are off"); }
  });
  window.addEventListener("hashchange", () => markLines(true));
  const copyText = (text) => navigator.clipboard?.writeText(text).then(() => say("Copied"), () => say("The browser did not allow copying"));
  document.addEventListener("change", (event) => { if (event.target.matches("[data-wrap]")) wrap(event.target.checked); });
  const wrap = (on) => { $("#log")?.classList.toggle("nowrap", !on); const box = $("[data-wrap]"); if (box) box.checked = on; };

  // --- Keys: none of them does anything to a run. ---
  const keysOn = () => read("keys") !== "off";
  let lead = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing() || event.target.isContentEditable) return;
    if (event.key === "?") { $("#keys").showModal(); return; }
    if (!keysOn() || $("#keys").open) return;
    if (event.key === "g") { lead = Date.now(); return; }
    if (event.key === "h" && Date.now() - lead < 1500) { location.href = "/"; return; }
    const act = {
      "/": () => { const search = $("input[type=search]"); if (search) search.focus(); else location.href = "/runbooks"; },
      n: () => hop("[data-step]", 1), p: () => hop("[data-step]", -1), f: () => hop("[data-step].bad, .found a", 1),
      l: () => all(".log").forEach(follow), w: () => wrap($("#log")?.classList.contains("nowrap")),
      t: () => { local = !local; keep("times", local ? "local" : "utc"); showTimes(); say(local ? `Times in ${zone}` : "Times in UTC"); },
      y: () => copyText(location.href),
    }[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  function hop(selector, by) {
    const steps = all(selector);
    if (!steps.length) return;
    const at = steps.findIndex((step) => step.contains(document.activeElement));
    const next = steps[at < 0 ? (by > 0 ? 0 : steps.length - 1) : Math.min(steps.length - 1, Math.max(0, at + by))];
    const target = next.matches("a") ? next : $("summary", next) ?? next;
    if (target === next && !next.matches("a")) next.tabIndex = -1;
    target.focus();
    target.scrollIntoView({ block: "center" });
  }

  function dress() { if (liveText) live(liveText, liveOff); showTimes(); gates(); countHosts(); }
  dress();
  markLines(true);
  all(".tail .log").forEach(follow);
  if (run()) { seen = run().dataset.seq; connect(); }
})();

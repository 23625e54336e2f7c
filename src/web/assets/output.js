// Long output, the grid of a run, and one host of it: what is new comes by itself, the rest when it is scrolled to.
// Everything that it shows the server has drawn; without it every line is a link away.
(() => {
  "use strict";
  const { $, all, read, keep, say, copyText: copied, keys } = steadyhand;
  const page = async (address) => {
    const answer = await fetch(address, { headers: { accept: "text/html" } });
    if (!answer.ok) throw Object.assign(new Error(String(answer.status)), { status: answer.status });
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  };
  const copy = (text, what) => copied(text, `Copied ${what}`);
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy-text]");
    const from = button && document.getElementById(button.dataset.copyText);
    if (from) copy(from.value ?? from.textContent, from.value ? `${from.value.split("\n").length} names` : "the command");
  });

  // --- What happens in a run: `tick` is called at most every `every` ms. A lost stream is taken up again. ---
  function watch(run, seq, every, tick, tell) {
    let stream, wait = 1000, seen = seq, due = false, busy = false, since;
    const pull = async () => {
      if (busy) { due = true; return; }
      busy = true;
      try { await tick(); since = undefined; tell("live"); } catch (error) {
        if (error.status === 401) { tell("signed out: reload this page", true); stream?.close(); return; }
        since ??= Date.now();
        tell(`reconnecting · ${Math.round((Date.now() - since) / 1000)} s behind`, true);
        due = true;
      }
      setTimeout(() => { busy = false; if (due) { due = false; pull(); } }, since ? 2000 : every);
    };
    const open = () => {
      if (stream || document.hidden) return;
      stream = new EventSource(`/api/v1/runs/${run}/events?after=${seen}`);
      stream.onopen = () => { wait = 1000; pull(); };
      for (const kind of ["event", "output"]) stream.addEventListener(kind, (event) => { if (event.lastEventId) seen = event.lastEventId; pull(); });
      stream.addEventListener("end", () => { close(); pull(); tell("", false); });
      stream.onerror = () => { close(); tell("reconnecting", true); setTimeout(open, wait); wait = Math.min(wait * 2, 15000); };
    };
    const close = () => { stream?.close(); stream = undefined; };
    document.addEventListener("visibilitychange", () => { if (document.hidden) { close(); tell("asleep", true); } else open(); });
    window.addEventListener("pagehide", close);
    open();
    return close;
  }

  // --- Grid and host: parts that changed are put in the place of what they were. ---
  const board = $("#grid[data-live], #hostlog[data-live]");
  if (board) {
    const shape = (part) => part.outerHTML.replace(/ open=""/g, "");
    let shown = new Map();
    watch(board.dataset.run, board.dataset.seq, 1000, async () => {
      const next = await page(location.href);
      for (const part of all("[data-fresh]", next)) {
        const old = document.getElementById(part.id), key = shape(part);
        if (!old || (shown.get(part.id) ?? shape(old)) === key) continue;
        // Nothing moves under a finger, a caret or a selection.
        if (old.contains(document.activeElement) || (String(getSelection()) && old.contains(getSelection().anchorNode))) continue;
        const open = all("details", old).map((details) => details.open);
        shown.set(part.id, key);
        old.replaceWith(part);
        all("details", part).forEach((details, position) => { if (position in open) details.open = open[position]; });
      }
    }, () => {});
  }

  // --- The viewer. ---
  const viewer = $("#viewer");
  if (!viewer || !viewer.dataset.attempt) { if (viewer?.dataset.live !== undefined) watch(viewer.dataset.run, viewer.dataset.seq, 1000, async () => { if ($("#viewer", await page(location.href))?.dataset.attempt) location.reload(); }, () => {}); return; }
  const LINES_LOADED_MAX = 20000, CHUNK = 500, PAGE = 1500;
  const at = { first: Number(viewer.dataset.first), last: Number(viewer.dataset.last), next: Number(viewer.dataset.next), total: Number(viewer.dataset.total) };
  const here = (what, fields) => `${viewer.dataset.here}${what}?${new URLSearchParams({ attempt: viewer.dataset.attempt, ...fields })}`;
  const searched = Object.fromEntries([...new URLSearchParams(location.search)].filter(([name]) => ["q", "re", "case"].includes(name)));
  const log = () => $("#log");
  const line = (number) => document.getElementById(`L${number}`);
  const part = async (fields) => $(".part", await page(here("/lines", { ...searched, ...fields })));

  function settle(from) { times(from); light(); }
  // Lines are put into chunks, which browsers draw only where somebody looks.
  function append(fresh) {
    if (!log()) {
      $("#nothing")?.remove();
      viewer.insertAdjacentHTML("beforeend", '<div class="log numbered" id="log" role="log" aria-live="off" aria-label="Output" tabindex="0"></div>');
      looks();
    }
    const first = Number(fresh.dataset.first);
    for (let old = log().lastElementChild?.lastElementChild; old && Number(old.id.slice(1) || first) >= first;) {
      const before = old.previousElementSibling ?? old.parentElement.previousElementSibling?.lastElementChild;
      const chunk = old.parentElement;
      old.remove();
      if (!chunk.childElementCount) chunk.remove();
      old = before;
    }
    const skipped = Number(fresh.dataset.skipped);
    if (skipped) log().insertAdjacentHTML("beforeend", `<p class="gap"><a href="${here("", { from: first - skipped }).replaceAll("&", "&amp;")}">${skipped} lines in between are a click away</a></p>`);
    for (const added of all(".l", fresh)) {
      let chunk = log().lastElementChild;
      if (!chunk?.matches("pre") || chunk.childElementCount >= CHUNK) { chunk = document.createElement("pre"); chunk.className = "chunk"; log().append(chunk); }
      chunk.append(added);
    }
    at.last = Math.max(at.last, Number(fresh.dataset.last));
    if (!at.first) at.first = first;
    settle(log().lastElementChild);
  }
  function trim() {
    let loaded = all(".l", log()).length;
    while (loaded > LINES_LOADED_MAX && log().childElementCount > 1) {
      loaded -= log().firstElementChild.childElementCount;
      log().firstElementChild.remove();
      at.first = Number($("[id^=L]", log())?.id.slice(1) ?? at.first);
    }
    more("earlier");
  }
  function told(fresh) {
    at.total = Number(fresh.dataset.total);
    const outcome = $("[data-outcome]"), words = $("[data-words]");
    if (outcome && fresh.dataset.outcome) { outcome.textContent = fresh.dataset.outcome; outcome.className = `tag ${fresh.dataset.tone}`; }
    if (words && fresh.dataset.words) words.textContent = fresh.dataset.words;
    return "finished" in fresh.dataset;
  }

  // --- Following: at the end, and only until somebody scrolls away or takes hold of some text. ---
  const button = $("#follow");
  let following = false, touched = 0, over = !("live" in viewer.dataset), stop = () => {};
  const atEnd = () => !$("[data-more=later]");
  const toEnd = () => window.scrollTo(0, document.documentElement.scrollHeight);
  const waiting = () => Math.max(0, at.total - at.last);
  function mode() {
    if (!button) return;
    button.hidden = over && !waiting();
    button.setAttribute("aria-pressed", String(following));
    button.textContent = following ? "Pause" : waiting() ? `${waiting()} new ${waiting() === 1 ? "line" : "lines"}` : "Follow";
    button.classList.toggle("waits", !following && waiting() > 0);
  }
  async function pull() {
    const fresh = await part(following && atEnd() ? { next: at.next } : { next: at.next, count: 1 });
    const finished = told(fresh);
    if (following && atEnd() && Number(fresh.dataset.first)) { append(fresh); at.next = Number(fresh.dataset.next); trim(); toEnd(); }
    if (finished && waiting() === 0 && !over) { over = true; stop(); tell("", false); $(".viewbar").classList.remove("afloat"); say("The command has ended."); }
    mode();
  }
  function follow(on) {
    if (on && !atEnd()) { location.href = here("", {}); return; }
    following = on;
    mode();
    if (on) { toEnd(); pull().catch(() => {}); }
  }
  const tell = (text, off) => { const mark = $("#viewlive"); if (mark && mark.textContent !== text) { mark.textContent = text; mark.classList.toggle("off", Boolean(off)); } };
  button?.addEventListener("click", () => follow(!following));
  for (const kind of ["wheel", "touchmove", "keydown", "pointerdown"]) window.addEventListener(kind, () => { touched = Date.now(); }, { passive: true });
  window.addEventListener("scroll", () => {
    const left = document.documentElement.scrollHeight - innerHeight - scrollY;
    if (Date.now() - touched > 800 || over) return;
    if (following && left > 150) follow(false);
    else if (!following && left < 4 && atEnd() && button) follow(true);
  }, { passive: true });
  document.addEventListener("selectionchange", () => { if (following && String(getSelection()) && log()?.contains(getSelection().anchorNode)) follow(false); });

  // --- More lines, when the way to them comes into sight. ---
  const seen = new IntersectionObserver((entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => load(entry.target)), { rootMargin: "600px" });
  let loading = false;
  async function load(way) {
    if (loading || !log()) return;
    loading = true;
    try {
      const earlier = way.dataset.more === "earlier";
      const [from, to] = earlier ? [Math.max(1, at.first - PAGE), at.first - 1] : [at.last + 1, at.last + PAGE];
      if (from > to) return;
      const fresh = await part({ from, to });
      if (earlier) {
        const anchor = log().firstElementChild, top = anchor.getBoundingClientRect().top;
        all("pre", fresh).reverse().forEach((chunk) => log().prepend(chunk));
        at.first = Number(fresh.dataset.first) || 1;
        settle(log());
        window.scrollBy(0, anchor.getBoundingClientRect().top - top);
      } else {
        told(fresh);
        append(fresh);
        at.next = Number(fresh.dataset.next);
      }
      more(way.dataset.more);
    } catch { say("More lines could not be loaded; the link still leads to them."); seen.unobserve(way); } finally { loading = false; }
  }
  function more(which) {
    const way = $(`[data-more=${which}]`);
    if (!way) return;
    const [from, to] = which === "earlier" ? [Math.max(1, at.first - PAGE), at.first - 1] : [at.last + 1, Math.min(at.total, at.last + PAGE)];
    if (from > to) { seen.unobserve(way); way.remove(); mode(); return; }
    way.href = here("", { ...searched, from });
    way.textContent = `Lines ${from}–${to}`;
    // Seen again only if it still is in sight.
    seen.unobserve(way); seen.observe(way);
  }

  // --- Times, wrapping. ---
  const chosen = $("#times"), wrapped = $("#wrap");
  const started = Number(viewer.dataset.started);
  const clock = { local: new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23" }), utc: new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23", timeZone: "UTC" }) };
  function times(from) {
    const how = chosen.value;
    if (!from || how === "none") return;
    // A little at a time, what is in sight first: a press of a key is answered before all lines are.
    const chunks = from.matches("pre") ? [from] : all("pre", from), inSight = chunks.findIndex((chunk) => chunk.getBoundingClientRect().bottom > 0);
    if (inSight > 0) chunks.push(...chunks.splice(0, inSight));
    const left = chunks.flatMap((chunk) => all(".t", chunk));
    const some = () => {
      if (chosen.value !== how) return;
      for (const time of left.splice(0, 100)) {
        time.dataset.after ??= time.textContent;
        time.textContent = how === "since" ? time.dataset.after : clock[how].format(started + Number(time.dataset.after) * 1000);
      }
      if (left.length) setTimeout(some);
    };
    some();
  }
  function looks() {
    if (!log()) return;
    log().classList.toggle("nowrap", !wrapped.checked);
    for (const how of ["since", "local", "utc", "none"]) log().classList.toggle(`times-${how}`, chosen.value === how);
  }
  function setTimes(how) { chosen.value = how; keep("line-times", how); looks(); times(log()); }
  function setWrap(on) { wrapped.checked = on; keep("wrap", on ? "on" : "off"); looks(); }
  $("option[value=local]", chosen).textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (["local", "utc", "none", "since"].includes(read("line-times"))) chosen.value = read("line-times");
  else if (innerWidth < 640) chosen.value = "none";
  wrapped.checked = read("wrap") !== "off";
  chosen.addEventListener("change", () => setTimes(chosen.value));
  wrapped.addEventListener("change", () => setWrap(wrapped.checked));

  // --- Lines in the address: click one, shift-click or long-press another. ---
  const range = () => { const hit = /^#L(\d+)(?:-L?(\d+))?$/.exec(location.hash); return hit && [Number(hit[1]), Number(hit[2] ?? hit[1])].sort((a, b) => a - b); };
  function mark(jump) {
    const lines = range();
    if (!lines || !log()) return false;
    const [from, to] = lines;
    if (!line(from)) { location.replace(here("", { ...searched, lines: `${from}-${to}` }) + `#L${from}${to > from ? `-L${to}` : ""}`); return true; }
    all(".l.m", log()).forEach((marked) => marked.classList.remove("m"));
    for (let number = from; number <= Math.min(to, from + LINES_LOADED_MAX); number += 1) line(number)?.classList.add("m");
    if (jump) show(line(from));
    const share = $("[data-share-lines]");
    if (share) { const link = new URL(share.href); link.searchParams.set("lines", `${from}-${to}`); share.href = link; share.textContent = `Share lines ${from}–${to}`; }
    const copying = $("#copylines");
    if (copying) copying.textContent = from === to ? `Copy line ${from}` : `Copy lines ${from}–${to}`;
    return true;
  }
  const show = (target) => { if (following) follow(false); target?.scrollIntoView({ block: "center" }); };
  const name = (from, to) => { history.replaceState(null, "", `#L${Math.min(from, to)}${from === to ? "" : `-L${Math.max(from, to)}`}`); mark(); };
  document.addEventListener("click", (event) => {
    const number = event.target.closest?.("#log .n");
    if (!number) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (following) follow(false);
    const now = Number(number.textContent), lines = range();
    name(event.shiftKey && lines ? lines[0] : now, now);
  }, true);
  window.addEventListener("hashchange", (event) => { event.stopImmediatePropagation(); mark(true); }, true);
  $("#copylines")?.addEventListener("click", async () => {
    const lines = range();
    if (lines) {
      try { copy(await (await fetch(here("/file", { as: "txt", lines: lines.join("-") }))).text(), lines[0] === lines[1] ? `line ${lines[0]}` : `lines ${lines.join("–")}`); } catch { say("The lines could not be read"); }
      return;
    }
    const text = all(".l", log() ?? viewer).map((shown) => { const bare = shown.cloneNode(true); all(".n, .t, b, .states", bare).forEach((aside) => aside.remove()); return bare.textContent; }).join("");
    copy(text, `the ${all(".l", log() ?? viewer).length} lines that are loaded`);
  });

  // --- Search: the words in the lines that are loaded, and the way from hit to hit. ---
  const numbers = ($(".found")?.dataset.numbers ?? "").split(",").filter(Boolean).map(Number);
  function light() {
    if (!searched.q || searched.re || !window.Highlight || !log()) return;
    const wanted = searched.case ? searched.q : searched.q.toLowerCase(), marks = new Highlight();
    for (const hit of all(".l.h", log())) {
      const texts = document.createTreeWalker(hit, NodeFilter.SHOW_TEXT);
      for (let node = texts.nextNode(); node; node = texts.nextNode()) {
        if (node.parentElement.matches(".n, .t, b")) continue;
        const text = searched.case ? node.data : node.data.toLowerCase();
        for (let from = text.indexOf(wanted); from >= 0; from = text.indexOf(wanted, from + wanted.length)) { const mark = new Range(); mark.setStart(node, from); mark.setEnd(node, from + wanted.length); marks.add(mark); }
      }
    }
    CSS.highlights.set("hit", marks);
  }
  function hop(by, link) {
    const now = range()?.[0] ?? (Number(viewer.dataset.marked) || (by > 0 ? 0 : Infinity));
    const next = by > 0 ? numbers.find((number) => number > now) : numbers.findLast((number) => number < now);
    if (!next) { if (link) location.href = link; else say("No further hit"); return; }
    if (line(next)) { name(next, next); show(line(next)); say(`Hit ${numbers.indexOf(next) + 1} of ${numbers.length}`); } else location.href = here("", { ...searched, lines: next }) + `#L${next}`;
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-find]");
    if (link && numbers.length) { event.preventDefault(); hop(link.dataset.find === "next" ? 1 : -1, link.href); }
  });

  // --- Keys of this page; none of them does anything to a run. ---
  const order = ["since", "local", "utc", "none"];
  keys.add("l", "follow the output, or pause", () => { if (button && !button.hidden) follow(!following); else toEnd(); });
  keys.add("t", "times of lines", () => { setTimes(order[(order.indexOf(chosen.value) + 1) % 4]); say(`Times: ${chosen.selectedOptions[0].textContent}`); });
  keys.add("w", "wrap long lines", () => setWrap(!wrapped.checked));
  keys.add("c", "copy the command", () => copy($("#command").textContent, "the command"));
  if ($(".troubled")) keys.add("f", "last sign of trouble", () => $(".troubled").click());
  if (numbers.length) {
    keys.add("n", "next hit", () => hop(1, $("[data-find=next]")?.href));
    keys.add("p", "previous hit", () => hop(-1, $("[data-find=previous]")?.href));
  }

  looks();
  settle(log());
  for (const which of ["earlier", "later"]) { const way = $(`[data-more=${which}]`); if (way) seen.observe(way); }
  const marked = viewer.dataset.marked || (viewer.dataset.trouble && over ? viewer.dataset.trouble : "");
  if (!mark(true)) {
    if (marked && line(marked)) { line(marked).classList.add("m"); show(line(marked)); }
    else if (!over && atEnd()) following = true;
  }
  mode();
  if (!over) stop = watch(viewer.dataset.run, viewer.dataset.seq, 300, pull, tell);
  if (following) toEnd();
})();

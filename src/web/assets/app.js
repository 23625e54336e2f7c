// The script of the pages. They are complete without it: it keeps them fresh and saves keystrokes, and it never
// starts, confirms or stops anything. This file holds what every page has, and hands it to the files after it:
//   const { $, all, say, copyText, keys, onDress } = steadyhand;
//   keys.add("f", "next failure", () => hop(".bad", 1));
const steadyhand = (() => {
  "use strict";
  const $ = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  document.documentElement.classList.add("scripted");

  // --- A line that says what just happened, for eyes and screen readers. Never for what must not be missed. ---
  let toastTimer;
  const say = (text) => {
    const status = $("#status");
    status.textContent = text;
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => { status.textContent = ""; }, 4000);
  };

  // --- What this browser remembers: choices of the reader, never anything of a run. ---
  const read = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  const keep = (key, value) => { try { localStorage.setItem(key, value); } catch { /* private window */ } };

  const copyText = (text, done = "Copied") => navigator.clipboard?.writeText(text).then(() => say(done), () => say("The browser did not allow copying"));

  // --- Times: as the server wrote them (UTC), or in the reader's zone. ---
  let local = read("times") !== "utc";
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

  function countHosts() {
    const words = $("[data-picked]");
    if (!words) return;
    const picked = all("input[name=host]:checked").length;
    words.textContent = picked === 1 ? "1 chosen" : `${picked} chosen`;
  }

  document.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest?.(selector);
    const copy = on("[data-copy]");
    if (copy) { const from = document.getElementById(copy.dataset.copy); copyText(from.value ?? from.textContent); }
    if (on("[data-say]")) say(on("[data-say]").dataset.say);
    if (on("[data-keys]")) keys.show();
    if (on("[data-keys-toggle]")) { keep("keys", keys.on() ? "off" : "on"); say(keys.on() ? "Keys are on" : "Keys are off"); }
  });

  // --- Keys: none of them does anything to a run. Each page adds its own; `?` lists those that work here. ---
  const table = new Map();
  let pressed = "", since = 0;
  const keys = {
    // `press`: a key, or several one after the other: "g h".
    add(press, words, act) { table.set(press, { words, act }); },
    on: () => read("keys") !== "off",
    show() {
      const list = $("#keys .keys");
      list.replaceChildren();
      const row = (presses, words) => {
        const [term, about] = [document.createElement("dt"), document.createElement("dd")];
        for (const press of presses) { const cap = document.createElement("kbd"); cap.textContent = press; term.append(cap, " "); }
        about.textContent = words;
        list.append(term, about);
      };
      row(["?"], "this list");
      for (const [press, { words }] of table) row(press.split(" "), words);
      row(["Esc"], "close");
      $("[data-keys-toggle]").textContent = keys.on() ? "Turn the keys off" : "Turn the keys on";
      $("#keys").showModal();
    },
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing() || event.target.isContentEditable) return;
    if (!keys.on() || $("dialog[open]")) return;
    if (event.key === "?") { keys.show(); return; }
    const sequence = Date.now() - since < 1500 ? `${pressed} ${event.key}` : event.key;
    [pressed, since] = [event.key, Date.now()];
    const found = table.get(sequence) ?? table.get(event.key);
    if (!found) return;
    event.preventDefault();
    found.act();
  });
  const typing = () => /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");

  // Moves the focus to the next of these.
  function hop(selector, by) {
    const places = all(selector).filter((place) => place.getClientRects().length);
    if (!places.length) { say("There is none"); return; }
    const at = places.findIndex((place) => place.contains(document.activeElement));
    const next = places[at < 0 ? (by > 0 ? 0 : places.length - 1) : Math.min(places.length - 1, Math.max(0, at + by))];
    const target = next.matches("a") ? next : $("h2[id], summary", next) ?? next;
    if (!target.matches("a, summary")) target.tabIndex = -1;
    target.focus();
    target.scrollIntoView({ block: "center" });
  }

  keys.add("/", "search", () => { const search = $("input[type=search]"); if (search) search.focus(); else location.href = "/runbooks"; });
  keys.add("g h", "what is now", () => { location.href = "/"; });
  keys.add("g b", "runbooks", () => { location.href = "/runbooks"; });
  keys.add("g r", "runs", () => { location.href = "/runs"; });
  keys.add("t", "times in your zone, in UTC", () => { local = !local; keep("times", local ? "local" : "utc"); showTimes(); say(local ? `Times in ${zone}` : "Times in UTC"); });
  keys.add("y", "copy a link to this place", () => copyText(location.href, "The link is copied"));

  // --- What is to be done to a page, and to each part of it that arrives later. ---
  const dressers = [showTimes, () => all("form[data-expected]").forEach(gate), countHosts];
  const onDress = (dresser) => { dressers.push(dresser); dresser(); };
  const dress = () => dressers.forEach((dresser) => dresser());
  dress();

  return { $, all, say, read, keep, copyText, spell, keys, hop, typing, onDress, dress };
})();

// Lists: search while typing, the start form's checks, and the first page kept fresh. Each of these pages is complete
// without it; it only asks the server the same questions earlier, and shows the server's own answers.
(() => {
  "use strict";
  const { $, all, copyText } = steadyhand;
  const page = async (address, options) => {
    const answer = await fetch(address, { headers: { accept: "text/html" }, ...options });
    // A form that does not fit is answered with 422, and the page says why.
    if (!answer.ok && answer.status !== 422) throw new Error(String(answer.status));
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  };
  const later = (wait, act) => {
    let timer;
    return (...given) => { clearTimeout(timer); timer = setTimeout(() => act(...given), wait); };
  };

  // --- Runbooks: search while typing. The newest answer counts, whichever comes last. ---
  const search = $("form[data-live-search]");
  if (search) {
    const field = $("input[type=search]", search);
    let asked;
    const look = async () => {
      asked?.abort();
      asked = new AbortController();
      const query = new URLSearchParams([...new FormData(search)].filter(([, value]) => value));
      const address = `/runbooks${query.size ? `?${query}` : ""}`;
      try {
        const found = $("#found", await page(address, { signal: asked.signal }));
        const open = $(".narrow")?.open;
        $("#found").replaceWith(found);
        if (open && $(".narrow")) $(".narrow").open = true;
        history.replaceState(null, "", address);
        steadyhand.dress();
      } catch (failed) {
        // The button still works, and says what is wrong.
        if (failed.name !== "AbortError") $("#found-words").textContent = "Could not search just now: press Search";
      }
    };
    field.addEventListener("input", later(150, look));
    const links = () => all("a[data-book]");
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      const at = links().indexOf(document.activeElement);
      if (document.activeElement !== field && at < 0) return;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        const next = event.key === "ArrowDown" ? at + 1 : at - 1;
        event.preventDefault();
        if (next < 0) field.focus(); else links()[Math.min(next, links().length - 1)]?.focus();
      }
      if (event.key === "Escape" && at >= 0) field.focus();
      // Enter opens what fits best, once the list shows what was typed.
      const shown = new URLSearchParams(location.search).get("q") ?? "";
      if (event.key === "Enter" && document.activeElement === field && field.value && shown === field.value && links()[0]) {
        event.preventDefault();
        location.href = links()[0].href;
      }
    });
    if (matchMedia("(hover: hover)").matches && !location.hash) field.focus({ preventScroll: true });
  }

  // --- Start: what the server says about what is typed, at the field that it is about. ---
  const form = $("form[data-check]");
  if (form) {
    const touched = new Set();
    const open = () => new URLSearchParams([...new FormData(form)].filter(([name, value]) => !name.startsWith("secret.") && typeof value === "string"));
    let asked;
    const check = later(350, async () => {
      asked?.abort();
      asked = new AbortController();
      const given = open();
      given.set("do", "check");
      try {
        const told = await page(form.action, { method: "POST", body: given, signal: asked.signal });
        for (const name of touched) tell($(`[data-field="${CSS.escape(name)}"]`), $(`[data-field="${CSS.escape(name)}"] .error`, told));
        const hosts = $("#hosts-error");
        if (hosts && touched.has("#hosts")) hosts.textContent = $("#hosts-error", told)?.textContent ?? "";
      } catch { /* what would happen is checked again when it is asked for */ }
    });
    const tell = (field, told) => {
      const error = $(".error", field ?? form);
      if (!field || !error) return;
      const text = told?.textContent ?? "";
      if (error.textContent !== text) error.textContent = text;
      field.classList.toggle("wrong", text !== "");
      all("input, textarea", field).forEach((input) => text ? input.setAttribute("aria-invalid", "true") : input.removeAttribute("aria-invalid"));
    };
    const count = () => {
      const words = $("[data-picked-of]", form);
      if (!words) return;
      const [picked, max] = [all("input[name=host]:checked", form).length, Number(words.dataset.max ?? 0)];
      words.textContent = max ? `${picked} chosen, at most ${max}` : `${picked} chosen`;
      words.toggleAttribute("data-over", max > 0 && picked > max);
    };
    const link = () => {
      const shared = $("[data-start-link]", form);
      if (!shared) return;
      // The server made it from what it knows to be no secret; only the same kinds of fields go into it here.
      const kept = [...open()].filter(([name, value]) => name.startsWith("input.") || name === "host" || (name === "pace" && value === "auto"));
      const query = new URLSearchParams(kept);
      shared.href = `${new URL(form.action).pathname}${query.size ? `?${query}` : ""}`;
    };
    // Only what is in sight is shown; what is chosen stays in sight.
    const narrow = () => {
      const text = $("#pick", form)?.value.trim().toLowerCase() ?? "";
      const terms = text.split(",").map((term) => term.trim()).filter(Boolean);
      all(".hostlist .pick", form).forEach((line) => {
        const said = line.textContent.toLowerCase();
        line.hidden = !$("input", line).checked && !terms.every((term) => said.includes(term));
      });
    };
    form.addEventListener("input", (event) => {
      const field = event.target.closest("[data-field]");
      if (field && !event.target.name.startsWith("secret.")) touched.add(field.dataset.field);
      if (event.target.name === "host") { touched.add("#hosts"); count(); }
      if (event.target.id === "pick") { narrow(); return; }
      link();
      check();
    });
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.target.id !== "pick") return;
      event.preventDefault();
      $("button[value=pick]", form).click();
    });
    const shared = $("[data-start-link]", form);
    if (shared && navigator.clipboard) {
      const copy = document.createElement("button");
      copy.type = "button";
      copy.textContent = "Copy the link";
      copy.addEventListener("click", () => copyText(shared.href, "The link is copied"));
      shared.after(" ", copy);
    }
    count();
  }

  // --- Now: asks for a short text that changes when anything does, and draws the page anew only then. ---
  const QUICK = 5000, SLOW = 60000;
  if ($("#now")) {
    let wait = QUICK, drawn = Date.now(), timer;
    const note = $("#now-live");
    const say = (text) => { note.hidden = false; if (note.textContent !== text) note.textContent = text; };
    const again = () => { clearTimeout(timer); if (!document.hidden) timer = setTimeout(look, wait); };
    const draw = async () => {
      const fresh = await page("/");
      const next = $("#now", fresh);
      if (!next) { location.reload(); return; }
      const now = $("#now");
      // A word that is being typed stays; so does the place of the keyboard.
      const field = $("input[type=search]", now);
      const typing = field?.value || document.activeElement === field;
      const at = now.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      if (typing) $("form[role=search]", next)?.replaceWith($("form[role=search]", now));
      const focused = typing && document.activeElement === field;
      now.replaceWith(next);
      document.title = fresh.title;
      if (focused) field.focus();
      if (at) all("a", next).find((link) => link.getAttribute("href") === at)?.focus({ preventScroll: true });
      drawn = Date.now();
      steadyhand.dress();
    };
    const look = async () => {
      try {
        const answer = await fetch("/now/pulse");
        if (answer.status === 401) { say("Signed out: reload this page"); return; }
        if (!answer.ok) throw new Error(String(answer.status));
        const { pulse } = await answer.json();
        // Who is on call, and how long ago things were, change without any run.
        if (pulse !== $("#now").dataset.pulse || Date.now() - drawn > SLOW) await draw();
        wait = QUICK;
        say("Live");
      } catch {
        wait = Math.min(wait * 2, SLOW);
        say("Connection lost: runs go on at the server. Trying again.");
      }
      again();
    };
    document.addEventListener("visibilitychange", () => { if (document.hidden) clearTimeout(timer); else look(); });
    again();
  }
})();

// Everything that somebody else wrote (hosts, authors, whoever made a link or a request) is shown and never run. Once as
// it is, and once with the Content-Security-Policy switched off: what protects is the escaping, the policy is the net.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { CANARY, ELSEWHERE, MARKUP, OUTPUT } from "./hostile.js";
import { expect, test } from "./server.js";

const TITLE = `<script>window.${CANARY}=1</script> "'>`;

// Written as JSON strings, which YAML reads as they are.
function runbook(output) {
  const text = JSON.stringify;
  const markup = MARKUP.filter((line) => !line.includes("{{")).join(" ");
  return [
    "steadyhand: 1",
    `name: ${text(TITLE)}`,
    `summary: ${text(`${markup.slice(0, 280)} A minute.`)}`,
    `owner: ${text("team:web")}`,
    "review_by: 2099-01-01",
    `tags: [${text(MARKUP[2])}]`,
    "inputs:",
    `  note: {description: ${text(MARKUP[5])}, type: string, default: ${text(MARKUP[0])}}`,
    `  pick: {description: ${text(MARKUP[23])}, type: choice, options: [${text(MARKUP[26])}, plain], default: plain}`,
    "hosts: {names: [web-1]}",
    "steps:",
    "  - id: print",
    `    name: ${text(MARKUP[20])}`,
    `    why: ${text(MARKUP[5])}`,
    `    check: ${text(`sleep 2; cat ${output}; cat ${output} >&2; printf '%s\\n' "$note"`)}`,
    "    capture: {seen: {line: last}}",
    "  - id: fail",
    "    name: Look for a number",
    `    check: ${text(`head -c 600 ${output}`)}`,
    "    capture: {number: {regex: 'no such (thing)'}}",
    `    else: ${text(MARKUP[18])}`,
    "    on_failure: pause",
    "  - id: judge",
    `    name: ${text(`Judge {{seen}} ${MARKUP[1]}`.slice(0, 70))}`,
    `    manual: ${text(`It said {{seen}} ${markup}`)}`,
    `    ask: {looks: {description: ${text(MARKUP[6])}, type: choice, options: [${text(MARKUP[0])}, ${text(MARKUP[24])}]}}`,
  ].join("\n");
}

// Files whose names are an attack: listed as what cannot run, or not at all, and never as markup.
const FILES = [`<img src=x onerror=window.${CANARY}=1>.yaml`, `"onmouseover="window.${CANARY}=1.yaml`, "\u202etxt.yaml", "-V.yaml", "{{x}}.yaml", "a\nb.yaml"];

function prepare(server) {
  const output = path.join(server.folder, "output.bin");
  if (existsSync(output)) return;
  writeFileSync(output, OUTPUT);
  const runbooks = path.join(server.folder, "repository/runbooks");
  mkdirSync(path.join(runbooks, "<svg onload=x>"), { recursive: true });
  writeFileSync(path.join(runbooks, "hostile.yaml"), runbook(output));
  for (const name of FILES) writeFileSync(path.join(runbooks, name), runbook(output));
}

// Everything that would show that something ran or left.
async function watch(page, server) {
  const seen = { dialogs: [], elsewhere: [], violations: [] };
  page.on("dialog", async (dialog) => {
    seen.dialogs.push(dialog.message());
    await dialog.dismiss();
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${server.origin}/`) && !url.startsWith("data:image/")) seen.elsewhere.push(url);
  });
  await page.exposeFunction("tellViolation", (text) => seen.violations.push(text));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => window.tellViolation(`${event.violatedDirective} ${event.blockedURI}`));
  });
  return seen;
}

// What stands in the page, wherever it came from.
async function harmless(page, seen, what) {
  // The pointer and the focus go over everything that reacts to them.
  await page.evaluate(() => {
    for (const element of document.querySelectorAll("main *")) {
      element.dispatchEvent(new MouseEvent("mouseover", { bubbles: true }));
      if (element.tabIndex >= 0) element.focus({ preventScroll: true });
    }
  });
  const found = await page.evaluate((canary) => {
    const all = [...document.querySelectorAll("*")];
    const attributes = (test) => all.flatMap((element) => [...element.attributes].filter(test).map((at) => `${element.tagName} ${at.name}=${at.value}`));
    return {
      ran: window[canary],
      scripts: document.querySelectorAll("script").length,
      // Our own drawings are a symbol of the page's sprite, or rectangles.
      foreign: [...document.querySelectorAll("iframe, object, embed, base, style, svg script, math, meta[http-equiv], main img, main svg, link[rel=import]")].filter((element) => {
        const inside = [...element.querySelectorAll("*")];
        const symbol = element.matches("svg.i") && inside.length === 1 && inside[0].matches('use[href^="#i-"]');
        return !symbol && !(element.matches("svg.segments") && inside.every((part) => part.matches("rect")));
      }).map((element) => element.outerHTML.slice(0, 200)),
      handlers: attributes((at) => at.name.startsWith("on")),
      styles: attributes((at) => at.name === "style"),
      links: attributes((at) => ["href", "src", "action", "formaction", "xlink:href", "ping"].includes(at.name) && !/^(\/|#|\?|[\w.-]*\/|$)/.test(at.value) && !at.value.startsWith(location.origin)),
      javascript: document.querySelectorAll('a[href^="javascript" i]').length,
      invisible: /[\u202a-\u202e\u2066-\u2069\u0000\u0080-\u009f\u001b]/.exec(document.body.innerText)?.[0],
    };
  }, CANARY);
  expect(found, what).toEqual({ ran: undefined, scripts: 1, foreign: [], handlers: [], styles: [], links: [], javascript: 0, invisible: undefined });
  expect(seen, what).toEqual({ dialogs: [], elsewhere: [], violations: [] });
}

async function start(page, server) {
  const answer = await page.request.post("/api/v1/runs", { headers: { origin: server.origin }, data: { runbook: "hostile", inputs: { note: MARKUP[0] } } });
  expect(answer.status(), await answer.text()).toBe(201);
  return (await answer.json()).id;
}

for (const bypassCSP of [false, true]) {
  test.describe(bypassCSP ? "without the policy" : "with the policy", () => {
    test.use({ bypassCSP });

    test("what a host writes is shown while it arrives and afterwards, and nothing of it runs", async ({ page, server }) => {
      test.setTimeout(180_000);
      prepare(server);
      const seen = await watch(page, server);
      const run = await start(page, server);
      await page.goto(`/runs/${run}`);
      await expect(page.locator("#live")).toHaveText("live");
      await expect(page.getByText("no such (thing)").first()).toBeVisible({ timeout: 60_000 });
      await harmless(page, seen, "the run as it went on");
      await page.goto(`/runs/${run}`);
      await harmless(page, seen, "the run");
      await page.goto(`/runs/${run}/steps/print/hosts/web-1?from=1`);
      await expect(page.getByText("mark-0 ").first()).toBeVisible();
      expect(await page.locator(".ctl").count()).toBeGreaterThan(20);
      await expect(page.getByText(`<script>window.${CANARY}=1</script>`).first()).toBeVisible();
      await harmless(page, seen, "the output");
      for (const word of ["mark-3", "<svg", "click me", "\u202e"]) {
        await page.goto(`/runs/${run}/steps/print/hosts/web-1?q=${encodeURIComponent(word)}`);
        await harmless(page, seen, `a search for ${word}`);
      }
      await page.goto(`/runs/${run}`);
      await page.getByText("Go on without it…").click();
      const skip = page.getByLabel(/Go on without this step/);
      await skip.fill(MARKUP[23]);
      await page.getByRole("button", { name: "Skip it on web-1" }).click();
      await expect(page.getByText("It said").first()).toBeVisible();
      await harmless(page, seen, "the question and the reason");
    });

    test("names, titles, labels and mistakes are shown as they were written", async ({ page, server }) => {
      test.setTimeout(180_000);
      prepare(server);
      const seen = await watch(page, server);
      const evil = MARKUP.map((text) => encodeURIComponent(text));
      const pages = ["/", "/runs", "/runbooks", "/runbooks/hostile", "/start/hostile", `/start/hostile?input.note=${evil[0]}&input.pick=${evil[26]}&ref=${evil[18]}`];
      for (const text of evil) pages.push(`/runs?q=${text}&host=${text}&runbook=${text}&state=${text}&cursor=${text}`, `/runbooks?q=${text}`);
      for (const text of evil.slice(0, 8)) pages.push(`/login?token=${text}&next=${text}`, `/runbooks/${text}`, `/runs/${text}`, `/s/${text}`, `/${text}`, `/start/${text}`);
      for (const address of pages) {
        await page.goto(address);
        await harmless(page, seen, address);
      }
      await page.goto("/start/hostile");
      await page.getByLabel(new RegExp("onerror")).first().fill(MARKUP[18]);
      await page.getByRole("button", { name: "See what will happen" }).click();
      await harmless(page, seen, "what would happen");
    });

    test("a link shows it to a stranger, whose download no browser takes for a page", async ({ page, server, browser }) => {
      prepare(server);
      const run = await start(page, server);
      const origin = { origin: server.origin };
      await expect.poll(async () => (await (await page.request.get(`/api/v1/runs/${run}`)).json()).state, { timeout: 60_000 }).toBe("waiting");
      const made = await page.request.post("/api/v1/shares", { headers: origin, data: { run, label: MARKUP[0] } });
      expect(made.status(), await made.text()).toBe(201);
      const { url, id } = await made.json();
      const stranger = await browser.newContext({ bypassCSP });
      const theirs = await stranger.newPage();
      const seen = await watch(theirs, server);
      await theirs.goto(url);
      await expect(theirs).toHaveURL(`${server.origin}/shared/${id}`);
      await expect(theirs.getByText("mark-").first()).toBeVisible();
      await harmless(theirs, seen, "the shared page");
      for (const [who, address] of [[theirs, `/shared/${id}/raw`], [page, `/api/v1/runs/${run}/steps/print/hosts/web-1/output`]]) {
        const answer = await who.request.get(new URL(address, server.origin).href);
        const headers = answer.headers();
        expect(headers["content-type"]).toMatch(/^(text\/plain; charset=utf-8|application\/octet-stream)$/);
        expect(headers["x-content-type-options"]).toBe("nosniff");
        expect(headers["content-security-policy"]).toMatch(/default-src 'none'.*; sandbox$/);
      }
      await theirs.goto(`/shared/${id}/raw`.replace(/^/, server.origin));
      expect(await theirs.evaluate((canary) => [window[canary], document.scripts.length, document.images.length], CANARY)).toEqual([undefined, 0, 0]);
      expect(seen).toEqual({ dialogs: [], elsewhere: [], violations: [] });
      await page.goto(`/runs/${run}/share`);
      await stranger.close();
    });
  });
}

test("the watch itself sees what runs", async ({ browser, server }) => {
  // Its own page: what it does on purpose is an error on the console.
  const page = await browser.newPage();
  const seen = await watch(page, server);
  await page.route(`${server.origin}/evil`, (route) => route.fulfill({
    contentType: "text/html", headers: { "content-security-policy": "img-src 'none'" },
    body: `<main><script>window.${CANARY}=1; alert(1)</script><img src="${ELSEWHERE}/x.png"><a href="javascript:x">x</a></main>`,
  }));
  await page.goto(`${server.origin}/evil`);
  expect(await page.evaluate((canary) => window[canary], CANARY)).toBe(1);
  await expect.poll(() => seen.dialogs.length + seen.violations.length).toBe(2);
  await expect(harmless(page, seen, "evil")).rejects.toThrow();
  await page.close();
});

// What the pages cost, measured on this machine and printed: `make budgets`. Nothing here is a test: a busy machine makes
// times worse, and no time is asserted. Sizes and counts that are over their budget are marked.
//
//   node budgets.js [names…]    weight, paint, gigabyte, viewers, list; all of them unless said
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { chromium } from "@playwright/test";
import { startServer } from "./server.js";

const here = import.meta.dirname;
const program = process.env.STEADYHAND_BIN ?? path.join(here, "../../target/release/steadyhand");
const GIGABYTE_LINES = 5_100_000, VIEWERS = 1000, VIEWERS_THAT_NEVER_READ = 200, RUNS = 100_000;
// A phone on a slow network, as Lighthouse has it.
const SLOW = { offline: false, latency: 150, downloadThroughput: 1_638_400 / 8, uploadThroughput: 768_000 / 8 };

const runbook = (name, check) => `steadyhand: 1\nname: ${name}\nsummary: Made for measuring. A minute.\nowner: team:web\nreview_by: 2099-01-01\nhosts: {names: [web-1]}\nsteps:\n  - id: print\n    name: Print lines\n    timeout: 2h\n    check: ${JSON.stringify(check)}\n`;
const RUNBOOKS = {
  lines: runbook("Fifty thousand lines", 'i=0; while [ "$i" -lt 50000 ]; do i=$((i+1)); echo "$i some words that a program says about its work, and 12 ms"; done'),
  gigabyte: runbook("A gigabyte", `yes "some words that a program says about its work $(printf 'x%.0s' $(seq 1 145))" | head -n ${GIGABYTE_LINES} | nl -w8`),
  ticks: runbook("Ticks", 'i=0; while [ "$i" -lt 3000 ]; do i=$((i+1)); echo "tick $i"; sleep 0.1; done'),
};

const rows = [];
const told = (what, measured, budget, kept) => {
  rows.push({ what, measured, budget, kept });
  console.log(`${kept === false ? "OVER " : "     "}${what.padEnd(66)} ${String(measured).padStart(12)}   ${budget}`);
};
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
const milliseconds = (ms) => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
const sorted = (numbers) => [...numbers].sort((a, b) => a - b);
const at = (numbers, share) => sorted(numbers)[Math.min(numbers.length - 1, Math.floor(numbers.length * share))];
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function signIn(server) {
  const answer = await fetch(`${server.origin}/login`, { method: "POST", redirect: "manual", headers: { "sec-fetch-site": "same-origin" }, body: new URLSearchParams({ token: server.token }) });
  return answer.headers.get("set-cookie").split(";")[0];
}
const token = (server, name) => execFileSync(program, ["token", "create", name, "--data", path.join(server.folder, "data")], { encoding: "utf8" }).trim();
const headers = (bearer) => ({ authorization: `Bearer ${bearer}`, "content-type": "application/json" });
async function start(server, bearer, name) {
  const answer = await fetch(`${server.origin}/api/v1/runs`, { method: "POST", headers: headers(bearer), body: JSON.stringify({ runbook: name, hosts: ["web-1"] }) });
  const run = await answer.json();
  if (!answer.ok) throw new Error(JSON.stringify(run));
  return run.id;
}
async function until(server, bearer, run, ready) {
  for (;;) {
    const view = await (await fetch(`${server.origin}/api/v1/runs/${run}`, { headers: headers(bearer) })).json();
    if (ready(view)) return view;
    await sleep(200);
  }
}
// Milliseconds to the first byte and to the last, and how many bytes.
function timed(server, bearer, address) {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    http.get(`${server.origin}${address}`, { headers: headers(bearer), agent: false }, (answer) => {
      let first, bytes = 0;
      answer.on("data", (part) => { first ??= performance.now() - began; bytes += part.length; });
      answer.on("end", () => resolve({ first, last: performance.now() - began, bytes, status: answer.statusCode }));
    }).on("error", reject);
  });
}
async function times(count, measure) {
  const measured = [];
  for (let turn = 0; turn < count; turn += 1) measured.push(await measure());
  return measured;
}

// --- Bytes, as they came over the wire, of a browser that has never been here. ---
async function weight(server, cookie, addresses) {
  const browser = await launch();
  for (const [what, address] of addresses) {
    const context = await signedIn(browser, server, cookie);
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await session.send("Network.enable");
    const asked = new Map();
    let bytes = 0, elsewhere = 0;
    session.on("Network.requestWillBeSent", ({ requestId, request }) => {
      if (/^(data|blob):/.test(request.url)) return;
      asked.set(requestId, request.url);
      if (!request.url.startsWith(server.origin)) elsewhere += 1;
    });
    session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => { if (asked.has(requestId)) bytes += encodedDataLength; });
    await page.goto(address, { waitUntil: "load" });
    await sleep(1000);
    const requests = [...asked.values()].filter((url) => !url.includes("/events"));
    told(`${what}: compressed, with style and script`, kilobytes(bytes), "< 100 kB", bytes < 100_000);
    told(`${what}: requests (without the event stream)`, requests.length, "<= 5", requests.length <= 5);
    told(`${what}: requests to another origin`, elsewhere, "0", elsewhere === 0);
    await context.close();
  }
  await browser.close();
}

// --- When the page is there, and how long it takes to answer a hand, on a slow phone. ---
async function paint(server, cookie, addresses) {
  const browser = await launch();
  for (const [what, address] of addresses) {
    const painted = [], delays = [];
    for (let turn = 0; turn < 5; turn += 1) {
      const context = await signedIn(browser, server, cookie, { viewport: { width: 390, height: 844 }, hasTouch: true });
      const page = await context.newPage();
      const session = await context.newCDPSession(page);
      await session.send("Network.enable");
      await session.send("Network.emulateNetworkConditions", SLOW);
      await session.send("Emulation.setCPUThrottlingRate", { rate: 4 });
      await page.addInitScript(() => {
        window.measured = { paint: 0, delays: [] };
        new PerformanceObserver((list) => { for (const entry of list.getEntries()) window.measured.paint = entry.startTime; }).observe({ type: "largest-contentful-paint", buffered: true });
        new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (entry.interactionId) window.measured.delays.push(entry.duration); }).observe({ type: "event", durationThreshold: 16, buffered: true });
      });
      await page.goto(address, { waitUntil: "load" });
      await sleep(1500);
      painted.push(await page.evaluate(() => window.measured.paint));
      for (const key of ["t", "w", "n", "?", "Escape", "t"]) { await page.keyboard.press(key); await sleep(150); }
      const summaries = page.locator("main summary:visible");
      for (let number = 0; number < Math.min(3, await summaries.count()); number += 1) { await summaries.nth(number).tap({ timeout: 2000 }).catch(() => {}); await sleep(200); }
      await sleep(500);
      delays.push(Math.max(0, ...(await page.evaluate(() => window.measured.delays))));
      await context.close();
    }
    told(`${what}: largest contentful paint, slow phone (median of 5)`, milliseconds(at(painted, 0.5)), "<= 1500 ms");
    told(`${what}: slowest answer to a tap or key, processor at a quarter`, milliseconds(at(delays, 0.5)), "<= 200 ms");
  }
  await browser.close();
}

// --- Any line of a gigabyte. ---
async function gigabyte(server, bearer, cookie) {
  const began = performance.now();
  const run = await start(server, bearer, "gigabyte");
  await until(server, bearer, run, (view) => view.ended_at_ms);
  const cell = `/runs/${run}/steps/print/hosts/web-1`;
  const lines = await (await fetch(`${server.origin}/api/v1${cell}/output/lines`, { headers: headers(bearer) })).json();
  told("output: lines that were written and stored", lines.total.toLocaleString("en"), `in ${Math.round((performance.now() - began) / 1000)} s`);
  const near = await times(9, () => timed(server, bearer, `${cell}?lines=10`));
  const far = await times(9, () => timed(server, bearer, `${cell}?lines=5000000`));
  told("output: line 10 of it, whole page (median of 9)", milliseconds(at(near.map((one) => one.last), 0.5)), "");
  told("output: line 5,000,000 of it, whole page (median of 9)", milliseconds(at(far.map((one) => one.last), 0.5)), "<= 500 ms");
  const end = await times(9, () => timed(server, bearer, cell));
  told("output: its last lines, whole page (median of 9)", milliseconds(at(end.map((one) => one.last), 0.5)), "<= 500 ms");
  const search = await times(3, () => timed(server, bearer, `${cell}?q=nothing+of+this+kind`));
  told("output: a search that finds nothing in what it may read", milliseconds(at(search.map((one) => one.last), 0.5)), "bounded");
  const browser = await launch();
  const page = await (await signedIn(browser, server, cookie)).newPage();
  const opened = await times(3, async () => {
    const from = performance.now();
    await page.goto(`${server.origin}${cell}?lines=5000000#L5000000`);
    await page.locator("#L5000000").waitFor({ state: "visible" });
    return performance.now() - from;
  });
  told("output: line 5,000,000 in sight in Chromium (median of 3)", milliseconds(at(opened, 0.5)), "<= 1500 ms");
  await browser.close();
}

// --- A thousand who watch, and some who never read. ---
async function viewers(server) {
  const bearers = Array.from({ length: 25 }, (_, number) => token(server, `viewer-${number}`));
  const run = await start(server, bearers[0], "ticks");
  await until(server, bearers[0], run, (view) => view.steps[0].cells[0].attempts.length);
  const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, "utf8"))[1]) * 1024;
  const before = memory();
  const open = [], lags = [];
  let ticks = 0, refused = 0, ended = 0, measuring = false;
  for (let number = 0; number < VIEWERS; number += 1) {
    const never = number % (VIEWERS / VIEWERS_THAT_NEVER_READ) === 0;
    const options = { localAddress: `127.0.0.${2 + number % 8}`, agent: false, headers: headers(bearers[number % bearers.length]) };
    open.push(new Promise((resolve) => {
      const request = http.get(`${server.origin}/api/v1/runs/${run}/events?after=0`, options, (answer) => {
        resolve(request);
        if (answer.statusCode !== 200) { refused += 1; answer.resume(); return; }
        if (never) { answer.pause(); request.socket?.pause(); return; }
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (part) => {
          text += part;
          const blocks = text.split("\n\n");
          text = blocks.pop();
          for (const block of blocks) {
            if (block.includes("event: output")) ticks += 1;
            const data = block.includes("event: event") && /"at_ms":(\d+)/.exec(block);
            if (data && measuring) lags.push(Date.now() - Number(data[1]));
          }
        });
        answer.on("end", () => { ended += 1; });
        answer.on("error", () => { ended += 1; });
      });
      request.on("error", () => { refused += 1; resolve(request); });
    }));
    if (number % 50 === 49) await sleep(400);
  }
  const requests = await Promise.all(open);
  await sleep(3000);
  measuring = true;
  const seen = ticks, from = performance.now();
  for (let turn = 0; turn < 10; turn += 1) {
    const view = await (await fetch(`${server.origin}/api/v1/runs/${run}`, { headers: headers(bearers[0]) })).json();
    const action = view.state === "paused" ? "resume" : "pause";
    await fetch(`${server.origin}/api/v1/runs/${run}/actions`, { method: "POST", headers: headers(bearers[0]), body: JSON.stringify({ action, seq: view.seq }) });
    await sleep(1500);
  }
  const seconds = (performance.now() - from) / 1000, healthy = VIEWERS - VIEWERS_THAT_NEVER_READ;
  const grown = memory() - before;
  told(`viewers: refused of ${VIEWERS}, ${VIEWERS_THAT_NEVER_READ} of which never read`, refused, "0", refused === 0);
  told("viewers: streams of readers that ended early", ended, "0", ended === 0);
  told("viewers: growth of the server's memory", `${(grown / 1e6).toFixed(1)} MB`, "<= 128 MB", grown <= 128e6);
  told("viewers: bursts of output told to each reader in a second", ((ticks - seen) / healthy / seconds).toFixed(1), "");
  if (lags.length) {
    told(`viewers: an event reaches a reader after (median of ${lags.length})`, milliseconds(at(lags, 0.5)), "");
    told("viewers: the slowest of a hundred", milliseconds(at(lags, 0.99)), "<= 2000 ms");
  } else told("viewers: an event reaches a reader after", "none came", "");
  requests.forEach((request) => request.destroy());
}

// --- A hundred thousand runs. The server is started again over what was put into its data. ---
async function list() {
  const server = await startServer();
  const bearer = token(server, "list");
  const folder = path.join(server.folder, "repository/runbooks");
  writeFileSync(path.join(folder, "lines.yaml"), runbook("Short", "echo hello"));
  const run = await start(server, bearer, "lines");
  await until(server, bearer, run, (view) => view.ended_at_ms);
  execFileSync("python3", [path.join(here, "budgets/seed.py"), path.join(server.folder, "data"), run, String(RUNS)], { stdio: "inherit" });
  for (const [what, address] of [["the first page", "/runs"], ["those that failed", "/runs?state=failed"], ["a search for few", "/runs?q=run+77777"], ["one host", "/runs?host=web-1"]]) {
    const measured = await times(9, () => timed(server, bearer, address));
    const wrong = measured.find((one) => one.status !== 200);
    told(`list of ${RUNS.toLocaleString("en")} runs: ${what}, first byte (median of 9)`, wrong ? `status ${wrong.status}` : milliseconds(at(measured.map((one) => one.first), 0.5)), "<= 200 ms");
  }
  await server.stop();
}

const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM_BIN ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-background-networking"] });
async function signedIn(browser, server, cookie, options = {}) {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  const [name, value] = cookie.split("=");
  await context.addCookies([{ name, value, url: server.origin }]);
  return context;
}

const wanted = process.argv.slice(2);
const wants = (name) => !wanted.length || wanted.includes(name);
const server = await startServer();
try {
  for (const [name, text] of Object.entries(RUNBOOKS)) writeFileSync(path.join(server.folder, `repository/runbooks/${name}.yaml`), text);
  const cookie = await signIn(server), bearer = token(server, "budgets");
  if (wants("weight") || wants("paint")) {
    const run = await start(server, bearer, "lines");
    await until(server, bearer, run, (view) => view.ended_at_ms);
    const disk = await fetch(`${server.origin}/api/v1/runs`, { method: "POST", headers: headers(bearer), body: JSON.stringify({ runbook: "web/disk-full", hosts: ["web-3"] }) });
    const waiting = (await disk.json()).id;
    await until(server, bearer, waiting, (view) => view.waiting?.for === "confirm");
    const pages = [["the page of a run", `${server.origin}/runs/${waiting}`], ["the output of 50,000 lines", `${server.origin}/runs/${run}/steps/print/hosts/web-1`]];
    if (wants("weight")) await weight(server, cookie, [["home", server.origin], ...pages, ["the grid of a run", `${server.origin}/runs/${waiting}/grid`]]);
    if (wants("paint")) await paint(server, cookie, pages);
  }
  if (wants("viewers")) await viewers(server);
  if (wants("gigabyte")) await gigabyte(server, bearer, cookie);
} finally {
  await server.stop();
}
if (wants("list")) await list();
const over = rows.filter((row) => row.kept === false);
console.log(over.length ? `\n${over.length} sizes or counts are over their budget.` : "\nEvery size and count is within its budget; times are for you to judge on this machine.");

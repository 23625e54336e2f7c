// One shift to the next in two browsers: draft from what happened, offered, asked, read back, accepted; and the wheel goes along.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { test as plain } from "@playwright/test";
import { expect, startRun, startServer } from "./server.js";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const program = process.env.STEADYHAND_BIN ?? path.join(import.meta.dirname, "../../target/debug/steadyhand");
const ACCESS = "steadyhand: 1\ngrants:\n  - {who: user:anna, role: operator}\n  - {who: user:ben, role: operator}\n  - {who: user:lead, role: admin}\n";

async function team() {
  const server = await startServer();
  writeFileSync(path.join(server.folder, "repository/access.yaml"), ACCESS);
  const data = ["--data", path.join(server.folder, "data")];
  for (const name of ["anna", "ben", "lead"]) execFileSync(program, ["user", "add", name, ...data]);
  return server;
}

async function signedIn(browser, server, name, more = {}) {
  const told = execFileSync(program, ["user", "login", name, "--base", server.origin, "--data", path.join(server.folder, "data")]).toString();
  const context = await browser.newContext({ baseURL: server.origin, ...more });
  const page = await context.newPage();
  await page.goto(/https?:\S+/.exec(told)[0]);
  await page.getByRole("button", { name: /Sign in/ }).click();
  return page;
}

async function holdsUp(page, name) {
  const outside = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect.soft(outside, `${name} sticks out`).toBeLessThanOrEqual(0);
  const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
  const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  expect.soft(found, name).toEqual([]);
}

// Beside the tests' output, to be looked at.
async function look(page, name) {
  for (const [width, height] of [[390, 844], [1280, 900]]) {
    for (const colorScheme of ["light", "dark"]) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: path.join(import.meta.dirname, `../../target/pages/${name}-${width}-${colorScheme}.png`), fullPage: true });
      await holdsUp(page, `${name}, ${width} px, ${colorScheme}`);
    }
  }
  await page.setViewportSize({ width: 390, height: 844 });
}

plain("a shift goes from anna to ben with a run that waits, and ben finishes it", async ({ browser }) => {
  plain.setTimeout(240_000);
  const server = await team();
  try {
    const anna = await signedIn(browser, server, "anna", { bypassCSP: true, viewport: { width: 1280, height: 900 } });
    // The receiver's browser has no script: every step works without.
    const ben = await signedIn(browser, server, "ben", { javaScriptEnabled: false, viewport: { width: 390, height: 844 } });
    await startRun(anna, "web/disk-full", ["web-3"]);
    await expect(anna.getByLabel(/Type the name of the host/)).toBeVisible();
    const run = new URL(anna.url()).pathname;

    await anna.goto("/handoffs");
    await anna.locator("#begin summary").first().click();
    await anna.getByLabel(/^To/).fill("zoe");
    await anna.getByRole("button", { name: "Begin the draft" }).click();
    await expect(anna.getByRole("alert")).toContainText("steadyhand user add zoe");
    await look(anna, "handoffs-refused");
    await anna.setViewportSize({ width: 1280, height: 900 });
    await anna.getByLabel(/^To/).fill("ben");
    await anna.getByRole("button", { name: "Begin the draft" }).click();

    await expect(anna.getByRole("heading", { level: 1 })).toHaveText("user:anna → user:ben");
    await expect(anna.getByRole("link", { name: /waits for confirmation of releases on web-3/ })).toHaveAttribute("href", `${run}#step-releases`);
    await look(anna, "handoff-draft");
    await anna.setViewportSize({ width: 1280, height: 900 });
    await anna.getByRole("button", { name: "Sign and offer to user:ben" }).click();
    await expect(anna.getByRole("alert")).toContainText("Q1");

    await anna.getByLabel("In one sentence", { exact: true }).fill("One disk fills; everything else slept.");
    await anna.getByRole("button", { name: "Save", exact: true }).click();
    const item = anna.locator("#item-web\\.disk-full");
    await item.getByRole("radio", { name: /unstable/ }).check();
    await item.getByLabel("What does that rest on?").fill("It grows by a gigabyte an hour");
    await item.getByLabel(/What is it\?/).fill("The disk of web-3 fills with old releases.");
    await item.getByLabel("What do you make of it?").fill("Nobody cleans up after deployments");
    await item.getByLabel(/^Plan/).fill("Delete old releases before 09:00, unless it stands still");
    const due = new Date(Date.now() + 3 * 3600_000).toISOString().slice(0, 16) + "Z";
    await item.getByLabel("What", { exact: true }).first().fill("Delete releases but the newest three");
    await item.getByLabel(/^Who/).first().fill("ben");
    await item.getByLabel(/^Due/).first().fill("tomorrow");
    await item.getByLabel(/^If/).first().fill("disk above 95 %");
    await item.getByLabel("Then").first().fill("stop the worker");
    await item.getByLabel("Runbook").last().fill("web/disk-full mount=/");
    await item.getByRole("button", { name: /^Save/ }).click();
    await expect(anna.getByRole("alert")).toContainText("no absolute time");
    await expect(item.getByLabel(/What is it\?/)).toHaveValue("The disk of web-3 fills with old releases.");
    await item.getByLabel(/^Due/).first().fill(due);
    await item.getByRole("button", { name: /^Save/ }).click();
    await expect(item.getByText("Because: It grows")).toBeVisible();
    await anna.getByRole("button", { name: "Sign and offer to user:ben" }).click();
    await expect(anna.getByText("Offered", { exact: true })).toBeVisible();
    const handoff = new URL(anna.url()).pathname;

    await ben.goto("/handoffs");
    await expect(ben.getByRole("heading", { level: 1 })).toHaveText("1 handoff waits for you");
    await ben.getByRole("link", { name: /user:anna → user:ben/ }).click();
    await ben.getByRole("link", { name: "Read it back" }).click();
    await expect(ben.getByText("1 of 1")).toBeVisible();
    // Past it without a word: the end says what is missing, and has no button.
    await ben.getByRole("link", { name: "Later" }).click();
    await expect(ben.getByText("say web.disk-full in your own words")).toBeVisible();
    await expect(ben.getByRole("button", { name: "I have these" })).toHaveCount(0);
    await ben.getByRole("link", { name: "Go on reading" }).click();
    const words = ben.getByLabel(/In your own words/);
    await words.fill("The disk of web-3 fills with old releases.");
    await ben.getByRole("button", { name: "Next" }).click();
    await expect(ben.getByRole("alert")).toContainText("own words");
    await expect(words).toHaveValue("The disk of web-3 fills with old releases.");
    await words.fill("Leftover deployments eat web-3; I clear out releases, and past 95 % of the disk I halt its worker");
    await ben.getByRole("radio", { name: "I have a question" }).check();
    await ben.getByLabel(/Your question/).fill("Who owns the worker?");
    await ben.getByRole("button", { name: "Next" }).click();
    await ben.goto(`${handoff}?read=web.disk-full`);
    await expect(ben.getByText("Your question is open")).toBeVisible();

    await anna.reload();
    await expect(anna.getByText("user:ben asks something")).toBeVisible();
    await anna.getByLabel("Your answer").fill("team:web, and they know");
    await anna.getByRole("button", { name: "Answer" }).click();

    const phone = await signedIn(browser, server, "ben", { bypassCSP: true, viewport: { width: 390, height: 844 } });
    await phone.goto(`${handoff}?read=web.disk-full`);
    await look(phone, "handoff-read");
    await ben.goto(handoff);
    await expect(ben.getByText("team:web, and they know")).toBeVisible();
    await ben.goto(`${handoff}?read=next`);
    await ben.getByRole("radio", { name: "I take it" }).check();
    await ben.getByRole("button", { name: "Next" }).click();
    await expect(ben.getByRole("heading", { level: 1 })).toHaveText("Then these are yours");
    await phone.goto(`${handoff}?read=end`);
    await look(phone, "handoff-read-end");
    await ben.getByLabel(/^Recap/).fill("One disk, which I empty before nine.");
    await ben.getByRole("button", { name: "I have these" }).click();
    await expect(ben.getByText("user:ben has read it back and taken it.")).toBeVisible();
    await expect(ben.getByText("held by user:ben")).toBeVisible();
    await phone.goto(handoff);
    await look(phone, "handoff-taken");

    // The wheel has passed: anna watches, ben finishes.
    await anna.goto(run);
    await expect(anna.getByText("Held by user:ben")).toBeVisible();
    await expect(anna.getByRole("button", { name: "Take the wheel from user:ben" })).toBeVisible();
    await phone.goto(run);
    await phone.getByLabel(/Type the name of the host/).fill("web-3");
    await phone.getByRole("button", { name: "Delete old releases on web-3" }).click();
    await phone.getByLabel("Error rate in %").fill("0.2");
    await phone.getByRole("button", { name: "Record the answer" }).click();
    await expect(phone.getByRole("heading", { name: /Succeeded/ })).toBeVisible();

    const markdown = await phone.request.get(`${handoff}/markdown`);
    const text = await markdown.text();
    for (const part of ["unstable", "Delete releases but the newest three", "disk above 95 %", "Leftover deployments", "One disk, which I empty"]) expect(text).toContain(part);
    await phone.goto("/handoffs/measures");
    await look(phone, "handoff-measures");
    await expect(phone.getByText("1 of 1").first()).toBeVisible();
  } finally {
    await server.stop();
  }
});

plain("a quiet shift is one tap", async ({ browser }) => {
  const server = await team();
  try {
    const anna = await signedIn(browser, server, "anna");
    await anna.goto("/handoffs");
    await expect(anna.getByText("There was no handoff yet")).toBeVisible();
    await anna.locator("#begin summary").first().click();
    await anna.getByLabel(/^To/).fill("ben");
    await anna.getByRole("button", { name: "Begin the draft" }).click();
    await anna.getByRole("button", { name: "Quiet shift: sign and offer" }).click();
    await expect(anna.getByText("Offered", { exact: true })).toBeVisible();
    const lead = await signedIn(browser, server, "lead");
    await lead.goto(new URL(anna.url()).pathname);
    await expect(lead.getByText("A quiet shift: nothing is open.")).toBeVisible();
  } finally {
    await server.stop();
  }
});

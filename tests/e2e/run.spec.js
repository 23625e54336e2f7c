// The page of a run, on real hosts: from start to end, by mouse, by keyboard, by two people, and through the server's end.
import { expect, test } from "./fleet.js";
import { startRun, startServer, signIn } from "./server.js";

const current = (page) => page.locator("#current");
const named = (page) => page.getByLabel(/Type the name of the host/);

for (const [device, viewport] of [["desk", { width: 1280, height: 800 }], ["phone", { width: 390, height: 844 }]]) {
  test.describe(device, () => {
    test.use({ viewport });

    test("somebody works a run from its first step to its end, and each step leaves its value behind", async ({ page }) => {
      await startRun(page, "web/disk-full", ["web-3"]);
      await expect(page.locator(".band .where")).toHaveText(/web-3 · prod/);
      await expect(current(page).getByRole("heading", { level: 2 })).toHaveText(/Delete old releases on web-3/);
      await expect(page.locator(".band .stepno")).toHaveText("Step 3 of 4");
      const button = page.getByRole("button", { name: "Delete old releases on web-3 prod" });
      await expect(button).toBeVisible();
      await expect(page.locator("#step-measure .gist")).toHaveText(/used_pct = \d+/);
      // The command is one tap away.
      await expect(current(page).locator(".fold .command")).toBeHidden();
      await page.getByText("The command", { exact: true }).click();
      await expect(current(page).locator(".fold .command")).toContainText("removed release-$release");
      await named(page).fill("web-3");
      await button.click();
      await page.getByLabel("Error rate in %").fill("0.2");
      await page.getByRole("button", { name: "Record the answer" }).click();
      await expect(page.getByRole("heading", { name: /Succeeded/ })).toBeVisible();
      await expect(page.locator("#step-serving .gist")).toHaveText("error_rate = 0.2");
      await expect(page.locator(".band .stepno")).toHaveText("4 of 4 steps done");
    });
  });
}

test("whoever comes back on another device sees the same", async ({ page, browser, server }) => {
  await startRun(page, "web/disk-full", ["web-3"]);
  await expect(named(page)).toBeVisible();
  const phone = await browser.newContext({ viewport: { width: 390, height: 844 } });
  await phone.addCookies([server.cookie]);
  const theirs = await phone.newPage();
  await theirs.goto(page.url());
  const seen = (one) => one.locator("#run").evaluate((run) => [run.dataset.seq, run.querySelector("h2").textContent, run.querySelector(".progress .tag").textContent]);
  expect(await seen(theirs)).toEqual(await seen(page));
  await phone.close();
});

test("a run goes from start to end by keyboard alone", async ({ page }) => {
  const tabTo = async (locator) => {
    for (let presses = 0; presses < 60; presses += 1) {
      if (await locator.evaluate((element) => element === document.activeElement)) return;
      await page.keyboard.press("Tab");
    }
    throw new Error(`the keyboard does not reach ${locator}`);
  };
  const press = async (locator, key = "Enter") => { await tabTo(locator); await page.keyboard.press(key); };
  // What has just changed under the finger is not taken: whoever is told to look again presses again.
  const pressUntil = (locator, seen) => expect(async () => {
    if (await locator.isVisible()) await press(locator);
    await expect(seen).toBeVisible({ timeout: 1_500 });
  }).toPass({ timeout: 20_000 });
  await page.goto("/start/web/disk-full");
  await press(page.getByRole("checkbox", { name: "web-3" }), "Space");
  await press(page.getByRole("button", { name: "See what will happen" }));
  await press(page.getByRole("button", { name: /^Start on/ }));
  await expect(named(page)).toBeVisible();
  await tabTo(named(page));
  await page.keyboard.type("web-3");
  const rate = page.getByLabel("Error rate in %");
  await pressUntil(page.getByRole("button", { name: /Delete old releases on web-3/ }), rate);
  await tabTo(rate);
  await page.keyboard.type("0.2");
  await pressUntil(rate, page.getByRole("heading", { name: /Succeeded/ }));
});

test("keys go about, copy and are listed; none does anything to the run, and they can be turned off", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await startRun(page, "web/disk-full", ["web-3"]);
  await expect(named(page)).toBeVisible();
  const before = await page.locator("#run").getAttribute("data-seq");
  await page.keyboard.press("c");
  expect(await page.evaluate(() => navigator.clipboard.readText())).toContain("removed release-$release");
  await page.keyboard.press("y");
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(page.url());
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog")).toContainText("next failure");
  await page.getByRole("button", { name: "Turn the keys off" }).click();
  await page.keyboard.press("n");
  await expect(page.locator("[data-step] :focus")).toHaveCount(0);
  for (const key of "abcdefghijklmnopqrstuvwxyz0123456789") await page.keyboard.press(key);
  await page.reload();
  await expect(page.locator("#run")).toHaveAttribute("data-seq", before);
});

test("two watch a run, one takes the wheel, and both are told; who watches may nudge, once", async ({ page, browser, server }) => {
  const link = server.person("ben", "operator");
  const other = await browser.newContext({ baseURL: server.origin });
  const ben = await other.newPage();
  await ben.goto(link);
  await ben.getByRole("button", { name: /Sign in/ }).click();
  await startRun(page, "web/disk-full", ["web-3"]);
  await expect(named(page)).toBeVisible();
  await ben.goto(page.url());
  await expect(ben.getByText("drives this run; you watch")).toBeVisible();
  await expect(ben.locator(".people")).toContainText("Waits for user:admin");
  // Who looks on is named, without a reload.
  await page.bringToFront();
  await ben.getByRole("button", { name: "Nudge user:admin" }).click();
  await expect(ben.locator(".nudged")).toContainText("user:ben nudged");
  await page.reload();
  await expect(page.locator(".people")).toContainText("user:ben watches");
  await expect(page.locator(".nudged")).toContainText("user:ben nudged");
  await ben.getByRole("button", { name: "Nudge user:admin" }).click();
  await expect(ben.getByRole("alert")).toContainText("less than five minutes ago");
  await ben.getByRole("button", { name: "Take the wheel from user:admin" }).click();
  await expect(ben.getByText("You took the wheel from user:admin, who is told.")).toBeVisible();
  await expect(page.getByText("user:ben took the wheel from you")).toBeVisible();
  await other.close();
});

test("what changed under the finger cannot be pressed at once", async ({ page }) => {
  await startRun(page, "web/restart", ["web-1"]);
  const restart = page.getByRole("button", { name: /Restart nginx on web-1/ });
  await expect(restart).toBeVisible();
  await page.evaluate(() => {
    new MutationObserver(() => {
      const run = document.getElementById("run");
      if (run.querySelector("[name='value.error_rate']")) globalThis.wasSettling ??= run.classList.contains("settling");
    }).observe(document.getElementById("main"), { childList: true, subtree: true, attributes: true });
  });
  // Posted beside the page, as from another window: this page is told, and draws the next question.
  await page.evaluate(async () => {
    const form = document.querySelector("#current .need form");
    await fetch(form.getAttribute("action"), { method: "POST", body: new URLSearchParams(new FormData(form)) });
  });
  await expect(page.getByLabel("Error rate in %")).toBeVisible();
  expect(await page.evaluate(() => globalThis.wasSettling)).toBe(true);
  await expect(page.locator("#run")).not.toHaveClass(/settling/);
});

test("whoever asked for it is called when a run needs them while they look elsewhere, and the title says so", async ({ page }) => {
  await page.addInitScript(() => {
    globalThis.called = [];
    globalThis.Notification = class { constructor(title, { body }) { globalThis.called.push(`${title}: ${body}`); } };
    Object.assign(globalThis.Notification, { permission: "default", requestPermission: async () => { globalThis.Notification.permission = "granted"; return "granted"; } });
  });
  await startRun(page, "web/restart", ["web-1"]);
  const restart = page.getByRole("button", { name: /Restart nginx on web-1/ });
  await expect(restart).toBeVisible();
  await expect(page).toHaveTitle(/^● Waits for you/);
  expect(await page.evaluate(() => globalThis.called)).toEqual([]);
  await page.getByRole("button", { name: "Call me when it needs me" }).click();
  await expect(page.getByRole("button", { name: "You are called" })).toHaveAttribute("aria-pressed", "true");
  await page.evaluate(async () => {
    Object.defineProperty(document, "hidden", { get: () => true });
    const form = document.querySelector("#current .need form");
    await fetch(form.getAttribute("action"), { method: "POST", body: new URLSearchParams(new FormData(form)) });
  });
  await expect.poll(() => page.evaluate(() => globalThis.called)).toHaveLength(1);
  expect(await page.evaluate(() => globalThis.called[0])).toMatch(/^A run needs you: Restart nginx .* waits for a person to do serving/);
});

test("the server is killed and comes back under an open page, which says so and then shows how it stands", async ({ browser, hosts }) => {
  const server = await startServer([], hosts.inventory);
  const context = await browser.newContext({ baseURL: server.origin });
  await context.addCookies([await signIn(server)]);
  const page = await context.newPage();
  await startRun(page, "web/slow", ["web-1"]);
  await expect(page.getByText("tick 3", { exact: true })).toBeVisible();
  await expect(page.locator("#live")).toHaveText("live");
  await server.kill();
  await expect(page.getByText("Connection lost, still running on the server")).toBeVisible();
  await expect(page.locator("#live")).toHaveText(/connection lost · \d+ s behind/);
  const last = await page.locator("[data-tail] .l").last().textContent();
  await server.startAgain();
  await expect(page.locator("#live")).toHaveText("live", { timeout: 30_000 });
  await expect(page.getByText("Connection lost, still running on the server")).toHaveCount(0);
  // The command ran on while nobody listened, and its output is there.
  const tick = Number(/tick (\d+)/.exec(last)[1]);
  await expect(page.getByText(`tick ${tick + 4}`, { exact: true })).toBeVisible({ timeout: 20_000 });
  await expect(page.getByText("tick 1", { exact: true })).toBeVisible();
  await context.close();
  await server.stop();
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("the menu opens, and a run goes from its start to its end", async ({ page }) => {
    const until = (locator) => expect(async () => { await page.reload(); await expect(locator).toBeVisible({ timeout: 500 }); }).toPass();
    await startRun(page, "web/restart", ["web-1"]);
    const restart = page.getByRole("button", { name: /Restart nginx on web-1/ });
    await until(restart);
    await restart.click();
    const rate = page.getByLabel("Error rate in %");
    await until(rate);
    await rate.fill("0.1");
    await page.getByRole("button", { name: "Record the answer" }).click();
    await until(page.getByRole("heading", { name: /Succeeded/ }));
    await page.setViewportSize({ width: 320, height: 700 });
    await page.getByRole("button", { name: "Menu" }).click();
    await page.getByRole("link", { name: "Runbooks", exact: true }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Runbooks");
  });
});

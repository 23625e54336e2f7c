// What people come for, with the script of the pages at work.
import { expect, startRun, test } from "./server.js";

test("somebody finds a runbook, reads it, and sees what would happen before anything does", async ({ page }) => {
  await page.goto("/");
  await page.getByRole("searchbox").fill("NodeFilesystem");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("link", { name: "Disk full on a web host" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Disk full on a web host");
  await page.getByRole("link", { name: "Start…" }).click();
  await expect(page.getByRole("checkbox", { checked: true })).toHaveCount(0);
  await page.getByRole("button", { name: "See what will happen" }).click();
  await expect(page.getByText("Choose at least one host.")).toBeVisible();
  await page.getByLabel(/Filesystem named/).fill("not a path");
  await page.getByRole("checkbox", { name: "web-1" }).check();
  await page.getByRole("button", { name: "See what will happen" }).click();
  await expect(page.getByLabel(/Filesystem named/)).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByLabel(/Filesystem named/)).toHaveValue("not a path");
  await expect(page.getByRole("checkbox", { name: "web-1" })).toBeChecked();
  await page.getByLabel(/Filesystem named/).fill("/");
  await page.getByRole("button", { name: "See what will happen" }).click();
  await expect(page.getByRole("button", { name: "Start on web-1" })).toBeVisible();
});

test("a destructive step goes on only with the right name, and the answer ends the run", async ({ page }) => {
  await startRun(page, "web/disk-full", ["web-3"]);
  await expect(page.getByText("release-2")).toBeVisible();
  const button = page.getByRole("button", { name: "Delete old releases on web-3" });
  const typed = page.getByLabel(/Type the name of the host/);
  const run = page.url();
  await typed.fill("web-2");
  // What has just changed under the finger is not taken: whoever is told to look again presses again.
  await expect(async () => {
    await typed.press("Enter");
    await expect(page.locator("#status")).toContainText("Type exactly: web-3", { timeout: 1_000 });
  }).toPass({ timeout: 20_000 });
  await expect(page).toHaveURL(run);
  await typed.fill("web-3");
  await button.click();
  await page.getByLabel("Error rate in %").fill("0.2");
  await page.getByRole("button", { name: "Record the answer" }).click();
  await expect(page.getByRole("heading", { name: /Succeeded/ })).toBeVisible();
  await page.locator("#step-releases summary").first().click();
  await page.locator("#step-releases").getByRole("link", { name: /attempt 1/ }).click();
  await expect(page.getByText("removed release-3 on web-3")).toBeVisible();
});

test("output arrives while one watches, a second window joins with all of it, and abort ends it", async ({ page, context }) => {
  await startRun(page, "web/slow", ["web-1"]);
  await expect(page.getByText("tick 3", { exact: true })).toBeVisible();
  await expect(page.locator("#live")).toHaveText("live");
  const second = await context.newPage();
  await second.goto(page.url());
  await expect(second.getByText("tick 1", { exact: true })).toBeVisible();
  await second.close();
  await page.locator("#stop summary").click();
  await page.getByLabel(/Stop everything on web-1/).fill("seen enough");
  await page.getByRole("button", { name: "Abort the run" }).click();
  await expect(page.getByRole("heading", { name: /Aborted/ })).toBeVisible();
  await expect(page.getByText("seen enough").first()).toBeVisible();
});

test("what is typed stays while output arrives", async ({ page }) => {
  await startRun(page, "web/slow", ["web-2"]);
  // Before its first step begins a run looks otherwise, and that change is only offered to whoever types.
  await expect.poll(() => page.locator("[data-tail] .l").count()).toBeGreaterThan(0);
  await page.locator("#stop summary").click();
  const reason = page.getByLabel(/Stop everything on web-2/);
  await reason.fill("half a sen");
  const before = await page.locator("[data-tail] .l").count();
  await expect.poll(() => page.locator("[data-tail] .l").count()).toBeGreaterThan(before + 2);
  await expect(reason).toHaveValue("half a sen");
  await expect(reason).toBeFocused();
  await page.getByRole("button", { name: "Abort the run" }).click();
  await expect(page.getByRole("heading", { name: /Aborted/ })).toBeVisible();
});

test("a failed step says what failed and asks for a decision; a skip needs a reason", async ({ page }) => {
  await startRun(page, "fails", []);
  await expect(page.getByText("It failed on web-1.")).toBeVisible();
  await expect(page.getByText("Look into the log of the service").first()).toBeVisible();
  await expect(page.getByText("not found").first()).toBeVisible();
  await page.getByRole("button", { name: "Try again on web-1" }).click();
  await expect(page.getByRole("link", { name: /attempt 2/ })).toBeVisible();
  await page.getByText("Go on without it…").click();
  await page.getByLabel(/Go on without this step/).fill("known, and harmless");
  await page.getByRole("button", { name: "Skip it on web-1" }).click();
  await expect(page.getByRole("heading", { name: /Succeeded/ })).toBeVisible();
  await expect(page.getByText("known, and harmless").first()).toBeVisible();
});

test("a link is made for some lines, opened by somebody who never signed in, and revoked", async ({ page, browser }) => {
  await startRun(page, "web/disk-full", ["web-3"]);
  await page.locator("#step-largest summary").first().click();
  await page.locator("#step-largest").getByRole("link", { name: /attempt 1/ }).click();
  await page.getByRole("link", { name: "Line 1", exact: true }).click();
  await expect(page).toHaveURL(/#L1$/);
  await page.getByRole("link", { name: /^Share/ }).click();
  await page.getByLabel(/What is it/).fill("Look at the logs");
  await page.getByRole("button", { name: "Make the link" }).click();
  const link = await page.getByLabel("The link").inputValue();
  const stranger = await browser.newContext();
  const theirs = await stranger.newPage();
  await theirs.goto(link);
  await expect(theirs).toHaveURL(/\/shared\/[0-9a-f-]{36}$/);
  await expect(theirs.getByRole("heading", { level: 1 })).toHaveText("Look at the logs");
  await expect(theirs.getByText("1.2G", { exact: true })).toBeVisible();
  await expect(theirs.locator("#L2")).toHaveCount(0);
  await page.getByRole("link", { name: "All links of this run" }).click();
  await page.getByRole("button", { name: "Revoke Look at the logs" }).click();
  await theirs.reload();
  await expect(theirs.getByRole("heading", { level: 1 })).toHaveText("This link does not work");
  await stranger.close();
});

test("keys move about and never touch a run", async ({ page }) => {
  await startRun(page, "web/disk-full", ["web-3"]);
  await expect(page.getByLabel(/Type the name of the host/)).toBeVisible();
  const before = await page.locator("#run").getAttribute("data-seq");
  for (const key of "abcdefijklmopqrsuvwxz0123456789") await page.keyboard.press(key);
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await page.keyboard.press("n");
  await expect(page.locator("[data-step] :focus, [data-step]:focus")).toHaveCount(1);
  await page.reload();
  await expect(page.locator("#run")).toHaveAttribute("data-seq", before);
  await page.keyboard.press("g");
  await page.keyboard.press("h");
  await expect(page).toHaveURL(/\/$/);
  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox")).toBeFocused();
});

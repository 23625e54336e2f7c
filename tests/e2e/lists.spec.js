// Now, Runbooks, a runbook, its start form, and the history: with the script, without it, on a phone, by keyboard.
import AxeBuilder from "@axe-core/playwright";
import { expect, startRun, test } from "./server.js";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

test("runbooks are found while typing, and opened by keyboard alone", async ({ page }) => {
  await page.goto("/runbooks");
  const search = page.getByRole("searchbox");
  await search.fill("releases");
  await expect(page.locator(".book")).toHaveCount(1);
  await expect(page.locator("mark").first()).toBeVisible();
  await expect(page).toHaveURL(/q=releases/);
  await search.fill("dsik");
  await expect(page.getByText("No runbook speaks of “dsik”.")).toBeVisible();
  await page.getByRole("link", { name: "disk", exact: true }).click();
  await expect(page.locator(".book")).toHaveCount(1);
  await page.goto("/runbooks");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Shift+Tab");
  await search.focus();
  await search.pressSequentially("web");
  await expect(page).toHaveURL(/q=web/);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowUp");
  await expect(page.locator("a[data-book]").first()).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/runbooks\/(web|fails)/);
});

test("a runbook that does not parse says where, and cannot be started", async ({ page }) => {
  await page.goto("/runbooks?fresh=broken");
  await expect(page.locator(".book .problems").first()).toContainText("runbooks/broken.yaml:");
  await page.locator("a[data-book]").click();
  await expect(page.getByRole("link", { name: "Start…" })).toHaveCount(0);
});

test("the start form says what is wrong while it is typed, and its link opens it filled in", async ({ page }) => {
  await page.goto("/start/web/disk-full");
  const mount = page.getByLabel(/Filesystem named/);
  await mount.fill("not a path");
  await expect(page.getByText(/not a path.* does not match/)).toBeVisible();
  await expect(mount).toHaveAttribute("aria-invalid", "true");
  await mount.fill("/var");
  await expect(mount).not.toHaveAttribute("aria-invalid", "true");
  await page.getByLabel(/Pick by labels/).fill("prod");
  await expect(page.getByRole("checkbox", { name: "web-1" })).toBeHidden();
  await page.getByRole("checkbox", { name: "web-3" }).check();
  await expect(page.locator("[data-picked-of]")).toHaveText("1 chosen");
  const link = await page.getByRole("link", { name: "Link with these values" }).getAttribute("href");
  expect(link).toContain("input.mount=%2Fvar");
  await page.goto(link);
  await expect(page.getByLabel(/Filesystem named/)).toHaveValue("/var");
  await expect(page.getByRole("checkbox", { checked: true })).toHaveCount(1);
  await expect(page).toHaveURL(/\/start\//);
  await page.getByRole("button", { name: "See what will happen" }).click();
  await page.getByText("As each host gets it").first().click();
  await expect(page.getByText("mount='/var'").first()).toBeVisible();
});

test("the first page says what waits for me, and says it without being asked again", async ({ page, browser, server }) => {
  await page.goto("/");
  const before = Number(/^\((\d+)\)/.exec(await page.title())?.[1] ?? 0);
  const context = await browser.newContext();
  await context.addCookies([server.cookie]);
  const other = await context.newPage();
  await startRun(other, "web/disk-full", ["web-3"]);
  await expect(page).toHaveTitle(new RegExp(`^\\(${before + 1}\\) `), { timeout: 30_000 });
  await expect(page.locator("#mine .runline").first()).toContainText("Disk full on a web host");
  await context.close();
});

test("the history keeps its filters in the address", async ({ page }) => {
  await startRun(page, "fails", []);
  await page.goto("/runs");
  await page.getByLabel("Title or runbook").fill("check that fails");
  await page.getByRole("button", { name: "Show" }).click();
  await expect(page).toHaveURL(/q=check/);
  await page.getByRole("link", { name: "24 hours" }).click();
  await expect(page.locator(".runline").first()).toContainText("A check that fails");
  await expect(page.getByRole("link", { name: "24 hours" })).toHaveAttribute("aria-current", "true");
  await page.getByRole("link", { name: /text check that fails/ }).click();
  await expect(page).not.toHaveURL(/q=/);
  await page.goto("/runs?since=yesterday");
  await expect(page.getByRole("alert")).toContainText("no time");
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("all of it works as links and forms", async ({ page }) => {
    await page.goto("/runbooks");
    await page.getByRole("searchbox").fill("disk");
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByRole("link", { name: "Disk full on a web host" }).click();
    await page.getByRole("link", { name: "Start…" }).click();
    await page.getByLabel(/Pick by labels/).fill("env=prod");
    await page.getByRole("button", { name: "Pick" }).click();
    await expect(page.getByText("1 host picked by env=prod")).toBeVisible();
    await expect(page.getByRole("checkbox", { name: "web-3" })).toBeChecked();
    await page.getByRole("button", { name: "See what will happen" }).click();
    await expect(page.getByRole("button", { name: "Start on web-3" })).toBeVisible();
    await page.goto("/runs?state=failed&range=7d");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Runs");
    await page.goto("/");
    await expect(page.getByRole("heading", { level: 1 })).toContainText(/wait/i);
  });
});

for (const colorScheme of ["light", "dark"]) {
  for (const width of [320, 390, 1280]) {
    test.describe(`${colorScheme}, ${width} px`, () => {
      test.use({ colorScheme, viewport: { width, height: 844 }, bypassCSP: true });

      test("no list has a fault that axe sees, or sticks out", async ({ page }) => {
        test.setTimeout(180_000);
        const addresses = [
          "/", "/runbooks", "/runbooks?q=disk&tag=disk", "/runbooks?q=dsik", "/runbooks?fresh=broken", "/runbooks/web/disk-full",
          "/start/web/disk-full?host=web-3", "/start/web/slow", "/runs", "/runs?q=disk&host=web-3&range=7d", "/runs?since=yesterday",
          "/runs?state=aborted&person=nobody",
        ];
        for (const [index, address] of addresses.entries()) {
          await page.goto(address);
          if (process.env.LOOK) await page.screenshot({ path: `../../target/looks/${index}-${colorScheme}-${width}.png`, fullPage: true });
          const outside = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          expect.soft(outside, `${address} sticks out`).toBeLessThanOrEqual(0);
          const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
          const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
          expect.soft(found, address).toEqual([]);
        }
      });
    });
  }
}

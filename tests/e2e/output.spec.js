// Long output, many hosts, comparing: with the script at work, on a desk and on a phone, and once without JavaScript.
import AxeBuilder from "@axe-core/playwright";
import { expect, startRun, test } from "./server.js";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

// The address of the output of a step, from the page of its run.
const outputOf = (page, step, host) => `${new URL(page.url()).pathname}/steps/${step}/hosts/${host}`;

async function finished(page, runbook, hosts) {
  await startRun(page, runbook, hosts);
  await expect(async () => {
    await page.reload();
    await expect(page.getByRole("heading", { name: /Succeeded|Failed/ })).toBeVisible({ timeout: 1000 });
  }).toPass({ timeout: 60_000 });
}

async function looksRight(page, where) {
  const outside = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect.soft(outside, `${where} sticks out`).toBeLessThanOrEqual(0);
  const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
  expect.soft(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`), where).toEqual([]);
}

for (const width of [390, 1280]) {
  test.describe(`${width} px`, () => {
    test.use({ viewport: { width, height: 800 } });

    test("output is followed, paused, says how many lines wait, and is followed again", async ({ page }) => {
      await startRun(page, "web/slow", ["web-1"]);
      await expect(page.locator("[data-tail] .l").first()).toBeVisible();
      const run = new URL(page.url()).pathname;
      await page.goto(outputOf(page, "watch", "web-1"));
      const follow = page.locator("#follow");
      await expect(page.locator("#viewlive")).toHaveText("live");
      await expect(follow).toHaveText("Pause");
      const first = await page.locator("#log .l").count();
      await expect.poll(() => page.locator("#log .l").count()).toBeGreaterThan(first + 2);
      await follow.click();
      await expect(follow).toHaveText(/^\d+ new lines?$/);
      const paused = await page.locator("#log .l").count();
      await expect.poll(async () => Number.parseInt(await follow.textContent(), 10)).toBeGreaterThan(2);
      expect(await page.locator("#log .l").count()).toBe(paused);
      await follow.click();
      await expect(follow).toHaveText("Pause");
      await expect.poll(() => page.locator("#log .l").count()).toBeGreaterThan(paused);
      // Every line once, in its order.
      const numbers = await page.locator("#log .n").allTextContents();
      expect(numbers.map(Number)).toEqual(numbers.map((_, position) => position + 1));
      await page.goto(run);
      await page.locator("#stop summary, #stop").first().click();
      await page.getByLabel(/Stop everything on web-1/).fill("seen enough");
      await page.getByRole("button", { name: "Abort the run" }).click();
    });

    test("a long output loads as one scrolls, is searched, marked, copied and taken away", async ({ page, context }) => {
      test.setTimeout(120_000);
      await context.grantPermissions(["clipboard-read", "clipboard-write"]);
      await finished(page, "long-output", ["web-1"]);
      await page.goto(outputOf(page, "print", "web-1"));
      await expect(page.locator("#L12000")).toBeAttached();
      await expect(page.locator("#L9500")).toHaveCount(0);
      await page.evaluate(() => window.scrollTo(0, 0));
      await expect(page.locator("#L9500")).toBeAttached();
      // A search over all of it, by pattern, from hit to hit.
      await page.locator("#q").fill("^line 4[0-9]{2}7 ");
      await page.getByLabel("Regular expression").check();
      await page.getByRole("button", { name: "Search" }).click();
      await expect(page.getByRole("heading", { name: /100 lines hold/ })).toBeVisible();
      await page.getByRole("link", { name: "Next", exact: true }).click();
      await expect(page).toHaveURL(/#L4007$/);
      await expect(page.locator("#L4007")).toBeInViewport();
      await page.getByRole("link", { name: "Next", exact: true }).click();
      await expect(page).toHaveURL(/#L4017$/);
      await page.keyboard.press("p");
      await expect(page).toHaveURL(/#L4007$/);
      // A line, a range, and their text.
      await page.getByRole("link", { name: "Line 4008", exact: true }).click();
      await page.getByRole("link", { name: "Line 4010", exact: true }).click({ modifiers: ["Shift"] });
      await expect(page).toHaveURL(/#L4008-L4010$/);
      await expect(page.locator("#log .l.m")).toHaveCount(3);
      await page.getByRole("button", { name: "Copy lines 4008–4010" }).click();
      await expect(page.locator("#status")).toHaveText("Copied lines 4008–4010");
      expect((await page.evaluate(() => navigator.clipboard.readText())).split("\n")[0]).toBe("line 4008 of many");
      const link = page.url();
      await page.goto("about:blank");
      await page.goto(link);
      await expect(page.locator("#log .l.m")).toHaveCount(3);
      // Times by key, and files.
      await page.keyboard.press("t");
      await expect(page.locator("#times")).not.toHaveValue(width < 640 ? "none" : "since");
      await page.locator("summary", { hasText: "Download" }).click();
      const arrives = page.waitForEvent("download");
      await page.getByRole("link", { name: /\.log/ }).click();
      expect((await arrives).suggestedFilename()).toBe("print-web-1-1.log");
    });

    test("progress shows its last state, errors are marked by a word, and a failed step opens at what went wrong", async ({ page }) => {
      await finished(page, "noisy", []);
      await page.goto(outputOf(page, "work", "web-1"));
      const bar = page.locator("#log .l", { hasText: "100%" });
      await expect(bar).toHaveCount(1);
      await expect(bar).not.toContainText("50%");
      await page.getByRole("link", { name: /earlier states/ }).click();
      await expect(page.getByRole("heading", { name: /states of line/ })).toBeVisible();
      await expect(page.locator(".statelist")).toContainText("50%");
      await page.goBack();
      await expect(page.locator(".l.e b").first()).toHaveText("err ");
      await expect(page.getByRole("link", { name: /Last sign of trouble: line/ })).toBeVisible();
      await expect(page.locator("#log .l.m")).toContainText("could not open the door");
      await expect(page.locator("#log .l.m")).toBeInViewport();
    });

    test("hosts by steps, equal outputs, and two of them side by side", async ({ page, context }) => {
      await context.grantPermissions(["clipboard-read", "clipboard-write"]);
      await finished(page, "web/speak", ["web-1", "web-2", "web-3"]);
      const run = new URL(page.url()).pathname;
      await page.goto(`${run}/grid`);
      await expect(page.getByRole("row", { name: /web-2/ })).toBeVisible();
      await expect(page.getByRole("link", { name: /3 done/ })).toBeVisible();
      await page.getByLabel("Host name").fill("web-2");
      await page.getByRole("button", { name: "Filter" }).click();
      await expect(page.getByRole("row", { name: /web-1/ })).toHaveCount(0);
      await page.locator("summary", { hasText: "Name of this host" }).click();
      await page.getByRole("button", { name: "Copy the names" }).click();
      await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe("web-2");
      await page.goto(`${run}/steps/say/groups`);
      await expect(page.getByText("2 hosts said this, 1 differs.")).toBeVisible();
      await page.getByRole("link", { name: "Side by side" }).click();
      await expect(page.getByText("1 line differs.")).toBeVisible();
      await expect(page.locator(".diff mark", { hasText: "broken" }).first()).toBeVisible();
      await page.goto(`${run}/log?host=web-2`);
      await expect(page.locator("#log-say summary")).toContainText("Say it");
      await page.locator("#log-say summary").click();
      await expect(page.locator("#log-say")).toContainText("nginx is broken");
    });
  });
}

for (const colorScheme of ["light", "dark"]) {
  for (const width of [320, 1280]) {
    test(`no page of output has a fault that axe sees, ${colorScheme}, ${width} px`, async ({ browser, server }) => {
      test.setTimeout(120_000);
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 800 }, bypassCSP: true, baseURL: server.origin, locale: "en-GB" });
      await context.addCookies([server.cookie]);
      const page = await context.newPage();
      await finished(page, "web/speak", ["web-1", "web-2", "web-3"]);
      const run = new URL(page.url()).pathname;
      await finished(page, "noisy", []);
      const cell = [new URL(page.url()).pathname, "steps", "work", "hosts", "web-1"].join("/");
      const folder = process.env.SCREENSHOTS;
      for (const [name, address] of Object.entries({
        grid: `${run}/grid`, failed: `${run}/grid?state=failed`, groups: `${run}/steps/say/groups`, compare: `${run}/steps/say/hosts/web-2/compare?with=host:web-1`,
        host: `${run}/log?host=web-2`, output: cell, found: `${cell}?q=o&case=1`, wrong: `${cell}?q=(&re=1`,
        states: `${cell}?lines=1&states=1`,
      })) {
        await page.goto(address);
        await page.evaluate(() => document.querySelectorAll("main details").forEach((folded) => { folded.open = true; }));
        await looksRight(page, name);
        if (folder) await page.screenshot({ path: `${folder}/${name}-${colorScheme}-${width}.png`, fullPage: true });
      }
      await context.close();
    });
  }
}

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("every line is a link away: pages, search by pattern, hit to hit, ranges, hosts, comparing", async ({ page }) => {
    test.setTimeout(120_000);
    await finished(page, "long-output", ["web-1"]);
    await page.goto(outputOf(page, "print", "web-1"));
    await expect(page.locator("#L12000")).toBeVisible();
    await page.getByRole("link", { name: "First", exact: true }).click();
    await expect(page.locator("#L1")).toBeVisible();
    await page.getByRole("link", { name: /^Lines 1501/ }).click();
    await expect(page.locator("#L1501")).toBeVisible();
    await page.getByLabel("Line", { exact: true }).fill("7000-7002");
    await page.getByRole("button", { name: "Go" }).click();
    await expect(page.locator("#log .l.m")).toHaveCount(3);
    await page.locator("#q").fill("^line 4[0-9]{2}7 ");
    await page.getByLabel("Regular expression").check();
    await page.getByRole("button", { name: "Search" }).click();
    await page.getByRole("link", { name: "Next", exact: true }).click();
    await expect(page.locator("#L4007")).toHaveClass(/m/);
    await page.getByRole("link", { name: "Next", exact: true }).click();
    await expect(page.locator("#L4017")).toHaveClass(/m/);
    await expect(page.getByRole("heading", { name: /2 of 100 lines hold/ })).toBeVisible();
    await expect(page.locator(".viewbar")).toBeHidden();
    await finished(page, "web/speak", ["web-1", "web-2"]);
    const run = new URL(page.url()).pathname;
    await page.goto(`${run}/grid`);
    await page.getByRole("link", { name: /2 done/ }).click();
    await expect(page.getByRole("row", { name: /web-2/ })).toBeVisible();
    await page.goto(`${run}/steps/say/hosts/web-1/compare`);
    await page.getByLabel("With", { exact: true }).selectOption("web-2");
    await page.getByRole("button", { name: "Compare" }).click();
    await expect(page.getByText("1 line differs.")).toBeVisible();
  });
});

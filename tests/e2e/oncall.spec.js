// Who is on call, and a page in two taps: in both themes, on a phone and on a desk.
import { writeFileSync } from "node:fs";
import path from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "./server.js";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const ONCALL = `steadyhand: 1
zone: Europe/Berlin
rotations:
  web: {title: "Web shop, first line", members: [anna, ben, carla], start: 2026-01-05, handover: {days: [mon, thu], at: "09:00"}}
  web-second: {title: Second line, members: [ben, ben], start: 2026-01-05, handover: {days: [mon], at: "09:00"}}
  db: {title: Databases, feed: calendar}
feeds: {calendar: {file: calendars/db.ics}}
chains:
  web: {title: Web shop, levels: [{who: rotation:web}, {who: rotation:web-second}]}
  db: {title: Databases, levels: [{who: rotation:db}]}
`;

test.beforeEach(async ({ server }) => {
  writeFileSync(path.join(server.folder, "repository/oncall.yaml"), ONCALL);
});

for (const colorScheme of ["light", "dark"]) {
  for (const width of [320, 390, 1280]) {
    test.describe(`${colorScheme}, ${width} px`, () => {
      test.use({ colorScheme, viewport: { width, height: 844 }, bypassCSP: true });

      test("who is on call, what is to settle, and a page in two taps", async ({ page }) => {
        const looks = async (name) => {
          const outside = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          expect.soft(outside, `${name} sticks out`).toBeLessThanOrEqual(0);
          const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
          const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
          expect.soft(found, name).toEqual([]);
          await page.screenshot({ path: `test-results/oncall-${name}-${colorScheme}-${width}.png`, fullPage: true });
        };
        await expect(async () => {
          await page.goto("/on-call");
          await expect(page.getByRole("heading", { name: "To settle in the next four weeks" })).toBeVisible({ timeout: 500 });
        }).toPass();
        await expect(page.getByText("nobody is on call for db")).toBeVisible();
        await looks("on-call");
        await page.getByRole("link", { name: "Page somebody" }).first().click();
        await looks("paging");
        await page.getByRole("button", { name: "Page Web shop" }).click();
        await expect(page).toHaveURL(/\/pages\/[0-9a-f-]{36}$/);
        await expect(page.getByText("No message went out")).toBeVisible();
        await looks("page");
        await page.getByRole("button", { name: "I have it" }).click();
        await expect(page.getByText(/has it$/).first()).toBeVisible();
      });
    });
  }
}

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("paging works the same", async ({ page }) => {
    await page.goto("/page?about=/runs");
    await page.getByRole("button", { name: "Page Databases" }).click();
    await expect(page.getByRole("link", { name: "/runs" })).toBeVisible();
    await page.getByRole("button", { name: "I have it" }).click();
    await expect(page.getByText("has it").first()).toBeVisible();
  });
});

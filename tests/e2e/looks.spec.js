// Every page in both themes, on a phone and on a desk: nothing sticks out, axe finds nothing, it is small.
import { gzipSync } from "node:zlib";
import AxeBuilder from "@axe-core/playwright";
import { expect, startRun, test } from "./server.js";

const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const PAGE_BYTES_MAX = 100_000;

async function pages(page) {
  await startRun(page, "web/disk-full", ["web-3"]);
  await expect(page.getByLabel(/Type the name of the host/)).toBeVisible();
  const run = new URL(page.url()).pathname;
  await startRun(page, "fails", []);
  await expect(page.getByText("It failed on web-1.")).toBeVisible();
  const failed = new URL(page.url()).pathname;
  return [
    "/", "/runbooks", "/runbooks/web/disk-full", "/runbooks/broken", "/start/web/disk-full?host=web-3", "/runs", run, failed,
    `${run}/steps/largest/hosts/web-3`, `${run}/share`, "/account", "/components", "/none", "/s/none", "/login",
  ];
}

for (const colorScheme of ["light", "dark"]) {
  for (const width of [320, 1280]) {
    test.describe(`${colorScheme}, ${width} px`, () => {
      test.use({ colorScheme, viewport: { width, height: 800 }, bypassCSP: true });

      test("no page has a fault that axe sees, or sticks out, or is heavy", async ({ page }) => {
        test.setTimeout(180_000);
        for (const address of await pages(page)) {
          // As it comes over the wire.
          const coming = [];
          const count = (request) => coming.push(request.sizes().catch(() => null));
          page.on("requestfinished", count);
          await page.goto(address);
          page.off("requestfinished", count);
          const bytes = (await Promise.all(coming)).reduce((sum, sizes) => sum + (sizes?.responseBodySize ?? 0), 0);
          expect.soft(bytes, address).toBeLessThan(PAGE_BYTES_MAX);
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

test("style and script stay small on the wire", async ({ page, server }) => {
  await page.goto("/");
  const [style, script] = await page.evaluate(() => [document.querySelector("link[rel=stylesheet]").href, document.querySelector("script[src]").src]);
  for (const [address, bytesMax] of [[style, 15_000], [script, 25_000]]) {
    const packed = gzipSync(Buffer.from(await (await fetch(address)).arrayBuffer())).length;
    expect(packed, address).toBeLessThan(bytesMax);
    expect(address.startsWith(server.origin)).toBe(true);
  }
});

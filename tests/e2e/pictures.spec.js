// The pictures of the documentation, on a phone and on a desk, in both themes, each looked at by axe as well. They are
// kept where PICTURES says (`make pictures`), and otherwise with the results of the tests.
import path from "node:path";
import { expect, expectClean, test } from "./fleet.js";
import { startRun } from "./server.js";

for (const colorScheme of ["light", "dark"]) {
  for (const [device, viewport] of [["phone", { width: 390, height: 844 }], ["desk", { width: 1280, height: 900 }]]) {
    test.describe(`${device}, ${colorScheme}`, () => {
      test.use({ colorScheme, viewport, bypassCSP: true });

      test("the run page in its states, and the components", async ({ page }, info) => {
        test.setTimeout(180_000);
        const show = async (name) => {
          await page.evaluate(() => { document.activeElement?.blur(); scrollTo(0, 0); });
          const folder = process.env.PICTURES ?? info.outputDir;
          if (["run", "failed"].includes(name)) await page.screenshot({ path: path.join(folder, `${name}-${device}-${colorScheme}.png`), scale: "css" });
          await expectClean(page, `${name}, ${device}, ${colorScheme}`);
        };
        await startRun(page, "web/disk-full", ["web-3"]);
        await expect(page.getByLabel(/Type the name of the host/)).toBeVisible();
        await show("run");
        await page.locator("#stop summary").click();
        await show("stop");
        await startRun(page, "web/restart", ["web-1", "web-2", "web-3"]);
        await expect(page.getByRole("button", { name: /Restart nginx on/ })).toBeVisible();
        await show("many");
        await startRun(page, "fails", []);
        await expect(page.getByText("It failed on web-1.")).toBeVisible();
        await show("failed");
        await page.getByText("End the run here…").click();
        await page.getByLabel(/End the run here/).fill("seen enough");
        await page.getByRole("button", { name: "Abort the run" }).last().click();
        await expect(page.getByRole("heading", { name: /Aborted|Failed/ })).toBeVisible();
        await show("ended");
        await page.goto("/components");
        await show("components");
      });
    });
  }
}

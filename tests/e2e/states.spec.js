// The run page in every state that its samples have, also those that are hard to bring about: what the Rust tests have
// drawn into target/pages is shown under the real server's address, so that it gets the real style sheet and script.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expectClean } from "./fleet.js";
import { expect, test } from "./server.js";

const folder = path.join(import.meta.dirname, "../../target/pages");
const states = existsSync(folder) ? readdirSync(folder).filter((name) => /^run-.*\.html$/.test(name) && (!name.includes("-watched") || /running|approve/.test(name))) : [];

for (const [colorScheme, width] of [["light", 320], ["dark", 1280]]) {
  test.describe(`${colorScheme}, ${width} px`, () => {
    test.use({ colorScheme, viewport: { width, height: 844 }, bypassCSP: true });

    test("no state of the run page has a fault that axe sees, or sticks out", async ({ page, server }) => {
      test.setTimeout(240_000);
      expect(states.length, "the Rust tests draw the pages: make test-rust ARGS=view").toBeGreaterThan(20);
      let html;
      await page.route("**/state/*", (route) => route.fulfill({ contentType: "text/html", body: html }));
      // The run of a sample is not on this server: its script would only find that out.
      await page.route(/\/(parts|events)(\?|$)/, (route) => route.fulfill({ status: 204, body: "" }));
      for (const name of states) {
        html = readFileSync(path.join(folder, name), "utf8").replace(/\/assets\/[0-9a-f]+\//g, "/assets/0/");
        await page.goto(`${server.origin}/state/${name}`);
        await expectClean(page, name);
      }
    });
  });
}

// Stories on real SSH hosts: three of them, the third in production.
import AxeBuilder from "@axe-core/playwright";
import { startHosts } from "./hosts.js";
import { expect, signIn, startServer, test as local } from "./server.js";

const LABELS = { "web-1": "{role: web, env: staging}", "web-2": "{role: web, env: staging}", "web-3": "{role: web, env: prod}" };
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

export const test = local.extend({
  hosts: [async ({}, use) => {
    const hosts = await startHosts(LABELS);
    await use(hosts);
    hosts.stop();
  }, { scope: "worker" }],
  server: [async ({ hosts }, use) => {
    const server = await startServer([], hosts.inventory);
    await use({ ...server, cookie: await signIn(server) });
    await server.stop();
  }, { scope: "worker" }],
});

// Nothing that axe sees, nothing that sticks out.
export async function expectClean(page, what) {
  const outside = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect.soft(outside, `${what} sticks out`).toBeLessThanOrEqual(0);
  const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
  expect.soft(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`), what).toEqual([]);
}

export { expect };

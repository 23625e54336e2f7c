// Secrets in a real browser: they leave the address at once, no request and no page tells where somebody came from, and
// over https the session's cookie belongs to this host alone.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test as plain } from "@playwright/test";
import { expect, startServer, startRun } from "./server.js";

function watch(page) {
  const told = { referers: [], addresses: [] };
  page.on("request", async (request) => {
    const { referer } = await request.allHeaders().catch(() => ({}));
    if (referer) told.referers.push(`${request.url()} from ${referer}`);
    told.addresses.push(request.url());
  });
  return told;
}

async function signIn(page, server) {
  await page.goto(`${server.origin}/login?token=${server.token}&next=/runs`);
  await page.getByRole("button", { name: /Sign in/ }).click();
  await expect(page).toHaveURL(`${server.origin}/runs`);
}

plain("after signing in and after opening a link no address holds the secret, and nobody is told where one came from", async ({ browser }) => {
  const server = await startServer();
  try {
    const context = await browser.newContext({ baseURL: server.origin });
    const page = await context.newPage();
    const told = watch(page);
    await signIn(page, server);
    expect(await page.evaluate(() => document.referrer)).toBe("");
    const before = told.addresses.length;
    await startRun(page, "fails", []);
    await page.getByRole("link", { name: "Share this run" }).click();
    await page.getByRole("button", { name: "Make the link" }).click();
    const link = await page.getByLabel("The link").inputValue();
    expect(await page.evaluate(() => document.referrer)).toBe("");
    expect(told.addresses.slice(before).filter((address) => address.includes(server.token))).toEqual([]);
    const secret = new URL(link).pathname.split("/").pop();
    const stranger = await browser.newContext();
    const theirs = await stranger.newPage();
    const toldThem = watch(theirs);
    await theirs.goto(link);
    await expect(theirs).toHaveURL(/\/shared\/[0-9a-f-]{36}$/);
    await theirs.reload();
    const raw = theirs.getByRole("link", { name: /plain text|Download|text/i }).first();
    if (await raw.count()) await raw.click();
    expect(await theirs.evaluate(() => document.referrer)).toBe("");
    expect(await theirs.evaluate(() => document.documentElement.outerHTML)).not.toContain(secret);
    expect(await theirs.evaluate(() => document.cookie)).toBe("");
    expect(toldThem.addresses.filter((address) => address.includes(secret))).toEqual([link]);
    expect([...told.referers, ...toldThem.referers]).toEqual([]);
    await stranger.close();
    await context.close();
  } finally {
    await server.stop();
  }
});

plain("over https somebody signs in, starts a run and watches it live, with a cookie of this host alone", async ({ browser }) => {
  const folder = mkdtempSync(path.join(tmpdir(), "sh-tls-"));
  const [cert, key] = [path.join(folder, "cert.pem"), path.join(folder, "key.pem")];
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
    "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", key, "-out", cert], { stdio: "ignore" });
  const server = await startServer(["--tls-cert", cert, "--tls-key", key]);
  try {
    const context = await browser.newContext({ baseURL: server.origin, ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await signIn(page, server);
    const [cookie] = await context.cookies();
    expect(cookie).toMatchObject({ name: "__Host-steadyhand_session", secure: true, httpOnly: true, sameSite: "Lax", path: "/" });
    await startRun(page, "web/slow", ["web-1"]);
    await expect(page.getByText("tick 2", { exact: true })).toBeVisible();
    await expect(page.locator("#live")).toHaveText("live");
    const protocol = await page.evaluate(() => performance.getEntriesByType("navigation")[0].nextHopProtocol);
    expect(protocol).toBe("h2");
    await page.locator("#stop summary").click();
    await page.getByLabel(/Stop everything on web-1/).fill("seen enough");
    await page.getByRole("button", { name: "Abort the run" }).click();
    await expect(page.getByRole("heading", { name: /Aborted/ })).toBeVisible();
    await page.getByRole("link", { name: "Share this run" }).click();
    await page.getByRole("button", { name: "Make the link" }).click();
    const link = await page.getByLabel("The link").inputValue();
    expect(link).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/s\//);
    await page.goto(link);
    await expect(page).toHaveURL(/\/shared\/[0-9a-f-]{36}$/);
    const shared = (await context.cookies()).find(({ name }) => name.includes("share"));
    expect(shared).toMatchObject({ name: "__Secure-steadyhand_share", secure: true, httpOnly: true });
    await context.close();
  } finally {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

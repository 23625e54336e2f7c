// Everything once more without JavaScript: forms post, pages come back.
import { expect, startRun, test } from "./server.js";

test.use({ javaScriptEnabled: false });

test("a run goes from its start to its end, with a wrong word on the way", async ({ page }) => {
  await startRun(page, "web/disk-full", ["web-3"]);
  const typed = page.getByLabel(/Type the name of the host/);
  await expect(async () => {
    await page.reload();
    await expect(typed).toBeVisible({ timeout: 500 });
  }).toPass();
  await typed.fill("web-2");
  await page.getByRole("button", { name: "Delete old releases on web-3" }).click();
  await expect(page.getByRole("alert")).toContainText("Refused");
  await expect(typed).toHaveValue("web-2");
  await typed.fill("web-3");
  await page.getByRole("button", { name: "Delete old releases on web-3" }).click();
  const rate = page.getByLabel("Error rate in %");
  await expect(async () => {
    await page.reload();
    await expect(rate).toBeVisible({ timeout: 500 });
  }).toPass();
  await rate.fill("0.1");
  await page.getByRole("button", { name: "Record the answer" }).click();
  await expect(async () => {
    await page.reload();
    await expect(page.getByRole("heading", { name: /Succeeded/ })).toBeVisible({ timeout: 500 });
  }).toPass();
});

test("a run is aborted", async ({ page }) => {
  await startRun(page, "web/slow", ["web-1"]);
  await page.locator("#stop summary").click();
  await page.getByLabel(/Stop everything on web-1/).fill("seen enough");
  await page.getByRole("button", { name: "Abort the run" }).click();
  await expect(async () => {
    await page.reload();
    await expect(page.getByRole("heading", { name: /Aborted/ })).toBeVisible({ timeout: 500 });
  }).toPass();
});

test("a link is made, opened and revoked", async ({ page, browser }) => {
  await startRun(page, "fails", []);
  await page.getByRole("link", { name: "Share this run" }).click();
  await page.getByRole("button", { name: "Make the link" }).click();
  const link = await page.getByLabel("The link").inputValue();
  const stranger = await browser.newContext({ javaScriptEnabled: false });
  const theirs = await stranger.newPage();
  await theirs.goto(link);
  await expect(theirs.getByRole("heading", { level: 1 })).toContainText("A check that fails");
  await page.getByRole("link", { name: "All links of this run" }).click();
  await page.getByRole("button", { name: /^Revoke/ }).first().click();
  await theirs.reload();
  await expect(theirs.getByRole("heading", { level: 1 })).toHaveText("This link does not work");
  await stranger.close();
});

test("signing out ends the session", async ({ browser, server }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${server.origin}/runs`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Sign in");
  await page.goto(`${server.origin}/login?token=${server.token}`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByText("This link does not sign in")).toBeVisible();
  await context.close();
});

// The real program on a free port with data of its own, and somebody who has signed in.
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test as base, expect } from "@playwright/test";

const here = import.meta.dirname;
const program = process.env.STEADYHAND_BIN ?? path.join(here, "../../target/debug/steadyhand");

// `more`: further arguments of serve.
export async function startServer(more = []) {
  const folder = mkdtempSync(path.join(tmpdir(), "sh-"));
  cpSync(path.join(here, "repository"), path.join(folder, "repository"), { recursive: true });
  const given = ["serve", "--repo", path.join(folder, "repository"), "--data", path.join(folder, "data"), "--listen", "127.0.0.1:0", ...more];
  const child = spawn(program, given, { stdio: ["ignore", "pipe", "pipe"] });
  let told = "";
  const link = await new Promise((resolve, reject) => {
    const look = (bytes) => {
      told += bytes;
      const found = /(https?:\/\/127\.0\.0\.1:\d+)\/login\?token=(\w+)/.exec(told);
      if (found) resolve({ origin: found[1], token: found[2] });
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
    child.on("exit", (code) => reject(new Error(`the server ended with ${code}: ${told}`)));
    setTimeout(() => reject(new Error(`the server printed no login link: ${told}`)), 30_000).unref();
  });
  const stop = async () => {
    const gone = new Promise((resolve) => child.on("exit", resolve));
    child.kill("SIGTERM");
    await gone;
    rmSync(folder, { recursive: true, force: true });
  };
  return { ...link, folder, stop, pid: child.pid };
}

export const test = base.extend({
  // One server a worker: a story leaves its runs behind, as people do.
  server: [async ({}, use) => {
    const server = await startServer();
    const answer = await fetch(`${server.origin}/login`, {
      method: "POST", redirect: "manual", body: new URLSearchParams({ token: server.token }),
    });
    const [name, value] = answer.headers.get("set-cookie").split(";")[0].split("=");
    await use({ ...server, cookie: { name, value, url: server.origin } });
    await server.stop();
  }, { scope: "worker" }],

  // A page of somebody who has signed in; an error on its console fails the story.
  page: async ({ page, context, server }, use) => {
    await context.addCookies([server.cookie]);
    const errors = [];
    page.on("console", (message) => {
      // A refused form is answered with 4xx, which the browser notes as an error of its own.
      if (message.type() === "error" && !/status of 4(09|22|04)/.test(message.text())) errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(String(error)));
    await use(page);
    expect(errors).toEqual([]);
  },
  baseURL: async ({ server }, use) => use(server.origin),
});

export { expect };

// From the start form to the page of the run.
export async function startRun(page, runbook, hosts) {
  await page.goto(`/start/${runbook}`);
  for (const host of hosts) await page.getByRole("checkbox", { name: host }).check();
  await page.getByRole("button", { name: "See what will happen" }).click();
  await page.getByRole("button", { name: /^Start on/ }).click();
  await expect(page).toHaveURL(/\/runs\/[0-9a-f-]{36}$/);
}

// The real program on a free port with data of its own, and somebody who has signed in.
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test as base, expect } from "@playwright/test";

const here = import.meta.dirname;
const program = process.env.STEADYHAND_BIN ?? path.join(here, "../../target/debug/steadyhand");

// `more`: further arguments of serve. `inventory`: the hosts, instead of those of the repository.
export async function startServer(more = [], inventory = undefined) {
  const folder = mkdtempSync(path.join(tmpdir(), "sh-"));
  const [repository, data] = [path.join(folder, "repository"), path.join(folder, "data")];
  cpSync(path.join(here, "repository"), repository, { recursive: true });
  if (inventory) writeFileSync(path.join(repository, "inventory.yaml"), inventory);
  const serve = (listen) => spawn(program, ["serve", "--repo", repository, "--data", data, "--listen", listen, ...more], { stdio: ["ignore", "pipe", "pipe"] });
  let child = serve("127.0.0.1:0");
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
  const end = async (signal) => {
    const gone = new Promise((resolve) => child.on("exit", resolve));
    child.kill(signal);
    await gone;
  };
  return {
    ...link,
    folder,
    pid: child.pid,
    // As a power cut does it; nothing is told to anybody.
    kill: () => end("SIGKILL"),
    // On the same port, with the same data.
    async startAgain() {
      child = serve(new URL(link.origin).host);
      child.stdout.resume();
      child.stderr.resume();
      await expect.poll(() => fetch(`${link.origin}/livez`).then(({ ok }) => ok, () => false), { timeout: 30_000 }).toBe(true);
    },
    // Another person, as the command line makes one, with a role everywhere; gives the address that signs them in.
    person(name, role) {
      writeFileSync(path.join(repository, "access.yaml"), `steadyhand: 1\ngrants:\n  - {who: "user:${name}", role: ${role}}\n`);
      const run = (...given) => execFileSync(program, ["user", ...given, "--data", data], { encoding: "utf8" });
      run("add", name);
      return `${link.origin}${/\/login\?token=\w+/.exec(run("login", name, "--base", link.origin))[0]}`;
    },
    async stop() {
      await end("SIGTERM");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

// The cookie of whoever opens the link that the server printed.
export async function signIn(server) {
  const answer = await fetch(`${server.origin}/login`, {
    method: "POST", redirect: "manual", body: new URLSearchParams({ token: server.token }),
  });
  const [name, value] = answer.headers.get("set-cookie").split(";")[0].split("=");
  return { name, value, url: server.origin };
}

export const test = base.extend({
  // One server a worker: a story leaves its runs behind, as people do.
  server: [async ({}, use) => {
    const server = await startServer();
    await use({ ...server, cookie: await signIn(server) });
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

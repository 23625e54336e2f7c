// Chromium of the machine: nothing is downloaded. One worker a core would starve the servers that it tests.
import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: ".",
  testMatch: "*.spec.js",
  outputDir: "../../target/e2e",
  workers: 1,
  timeout: 60_000,
  expect: { timeout: 20_000 },
  forbidOnly: true,
  // As in .ci/run: a second try there, and it is told as flaky.
  retries: process.env.CI ? 1 : 0,
  reporter: [["list"]],
  use: {
    locale: "en-GB",
    timezoneId: "UTC",
    actionTimeout: 15_000,
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM_BIN ?? "/usr/bin/chromium",
      args: ["--no-sandbox", "--disable-background-networking"],
    },
  },
});

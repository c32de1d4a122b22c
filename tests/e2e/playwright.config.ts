// Runs the browser tests in the system's Chromium; nothing is downloaded.
//
//   TELLTALE_URL    where the program listens, e.g. http://127.0.0.1:8080
//   TELLTALE_LINK   a fresh one-time sign-in link of it
//   CHROMIUM        the browser; default /usr/bin/chromium
import { defineConfig } from "@playwright/test";

const isRoot = process.getuid?.() === 0;

export default defineConfig({
  testDir: ".",
  outputDir: process.env.TELLTALE_E2E_OUT ?? "../../dashboard/coverage/e2e",
  timeout: 60_000,
  expect: { timeout: 15_000 },
  workers: 1,
  retries: 0,
  forbidOnly: true,
  reporter: [["list"]],
  use: {
    baseURL: process.env.TELLTALE_URL ?? "",
    browserName: "chromium",
    viewport: { width: 1280, height: 800 },
    screenshot: "only-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        ...(isRoot ? ["--no-sandbox"] : []),
        "--disable-gpu",
        "--disable-quic",
        "--disable-sync",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
      ],
    },
  },
});

// The dashboard against a running Telltale: one person's way from the sign-in link to an anomaly's
// evidence. The link works once, so the tests share a page and run in order.
import { type BrowserContext, expect, type Page, test } from "@playwright/test";
import { source as axeSource } from "axe-core";

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") {
    throw new Error(`${name} is not set: see playwright.config.ts`);
  }
  return value;
}

const url = required("TELLTALE_URL").replace(/\/$/, "");
const link = required("TELLTALE_LINK");
const code = new URLSearchParams(new URL(link).hash.slice(1)).get("token") ?? "";

test.describe.configure({ mode: "serial" });

let context: BrowserContext;
let page: Page;
const complaints: string[] = [];
const foreign: string[] = [];

test.beforeAll(async ({ browser }) => {
  expect(code, "the link carries a code").not.toBe("");
  context = await browser.newContext();
  page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") {
      complaints.push(message.text());
    }
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(url).origin) {
      foreign.push(request.url());
    }
  });
});

test.afterAll(async () => {
  await context.close();
});

const rows = () => page.locator("tr.row");

/** What a checker of accessibility finds wrong with the page, as text. */
async function accessibilityProblems(): Promise<string[]> {
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: typeof import("axe-core") };
    const found = await axe.run(document, { resultTypes: ["violations"] });
    return found.violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`,
    );
  });
}

test("the one-time link signs in and leaves no trace in the address bar", async () => {
  await page.goto(link);
  await expect(page.getByRole("heading", { name: "Anomalies", exact: true })).toBeVisible();
  expect(page.url()).toBe(`${url}/app/`);
  expect(await page.evaluate(() => JSON.stringify([location.href, history.state]))).not.toContain(
    code,
  );
  expect(await page.evaluate(() => localStorage.length)).toBe(0);
  expect(await page.evaluate(() => document.cookie)).toBe("");
});

test("the live list fills by itself", async () => {
  await expect(rows().first()).toBeVisible({ timeout: 45_000 });
  await expect(page.getByText("Live", { exact: true })).toBeVisible();
  const first = rows().first();
  await expect(first.locator("time")).toHaveAttribute("title", /UTC$/);
  await expect(first.locator(".amount")).toHaveText(/^[\d,]+(\.\d+)? [A-Z]{3}$/);
  await expect(first.locator(".severity")).toHaveText(/Low|Medium|High|Critical/);
  await expect(first.locator(".why .message")).not.toBeEmpty();
});

test("the status strip tells what the program is doing", async () => {
  const strip = page.getByRole("region", { name: "Status" });
  await expect(strip.getByText("OK")).toBeVisible();
});

test("a filter narrows the list, stands in the address, and is cleared again", async () => {
  const severity = (await rows().first().locator(".severity").innerText()).trim();
  await page.getByLabel("Severity").selectOption({ label: severity });
  await expect(page).toHaveURL(`${url}/app/?severity=${severity.toLowerCase()}`);
  await expect(rows().first()).toBeVisible();
  for (const shown of await rows().locator(".severity").allInnerTexts()) {
    expect(shown.trim()).toBe(severity);
  }
  await page.getByLabel("Customer").fill("nobody-of-that-name");
  await expect(page.getByText("Nothing matches these filters")).toBeVisible();
  await page.getByRole("button", { name: "Clear filters" }).click();
  await expect(rows().first()).toBeVisible();
  await expect(page).toHaveURL(`${url}/app/`);
});

test("the list can be paused and has no accessibility problems", async () => {
  await page.keyboard.press("p");
  await expect(page.getByText(/^Paused/)).toBeVisible();
  expect(await accessibilityProblems()).toEqual([]);
});

test("one anomaly shows its evidence", async () => {
  await page.keyboard.press("j");
  const message = await rows().first().locator(".why .message").innerText();
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/app\/anomalies\/.+/);
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Why" })).toBeVisible();
  await expect(page.locator(".reason").first()).toContainText(message);
  await expect(page.getByRole("table").getByRole("row")).not.toHaveCount(1);
  await expect(page.getByRole("heading", { name: "How it was decided" })).toBeVisible();
  await page.getByText("Raw JSON", { exact: true }).click();
  await expect(page.getByRole("region", { name: "Raw JSON" })).toContainText('"anomaly_id"');
  expect(await accessibilityProblems()).toEqual([]);
});

test("its address can be opened again in the same tab", async () => {
  const heading = await page.getByRole("heading", { level: 1 }).innerText();
  await page.reload();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(heading);
  await page.keyboard.press("Escape");
  await expect(rows().first()).toBeVisible();
});

test("an id that does not exist is said to be missing", async () => {
  const before = complaints.length;
  await page.goto(`${url}/app/anomalies/no-such-anomaly`);
  await expect(page.getByRole("heading", { name: "No such anomaly" })).toBeVisible();
  // The browser itself notes the 404 of the API call.
  complaints.splice(before);
});

test("nothing was complained about, and nothing was asked of another server", () => {
  expect(complaints).toEqual([]);
  expect(foreign).toEqual([]);
});

test("the link does not work twice", async ({ browser }) => {
  const other = await browser.newContext();
  const second = await other.newPage();
  await second.goto(link);
  await expect(second.getByRole("alert")).toContainText("used already");
  await expect(second.getByText("telltale token create --role analyst")).toBeVisible();
  expect(second.url()).not.toContain(code);
  expect(await second.evaluate(() => sessionStorage.length)).toBe(0);
  await other.close();
});

test("signing out forgets the token and asks for another", async () => {
  await page.goto(`${url}/app/`);
  const token = (await page.evaluate(() => sessionStorage.getItem("telltale.token"))) ?? "";
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  expect(await accessibilityProblems()).toEqual([]);

  await page.getByLabel("Access token").fill(`${token.slice(0, token.lastIndexOf("."))}.forged`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("does not accept this token");

  await page.getByLabel("Access token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "Anomalies", exact: true })).toBeVisible();
});

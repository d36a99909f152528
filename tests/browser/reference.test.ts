import fc from "fast-check";
import type { Page } from "playwright-core";
import { afterEach, describe, expect, test, vi } from "vitest";
import { browserSuite, hasBrowser, inspect, type OpenOptions } from "#tests/support/browser.ts";
import { openApiDocument } from "#tests/support/declared.ts";
import { temporaryFolder } from "#tests/support/program.ts";
import { seedOf } from "#tests/support/seed.ts";
import { ensureScalar, requireIntegrity } from "#tools/local/reference/scalar.ts";
import { freePort } from "#tools/machine/child_process.ts";
import { resolve } from "#tools/openapi/read.ts";
import type { Operation, Schema } from "#tools/openapi/types.ts";

const missing = await ensureScalar().then(
  () => null,
  (error: Error) => error.message,
);
if (missing !== null) {
  if (process.env.CI) throw new Error(`The tests of the API reference need Scalar: ${missing}`);
  console.log(`The tests of the API reference are skipped: ${missing}`);
}

const operations = Object.entries(openApiDocument.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([verb, operation]) => ({
    path,
    verb: verb.toUpperCase(),
    operation: operation as Operation,
  })),
);
/** Scalar's id of an error's schema: `rate_limited` is `RateLimited`. */
const modelOf = (code: string) =>
  code
    .split("_")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");

/** The fields of a request. Of several variants, Scalar shows the first until another is chosen. */
function fieldsOf({ requestBody }: Operation): string[] {
  const schema = requestBody?.content["application/json"]?.schema;
  if (!schema) return [];
  const body = resolve<Schema>(openApiDocument, schema);
  const [first = body] = body.oneOf ?? [];
  return Object.keys(resolve<Schema>(openApiDocument, first).properties ?? {});
}

/** The codes that the descriptions of an operation's responses name first in each line. */
const errorsOf = ({ responses }: Operation) =>
  Object.values(responses).flatMap((response) =>
    [
      ...resolve<{ description: string }>(openApiDocument, response).description.matchAll(/`([a-z_]+)`:/g),
    ].map(([, code = ""]) => code),
  );

/** How many sections of the reference are read. All of them would take minutes, because the page grows with each. */
const SAMPLE = { minLength: 12, maxLength: 12 };

/** Runs in the page: follows each link, and returns the links whose section lacks a text. */
const followLinks = `async (sections) => {
  const lacking = [];
  for (const { link, texts } of sections) {
    const anchor = document.querySelector(link);
    anchor?.click();
    const end = Date.now() + 30_000;
    let missing = texts;
    while (missing.length > 0 && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      const section = document.getElementById("api-1/" + anchor?.getAttribute("href").slice(1));
      missing = texts.filter((text) => !section?.textContent.includes(text));
    }
    if (missing.length > 0) lacking.push({ link, missing });
  }
  return lacking;
}`;

test("rejects a Scalar package whose integrity is not the pinned one", () => {
  expect(() => requireIntegrity(Buffer.from("another package"))).toThrow("integrity");
});

describe.skipIf(!hasBrowser || missing !== null)("the API reference in a browser", () => {
  const suite = browserSuite();
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  const open = async (hash = "", options: OpenOptions = {}): Promise<Page> => {
    const page = await suite.open(`/docs${hash}`, options);
    await page.getByRole("heading", { name: "Nest", exact: true }).waitFor();
    return page;
  };

  test("serves the committed document as openapi.json, with this stack as its server", async () => {
    const served = (await (
      await fetch(`${suite.stack.api.url}/openapi.json`)
    ).json()) as typeof openApiDocument;
    expect(served.servers.map(({ url }) => url)).toEqual([suite.stack.api.url]);
    expect({ ...served, servers: [] }).toEqual(
      JSON.parse(JSON.stringify({ ...openApiDocument, servers: [] })),
    );
  });

  test("shows every path, and each field and error of some, and sends no request to another origin", async () => {
    const origins = new Set<string>();
    const failures: string[] = [];
    const page = await open("", {
      prepare(page) {
        page.on("request", (request) => {
          if (!request.url().startsWith("data:")) origins.add(new URL(request.url()).origin);
        });
        page.on("console", (message) => message.type() === "error" && failures.push(message.text()));
        page.on("pageerror", (error) => failures.push(error.message));
      },
    });
    for (const code of Object.keys(openApiDocument.components.examples)) {
      await page
        .locator(`a[href="#models/${modelOf(code)}"]`)
        .first()
        .waitFor({ state: "attached" });
    }
    for (const { path, verb } of operations)
      await page.locator(`a[href$="/${verb}${path}"]`).first().waitFor({ state: "attached" });
    const sections = fc.sample(fc.shuffledSubarray(operations, SAMPLE), {
      seed: seedOf("reference"),
      numRuns: 1,
    });
    const followed = sections.flat().map(({ path, verb, operation }) => ({
      link: `a[href$="/${verb}${path}"]`,
      texts: ["Responses", ...fieldsOf(operation), ...errorsOf(operation)],
    }));
    expect(await page.evaluate(`(${followLinks})(${JSON.stringify(followed)})`)).toEqual([]);
    expect([...origins]).toEqual([suite.stack.api.url]);
    expect(failures).toEqual([]);
  }, 240_000);

  test("finds a method by keyboard search and sends a test request to this stack", async () => {
    const page = await open();
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog").locator("input").fill("list_news_items");
    await page.getByRole("option").first().filter({ hasText: "list_news_items" }).waitFor();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL(/list_news_items$/);
    const { hash } = new URL(page.url());
    const method = page.locator(`[id="api-1/${hash.slice(1)}"]`);
    await method.getByRole("button", { name: "Test Request" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: /^Send/ }).first().waitFor();
    const answered = page.waitForResponse((response) => response.request().method() === "POST");
    await page.keyboard.press("Control+Enter");
    const answer = await answered;
    expect(new URL(answer.url()).origin).toBe(suite.stack.api.url);
    expect(answer.status()).toBe(200);
    expect(await answer.json()).toEqual([]);
    await page.getByText("200 OK").waitFor();
  });

  test("shows each call as a curl command and as a call of the typed client, and no other language", async () => {
    const page = await open("#tag/account/POST/1/2026-12-01/get_user");
    const method = page.locator('[id="api-1/tag/account/POST/1/2026-12-01/get_user"]');
    const chooser = method.getByRole("button", { name: "Curl" }).first();
    await chooser.click();
    await page.getByRole("option", { name: "Typed client" }).waitFor();
    expect((await page.getByRole("option").allTextContents()).sort()).toEqual(["Curl", "Typed client"]);
    await page.getByRole("option", { name: "Typed client" }).click();
    await method.getByText("nest.getUser()").waitFor();
  });

  test("shows the fields of the grant that is chosen", async () => {
    const page = await open("#tag/sign-in/POST/1/2021-10-06/authenticate_user");
    const method = page.locator('[id="api-1/tag/sign-in/POST/1/2021-10-06/authenticate_user"]');
    await method.getByText("code_verifier").first().waitFor();
    const field = (name: string) => method.getByRole("button", { name: `Copy link to ${name}`, exact: true });
    expect([await field("code").count(), await field("refresh_token").count()]).toEqual([1, 0]);
    await method.getByRole("button", { name: /^One of/ }).click();
    await page.getByRole("option", { name: /refresh_token/ }).click();
    await field("refresh_token").waitFor({ state: "attached" });
    await field("code").waitFor({ state: "detached" });
  });

  test.each([
    ["a method", "tag/subscription/POST/1/2021-10-06/get_subscription_status"],
    ["an error", "models/RateLimited"],
  ])("scrolls to %s that a link names", async (_what, hash) => {
    const page = await open(`#${hash}`);
    const target = page.locator(`[id="api-1/${hash}"]`);
    await expect
      .poll(async () => {
        const box = await target.boundingBox();
        return box !== null && box.y > -200 && box.y < 900;
      })
      .toBe(true);
  });

  test.each([
    [390, "light"],
    [1280, "dark"],
  ] as const)(
    "fits %i px in %s and is accessible",
    async (width, colorScheme) => {
      const page = await open("", { width, colorScheme });
      await page.getByText("authenticate_user").first().waitFor({ state: "attached" });
      await page.locator(`body.${colorScheme}-mode`).waitFor();
      // The sections at the top stay drawn, so that one inspection covers them and the method.
      await page.goto(`${suite.stack.api.url}/docs#tag/account/POST/1/2026-12-01/get_user`);
      const method = page.locator('[id="api-1/tag/account/POST/1/2026-12-01/get_user"]');
      await method.getByText("Responses", { exact: true }).waitFor();
      expect(await page.getByRole("heading", { name: "Nest", exact: true }).count()).toBe(1);
      await inspect(page, `reference-${width}-${colorScheme}`);
    },
    240_000,
  );

  test("shows why it can't be loaded when Scalar can't be downloaded, and links the OpenAPI document", async () => {
    await using cache = await temporaryFolder();
    vi.stubEnv("NEST_CACHE_DIR", cache.path);
    vi.stubEnv("npm_config_registry", `http://127.0.0.1:${await freePort()}/`);
    vi.stubEnv("npm_config_cache", cache.path);
    const page = await suite.open("/docs");
    await page.getByText("The API reference can't be shown.").waitFor();
    const status = page.locator("#status");
    expect(await status.textContent()).toMatch(/could not be downloaded \(npm pack failed/);
    expect(await status.getByRole("link").getAttribute("href")).toBe("/openapi.json");
    await inspect(page, "reference-unavailable");
  });
});

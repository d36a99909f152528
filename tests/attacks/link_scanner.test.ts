import type { Browser } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { hasBrowser, launchBrowser } from "#tests/support/browser.ts";
import { startTestStack, type TestStack } from "#tests/support/local_stack.ts";
import { linksOf } from "#tests/support/mail_links.ts";
import { exchange, linkRequest, MAC, NATIVE, pkcePair, REDIRECT, V1, V2 } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

/** Clicks every control of a page except links to other pages. @returns those links, for the scanner to follow */
const PRESS_EVERYTHING = `(() => {
  const links = Array.from(document.links, (link) => link.href);
  for (const control of document.querySelectorAll("button, input, textarea, summary, a[href^='beak-app:']")) {
    control.focus();
    control.click();
  }
  return links;
})()`;

/** Every kind of link scanner: opens, posts to and clicks every link and control that a mail leads to. */
describe("link scanners", () => {
  let stack: TestStack;
  let browser: Browser | null = null;

  beforeAll(async () => {
    stack = await startTestStack();
    if (hasBrowser) browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await stack?.[Symbol.asyncDispose]();
  });
  beforeEach(() => stack.ses.clear());

  /** The local URL of a link. The landing page is at `/magic-link`. */
  const here = (link: string) => link.replace(REDIRECT, `${stack.api.url}/magic-link`);
  const post = (path: string, body: unknown) => stack.ask("POST", path, body);
  const codeOf = (link: string) => new URL(link).searchParams.get("code") ?? "";
  const record = (link: string) =>
    stack.database
      .collection<{ _id: string }>("authorizations")
      .findOne({ _id: codeOf(link).split(".")[0] ?? "" });

  const ask = async (path: string, address: string) => {
    const { verifier, challenge } = pkcePair();
    const device = { platform: "mac", beak_id: address, fingerprint: address };
    const body = linkRequest({ identifier_value: address, code_challenge: challenge, device });
    expect((await post(path, body)).status).toBe(204);
    // The welcome mail of a trial may arrive before or after its link.
    await stack.stripe.settled();
    const [link = "", ...others] = stack.ses.inbox.flatMap(linksOf).filter((url) => codeOf(url) !== "");
    expect(others).toEqual([]);
    return { link, verifier };
  };

  const fetchAll = async (link: string) => {
    const agents = ["Mozilla/5.0 (compatible; scanner)", "curl/8", ""];
    for (const agent of agents)
      for (const method of ["HEAD", "GET", "GET", "OPTIONS", "POST"]) {
        const headers = { "user-agent": agent, purpose: "prefetch", "sec-purpose": "prefetch;prerender" };
        await (await fetch(here(link), { method, headers, redirect: "follow" })).arrayBuffer();
      }
  };

  /** Opens a page, runs its scripts, clicks every control, and repeats that for every linked page. */
  const detonate = async (link: string): Promise<string[]> => {
    if (!browser) return [];
    const asked: string[] = [];
    const context = await browser.newContext();
    context.on("request", (request) => asked.push(`${request.method()} ${new URL(request.url()).pathname}`));
    const opened = new Set<string>();
    const visit = async (url: string) => {
      if (opened.has(url)) return;
      opened.add(url);
      const page = await context.newPage();
      await page.goto(url, { waitUntil: "domcontentloaded" });
      const next = (await page.evaluate(PRESS_EVERYTHING)) as string[];
      await page.waitForLoadState("networkidle");
      await page.close();
      for (const href of next.filter((href) => href.startsWith(here(REDIRECT)))) await visit(href);
    };
    await visit(here(link));
    await context.close();
    return asked;
  };

  test.each([
    ["a sign-in link", `${V1}send_magic_link`, "scanned@example.com"],
    ["a trial link", `${V2}create_trial_and_magic_link`, "scanned.trial@example.com"],
  ])(
    "%s can be redeemed from the landing page after every scanner has opened it",
    async (_kind, path, address) => {
      const { link, verifier } = await ask(path, address);
      const before = await record(link);
      await fetchAll(link);
      const asked = await detonate(link);
      if (browser) expect(asked).toContain("GET /magic-link");
      expect(asked.filter((request) => !/^GET (\/magic-link|,$)/.test(request))).toEqual([]);
      expect(await record(link)).toEqual(before);
      expect(before).toMatchObject({ usedAt: null, revokedAt: null, failedRedemptions: 0 });

      const text = browser ? await readLandingPage(link) : new URL(link).search.slice(1);
      const code = new URLSearchParams(text).get("code") ?? "";
      const reply = await post(`${V1}authenticate_user`, { ...exchange(code), code_verifier: verifier });
      expect(reply.status).toBe(200);
      const { user_id, access_token } = reply.body;
      const as = { authorization: `bearer ${access_token}` };
      const user = await stack.ask("POST", `${V2}get_user`, { user_id }, as);
      expect(user.body).toMatchObject({ identifiers: [{ identifier_value: address }] });
    },
  );

  test("a link of send_otp signs in after every scanner has opened it", async () => {
    const person = { identifier_type: "email", identifier_value: "scanned.token@example.com" };
    const asked = { client_id: NATIVE, ...person, delivery: "link", redirect_uri: REDIRECT };
    expect((await post(`${V3}send_otp`, asked)).status).toBe(200);
    const [link = ""] = stack.ses.inbox.flatMap(linksOf).filter((url) => url.includes("token="));
    const stored = () => stack.database.collection("verifications").find().toArray();
    const before = await stored();
    await fetchAll(link);
    const requests = await detonate(link);
    expect(requests.filter((request) => !/^GET (\/magic-link|,$)/.test(request))).toEqual([]);
    expect(await stored()).toEqual(before);
    const text = browser ? await readLandingPage(link) : new URL(link).search.slice(1);
    const { token, flow, client_id } = Object.fromEntries(new URLSearchParams(text));
    expect([flow, client_id]).toEqual(["sign_in", NATIVE]);
    const reply = await post(`${V3}authenticate_user`, { client_id, grant_type: "otp", token });
    expect(reply).toMatchObject({ status: 200, body: { user_created: true } });
  });

  /** What the page shows to the user for the app. */
  const readLandingPage = async (link: string) => {
    const page = await (browser as Browser).newPage();
    await page.goto(here(link), { waitUntil: "domcontentloaded" });
    expect(await page.locator("#complete").isVisible()).toBe(true);
    const text = await page.inputValue("#text");
    await page.close();
    return text;
  };

  test("a scanner that opens a redeemed link repeatedly changes no session", async () => {
    const { link, verifier } = await ask(`${V1}send_magic_link`, "late.scanner@example.com");
    const redeemed = { ...exchange(codeOf(link)), code_verifier: verifier };
    const { refresh_token } = (await post(`${V1}authenticate_user`, redeemed)).body;
    const sessions = () => stack.database.collection("sessions").find().toArray();
    const before = await sessions();
    await fetchAll(link);
    expect(await sessions()).toEqual(before);
    const refresh = { client_id: MAC, grant_type: "refresh_token", refresh_token };
    expect((await post(`${V1}authenticate_user`, refresh)).status).toBe(200);
  });

  test("a scanner that posts the code without the verifier gets an error and leaves the link valid", async () => {
    const { link, verifier } = await ask(`${V1}send_magic_link`, "eager.scanner@example.com");
    for (const change of [{ code_verifier: undefined }, { code_verifier: "" }, { code_verifier: "guess" }])
      expect((await post(`${V1}authenticate_user`, { ...exchange(codeOf(link)), ...change })).status).toBe(
        400,
      );
    const body = { ...exchange(codeOf(link)), code_verifier: verifier };
    expect((await post(`${V1}authenticate_user`, body)).status).toBe(200);
  });

  test("other mails contain no personal link: every user gets the same links", async () => {
    for (const email of ["one@example.com", "two@example.com"]) stack.stripe.createSubscription({ email });
    await stack.stripe.settled();
    const [one, two] = stack.ses.inbox.map(linksOf);
    expect(one?.length).toBeGreaterThan(0);
    expect(two).toEqual(one);
  });
});

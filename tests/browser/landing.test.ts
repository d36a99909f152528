import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import app from "#app";
import { LimitWindowsRepository } from "#core/repositories/limit_windows.ts";
import { browserSuite, hasBrowser, inspect, press } from "#tests/support/browser.ts";
import { digitsIn } from "#tests/support/codes.ts";
import { MAC } from "#tests/support/nest.ts";
import { P1, P2 } from "#tests/support/passwords.ts";
import { V3 } from "#tests/support/plans.ts";

const CODE = `authzcode_000000C2kdCzNlbL1BqR5FeMatI.${"0123456789abcdef".repeat(4)}`;
const STATE = "aB-_5Ft2D3dYQz0-AF1x_9kLmNoPqRsTuVwXyZ01234";
const everyByte = (text: string) =>
  Array.from(new TextEncoder().encode(text), (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");

/** Links as mail programs open them: the query and the fragment. */
const OPENED: Record<string, string> = {
  "the link": `?code=${CODE}&state=${STATE}`,
  "an HTML entity": `?code=${CODE}&amp;state=${STATE}`,
  "an encoded HTML entity": `?code=${CODE}&amp%3Bstate=${STATE}`,
  "an HTML entity twice": `?code=${CODE}&amp;amp;state=${STATE}`,
  "a numeric entity": `?code=${CODE}&#38;state=${STATE}`,
  "a hexadecimal entity": `?code=${CODE}&#x26;state=${STATE}`,
  "an encoded query": `?${encodeURIComponent(`code=${CODE}&state=${STATE}`)}`,
  "a query encoded twice": `?${encodeURIComponent(encodeURIComponent(`code=${CODE}&state=${STATE}`))}`,
  "an encoded separator": `?code=${CODE}%26state=${STATE}`,
  "state first": `?state=${STATE}&code=${CODE}`,
  "a full stop": `?code=${CODE}&state=${STATE}.`,
  "a bracket": `?code=${CODE}&state=${STATE})`,
  "an angle bracket and a quote": `?code=${CODE}&state=${STATE}>"`,
  "a zero-width space": `?code=${CODE}&state=${STATE}\u200b`,
  "zero-width spaces inside": `?code=${CODE.replace("C2kd", "C2\u200bkd")}&state=${STATE.replace("_5F", "_\u20605F")}`,
  "soft hyphens": `?code=${CODE.replace("C2kd", "C2\u00adkd")}&state=${STATE.replace("_5F", "_\u00ad5F")}`,
  "spaces and line breaks": `?code=${CODE.replace("C2kd", "C2%0D%0Akd")}&state=${STATE.replace("_5F", "_%205F")}%0A`,
  "every byte encoded": `?code=${everyByte(CODE)}&state=${everyByte(STATE)}`,
};

const MAIL = { client_id: MAC, identifier_type: "email" };

describe.skipIf(!hasBrowser)("the landing page in a browser", () => {
  const suite = browserSuite();

  const textOf = async (page: Page, query: string) => {
    await page.goto(`${suite.stack.api.url}/magic-link${query}`, { waitUntil: "domcontentloaded" });
    expect(await page.locator("#incomplete").isVisible()).toBe(false);
    const text = await page.inputValue("#text");
    expect(await page.getAttribute("#open", "href")).toBe(`beak-app://nest/magic-link?${text}`);
    return text;
  };

  test("shows code and state of every link that mail programs have changed", async () => {
    const page = await suite.open("/openapi.json");
    for (const [what, query] of Object.entries(OPENED)) {
      expect(Object.fromEntries(new URLSearchParams(await textOf(page, query))), what).toEqual({
        code: CODE,
        state: STATE,
      });
      const trial = await textOf(page, query.replace(/^\?/, "?flow=trial&"));
      expect(new URLSearchParams(trial).get("flow"), what).toBe("trial");
    }
  });

  test.for([
    ["de-AT", "de", "Bei Beak anmelden", "Beak öffnen"],
    ["en-GB", "en", "Sign in to Beak", "Open Beak"],
    ["fr-FR", "en", "Sign in to Beak", "Open Beak"],
  ])("speaks the reader's language (%s), or the app's first", async ([locale, lang, title, button]) => {
    const page = await suite.open("/openapi.json", {
      locale,
      colorScheme: locale === "de-AT" ? "dark" : "light",
    });
    await textOf(page, `?code=${CODE}&state=${STATE}`);
    expect(await page.getAttribute("html", "lang")).toBe(lang);
    expect([await page.title(), await page.textContent("h1")]).toEqual([title, title]);
    expect(await page.textContent("#open")).toBe(button);
    await inspect(page, `landing-${locale}`);
  });

  test.for([
    ["access_denied", "you declined"],
    ["account_exists", "already a user with this email address"],
    ["registration_disabled", "accepts no new users"],
    ["temporarily_unavailable", "did not answer"],
    ["server_error", "Signing in did not work"],
    ["constructor", "Signing in did not work"],
  ])(
    "says that signing in at a provider failed (%s), and hands the error to the app",
    async ([error, sentence]) => {
      const page = await suite.open("/openapi.json", { locale: "en-GB" });
      await page.goto(`${suite.stack.api.url}/magic-link?error=${error}&state=${everyByte("a&b ü")}`, {
        waitUntil: "domcontentloaded",
      });
      await page.locator("#oauth-error", { hasText: sentence }).waitFor();
      expect(await page.locator("main section:visible").count()).toBe(1);
      const link = (await page.getAttribute("#oauth-open", "href")) ?? "";
      expect(link).toMatch(/^beak-app:\/\/nest\/magic-link\?/);
      expect(Object.fromEntries(new URL(link).searchParams)).toEqual({ error, state: "a&b ü" });
      if (error === "account_exists") await inspect(page, "landing-oauth-failed");
    },
  );

  test("hands the code of an OAuth visit, which has another form than that of a mail, to the app unchanged", async () => {
    const page = await suite.open("/openapi.json");
    const code = `authzcode_000000C2kdCzNlbL1BqR5FeMatI.oauth-${"0123456789abcdef".repeat(4)}`;
    const text = await textOf(page, `?code=${code}&state=${STATE}`);
    expect(Object.fromEntries(new URLSearchParams(text))).toEqual({ code, state: STATE });
  });

  test("keeps states of other characters unchanged, as Nest encodes them", async () => {
    const page = await suite.open("/openapi.json");
    for (const state of [
      "ends.",
      "ends!",
      "ends)",
      "ends'",
      "lx/rA+q=&%",
      "a&amp;b",
      " x ",
      "\u200b",
      "ü.",
      "%41",
    ]) {
      const text = await textOf(page, `?code=${CODE}&state=${everyByte(state)}`);
      expect(new URLSearchParams(text).get("state"), JSON.stringify(state)).toBe(state);
    }
  });

  const call = (method: string, body: object, bearer?: string) =>
    suite.stack.ask("POST", `${V3}${method}`, body, {
      "content-type": "application/json",
      ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
    });
  const lastMail = (to: string) => suite.stack.ses.inbox.findLast((mail) => mail.to === to)?.text ?? "";
  const signIn = async (address: string, beakId: string) => {
    const sent = await call("send_otp", { ...MAIL, identifier_value: address });
    expect(sent.status, JSON.stringify(sent.body)).toBe(200);
    const { nonce } = sent.body;
    const redeemed = { nonce, code: digitsIn(lastMail(address)), client_id: MAC, grant_type: "otp" };
    const device = { platform: "mac", beak_id: beakId, fingerprint: beakId };
    const { status, body } = await call("authenticate_user", { ...redeemed, device });
    expect(status, JSON.stringify(body)).toBe(200);
    return body;
  };
  const queryIn = (text: string, name: string) =>
    new RegExp(`\\?${name}=\\S+`).exec(text)?.[0] ?? `no ${name} in: ${text}`;
  const watch = (page: Page) => {
    const seen = { errors: [] as string[], posts: 0 };
    page.on("pageerror", (error) => seen.errors.push(error.message));
    page.on("request", (sent) => sent.method() === "POST" && seen.posts++);
    return seen;
  };

  test("ends the session of a disown link when its button is pressed, and sends nothing before", async () => {
    const address = "disowner@example.com";
    await signIn(address, "one");
    // The limits follow the database's clock, so a second code can't be requested for 60 s.
    await suite.stack.database.collection(LimitWindowsRepository.collectionName).deleteMany({});
    const thief = await signIn(address, "two");
    const query = queryIn(lastMail(address), "disown");
    const page = await suite.open("/openapi.json", { locale: "en-GB" });
    const seen = watch(page);
    await page.goto(`${suite.stack.api.url}/magic-link${query.replace("&", "&amp;")}`);
    expect(await page.locator("main section:visible").count()).toBe(1);
    expect(await page.title()).toBe("End a session of Beak");
    await inspect(page, "landing-disown");
    expect(seen).toEqual({ errors: [], posts: 0 });
    expect((await call("get_user", {}, thief.access_token)).status).toBe(200);
    await press(page, "End the session");
    await page.locator("#disown-result", { hasText: "The session was ended." }).waitFor();
    expect(seen).toEqual({ errors: [], posts: 1 });
    expect((await call("get_user", {}, thief.access_token)).status).toBe(401);
  });

  test("proves the address of a verification link when its button is pressed, and not twice", async () => {
    const { access_token } = await signIn("prover@example.com", "one");
    const address = "another@example.com";
    const asked = { ...MAIL, identifier_value: address, delivery: "link" };
    expect((await call("send_verification", asked, access_token)).status).toBe(200);
    const query = queryIn(lastMail(address), "token");
    const verified = async () =>
      (await suite.stack.database.collection("identifiers").findOne({ identifierValue: address }))
        ?.verifiedAt;
    const page = await suite.open("/openapi.json", { locale: "de-DE" });
    const seen = watch(page);
    await page.goto(`${suite.stack.api.url}/magic-link${encodeURIComponent(query).replace("%3F", "?")}`);
    expect(await page.locator("main section:visible").count()).toBe(1);
    await inspect(page, "landing-verify");
    expect([seen, await verified()]).toEqual([{ errors: [], posts: 0 }, undefined]);
    await press(page, "Adresse bestätigen");
    await page.locator("#verify-result", { hasText: "Die Adresse ist bestätigt." }).waitFor();
    expect(await page.locator("#verify").isDisabled()).toBe(true);
    expect([seen, await verified()]).toEqual([{ errors: [], posts: 1 }, expect.any(String)]);
    await page.reload();
    await page.locator("#verify").click();
    await page.locator("#verify-result", { hasText: "konnte nicht bestätigt werden" }).waitFor();
    expect(await page.locator("#verify").isDisabled()).toBe(false);
  });

  /** Registers an address with a password and asks for a reset. @returns its tokens and the query of the mailed link */
  const sentReset = async (address: string) => {
    const { body: status } = await suite.stack.ask("GET", "/dev/status");
    const who = { client_id: status.clients.simple, identifier_type: "email", identifier_value: address };
    const { body: tokens } = await call("register_user", { ...who, password: P1 });
    const sent = await call("send_password_reset", { ...who, redirect_uri: app.urls.landing });
    expect(sent.status, JSON.stringify(sent.body)).toBe(200);
    const signIn = (password: string) =>
      call("authenticate_user", { ...who, grant_type: "password", password });
    return { tokens, signIn, query: queryIn(lastMail(address), "token") };
  };

  test.for([
    ["en-GB", "Set the password", "Use at least 6 characters", "every device was signed out", "has expired"],
    [
      "de-DE",
      "Passwort festlegen",
      "mindestens 6 Zeichen",
      "alle Geräte wurden abgemeldet",
      "ist abgelaufen",
    ],
  ] as const)(
    "sets a new password with the link of a reset, and says what is wrong with one (%s)",
    async ([locale, button, short, done, expired]) => {
      const { tokens, signIn, query } = await sentReset(`reset.${locale}@example.com`);
      const page = await suite.open("/openapi.json", { locale });
      const seen = watch(page);
      await page.goto(`${suite.stack.api.url}/magic-link${query.replaceAll("&", "&amp;")}`);
      expect(await page.locator("main section:visible").count()).toBe(1);
      expect(seen).toEqual({ errors: [], posts: 0 });
      await page.fill("#new-password", "abc");
      await press(page, button);
      await page.locator("#new-password-error", { hasText: short }).waitFor();
      expect(await page.locator("#new-password").getAttribute("aria-invalid")).toBe("true");
      await inspect(page, `landing-reset-${locale}`);
      await page.fill("#new-password", P2);
      expect(await page.textContent("#new-password-error")).toBe("");
      await page.keyboard.press("Enter");
      await page.locator("#reset-result", { hasText: done }).waitFor();
      await inspect(page, `landing-reset-done-${locale}`);
      expect((await call("get_user", {}, tokens.access_token)).status).toBe(401);
      expect([(await signIn(P1)).status, (await signIn(P2)).status]).toEqual([401, 200]);
      await page.reload();
      await page.fill("#new-password", P1);
      await press(page, button);
      await page.locator("#reset-expired", { hasText: expired }).waitFor();
      expect([seen.errors, await page.locator("#reset-form").isVisible()]).toEqual([[], false]);
    },
  );

  test.for([
    ["en-GB", "Join an account of Beak", "Somebody invited you", "Open Beak"],
    ["de-DE", "Einem Konto von Beak beitreten", "Jemand hat dich", "Beak öffnen"],
  ] as const)(
    "explains the link of an invitation, and hands its token over without a request (%s)",
    async ([locale, title, help, button]) => {
      const head = await signIn(`head.${locale}@example.com`, "one");
      const address = `invited.${locale}@example.com`;
      const invited = { identifier_type: "email", identifier_value: address };
      const { status, body } = await call("add_account_user", invited, head.access_token);
      expect([status, body.status], JSON.stringify(body)).toEqual([200, "invited"]);
      const query = queryIn(lastMail(address), "token");
      const page = await suite.open("/openapi.json", { locale });
      const seen = watch(page);
      await page.goto(`${suite.stack.api.url}/magic-link${query.replaceAll("&", "&amp;")}`);
      expect(await page.locator("main section:visible").count()).toBe(1);
      expect([await page.title(), await page.textContent("h1")]).toEqual([title, title]);
      expect(await page.textContent("#invite-help:visible")).toContain(help);
      expect(await page.textContent("#open:visible")).toBe(button);
      await inspect(page, `landing-invite-${locale}`);
      const handed = new URLSearchParams(await page.inputValue("#text"));
      expect(await page.getAttribute("#open", "href")).toBe(`beak-app://nest/magic-link?${handed}`);
      expect(handed.get("flow")).toBe("account_invite");
      expect(seen).toEqual({ errors: [], posts: 0 });
      const person = await signIn(address, "two");
      const accepted = { client_id: handed.get("client_id"), token: handed.get("token") };
      expect((await call("accept_account_invite", accepted, person.access_token)).status).toBe(200);
    },
  );

  test("takes no token from the state of a magic link, which anybody can choose", async () => {
    const page = await suite.open("/openapi.json");
    const state = everyByte(`&disown=${"a".repeat(64)}`);
    await textOf(page, `?code=${CODE}&state=${state}`);
    expect(await page.locator("#disown-session").isVisible()).toBe(false);
  });

  test("may call the API from the origin of the app's landing page", async () => {
    const headers = {
      origin: new URL(app.urls.landing).origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "content-type",
    };
    for (const method of ["disown_session", "verify_identifier", "check_verification", "reset_password"]) {
      const answer = await suite.stack.ask("OPTIONS", `${V3}${method}`, undefined, headers);
      expect(answer.headers.get("access-control-allow-origin"), method).toBe(headers.origin);
      expect(answer.headers.get("access-control-allow-headers"), method).toContain("content-type");
    }
  });
});

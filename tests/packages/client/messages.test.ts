import { describe, expect, test } from "vitest";
import { CallFailure, ErrorAnswer, type ErrorCode, memoryStore, NestClient } from "#client/index.ts";
import { ENGLISH, GERMAN, type MessageKey, messageOf } from "#client/messages.ts";
import { COMMON_ERRORS, METHODS } from "#client/methods.ts";
import { MAC, REDIRECT } from "#tests/support/nest.ts";

const answer = (code: ErrorCode, retryAfterSeconds: number | null = null) =>
  new ErrorAnswer("send_magic_link", { status: 429, code, retryAfterSeconds, requestId: "r" });

/** Errors about a code that a person received by SMS or mail. */
const ABOUT_CODES = [
  "delivery_failed",
  "mfa_failed",
  "mfa_required",
  "mfa_token_expired",
  "verification_not_found",
];

describe("messageOf", () => {
  const codes = Object.values(METHODS).flatMap(({ errors }) => errors.split(" "));
  const all = new Set([...COMMON_ERRORS.split(" "), ...codes].filter((code) => code !== ""));

  test.each([
    ["en", ENGLISH, "1 minute"],
    ["de", GERMAN, "1 Minute"],
  ])("has a sentence without jargon for every code of every method (%s)", (locale, messages, wait) => {
    expect(all.size).toBeGreaterThan(30);
    for (const code of all as Set<ErrorCode>) {
      const message = messageOf(answer(code), { messages, locale });
      expect(message, code).toBe(messages[code].replace("{wait}", wait));
      expect(message, code).toMatch(/^\p{Lu}[^_{}]+\.$/u);
      expect(message, code).not.toMatch(/\b(Nest|Stripe|token|redirect|null|undefined)\b/i);
      if (!ABOUT_CODES.includes(code)) expect(message, code).not.toMatch(/\bcode\b/i);
    }
  });

  test("has every sentence in English and in German", () => {
    for (const key of Object.keys(ENGLISH) as MessageKey[]) expect(GERMAN[key], key).not.toBe(ENGLISH[key]);
    expect(Object.keys(GERMAN).sort()).toEqual(Object.keys(ENGLISH).sort());
  });

  test.each([
    [0, "0 seconds"],
    [1, "1 second"],
    [59, "59 seconds"],
    [60, "1 minute"],
    [90, "2 minutes"],
    [3600, "60 minutes"],
    [5400, "2 hours"],
    [86_400, "24 hours"],
  ])("says how long to wait: %i s is %s", (seconds, wait) => {
    const message = messageOf(answer("rate_limited", seconds));
    expect(message).toBe(`There were too many attempts. Try again in ${wait}.`);
  });

  test("translates sentences and times", () => {
    const options = { locale: "de", messages: { rate_limited: "Bitte warten Sie {wait}." } };
    expect(messageOf(answer("rate_limited", 120), options)).toBe("Bitte warten Sie 2 Minuten.");
    expect(messageOf(answer("token_used"), options)).toBe(ENGLISH.token_used);
  });

  test.each([
    ["de_DE", "2 Minuten"],
    ["de-DE@posix", "2 Minuten"],
    ["en_US.UTF-8", "2 minutes"],
    ["C", "2 minutes"],
    ["", "2 minutes"],
    ["-", "2 minutes"],
  ])("does not throw for the locale %j, as some systems name it", (locale, wait) => {
    expect(messageOf(answer("rate_limited", 120), { locale })).toContain(wait);
    expect(messageOf(new TypeError("x"), { locale })).toBe(ENGLISH.other);
  });

  test.each([-5, Number.NaN, Number.POSITIVE_INFINITY])(
    "says one minute if Nest seems to say %d s",
    (seconds) => {
      expect(messageOf(answer("rate_limited", seconds))).toContain("in 1 minute.");
    },
  );

  test("uses the English sentence if the app's is not defined", () => {
    const messages = { rate_limited: undefined } as object;
    expect(messageOf(answer("rate_limited", 120), { messages })).toContain("too many attempts");
  });

  test("explains failures without a response, as the client throws them", async () => {
    const nest = new NestClient({
      ...{ url: "http://nest.test", clientId: MAC, redirectUri: REDIRECT, store: memoryStore() },
      fetch: () => Promise.reject(new TypeError("fetch failed")),
    });
    const messageFrom = (work: Promise<unknown>) => work.catch((error: unknown) => messageOf(error));
    expect(await messageFrom(nest.listNewsItems())).toBe(ENGLISH.network);
    expect(await messageFrom(nest.getUser())).toBe("You are signed out. Sign in again.");
    expect(await messageFrom(nest.finishSignIn("hello"))).toBe(ENGLISH.unknown_link);
    const failure = new CallFailure("get_user", "refresh_failed", { cause: answer("unavailable", 5) });
    expect(messageOf(failure)).toBe(ENGLISH.refresh_failed);
  });

  test.each([
    ["that the person refused", "NotAllowedError", "No passkey was used."],
    ["that the device has a passkey already", "InvalidStateError", "This device already has a passkey"],
    ["that the page ended", "AbortError", "This was canceled."],
  ])("explains an error of the browser about a passkey: %s", (_what, name, sentence) => {
    expect(messageOf(new DOMException("", name))).toContain(sentence);
  });

  test.each([
    ["access_denied", "You declined"],
    ["account_exists", "There is an account with this email address."],
    ["registration_disabled", "Registration is not possible here."],
    ["temporarily_unavailable", "The other service does not respond."],
    ["server_error", "The other service could not sign you in."],
  ])("explains the error %s with which a person returns from a provider", (error, sentence) => {
    expect(messageOf(error)).toContain(sentence);
    expect(messageOf(error, { messages: GERMAN })).not.toContain(sentence);
  });

  test.each([
    ["an error of the store", new Error("The keychain is locked.")],
    ["nothing", undefined],
    ["null", null],
    ["text", "oops"],
    ["a code that it does not know", { kind: "answer", code: "invented" }],
    ["a name of Object", { kind: "answer", code: "constructor" }],
    ["a kind that is no text", { kind: 7 }],
  ])("has a general sentence for %s", (_what, error) => {
    expect(messageOf(error)).toBe(ENGLISH.other);
  });
});

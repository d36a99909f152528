import { setTimeout as wait } from "node:timers/promises";
import { CommandError } from "#tools/terminal/errors.ts";

/** A new deployment reaches all of API Gateway and Lambda within this time. */
const DEFAULT_LIMIT_MS = 60_000;
const PAUSE_MS = 2_000;
const CALL_LIMIT_MS = 10_000;

interface Check {
  /** The expectation, as a sentence. */
  what: string;
  verb: "GET" | "POST";
  path: string;
  body?: unknown;
  isExpected(status: number, body: unknown): boolean;
}

const codeOf = (body: unknown) => (body as { code?: unknown } | null)?.code;

/**
 * The responses that a deployment must return. Each call reaches another kind of function, with its own secrets.
 * @param kids ids of the keys that the JWKS must have
 */
function checks(kids: readonly string[]): Check[] {
  return [
    {
      what: "/health answers ok",
      verb: "GET",
      path: "/health",
      isExpected: (status, body) => status === 200 && (body as { status?: unknown }).status === "ok",
    },
    {
      what: "the JWKS has the deployed keys",
      verb: "GET",
      path: "/.well-known/jwks.json",
      isExpected: (status, body) =>
        status === 200 &&
        kids.every((kid) => (body as { keys: { kid: string }[] }).keys.some((key) => key.kid === kid)),
    },
    {
      what: "a method reads the database",
      verb: "POST",
      path: "/1/2020-12-14/list_news_items",
      body: { client_id: "smoke_test" },
      isExpected: (status, body) => status === 200 && Array.isArray(body),
    },
    {
      what: "an invalid request returns validation_failed",
      verb: "POST",
      path: "/1/2021-10-06/get_user",
      body: {},
      isExpected: (status, body) => status === 400 && codeOf(body) === "validation_failed",
    },
    {
      what: "the webhook refuses an unsigned event",
      verb: "POST",
      path: "/1/webhook/stripe",
      body: {},
      isExpected: (status, body) => status === 400 && codeOf(body) === "invalid_webhook_payload",
    },
    {
      what: "an unknown path returns not_found",
      verb: "GET",
      path: "/nothing",
      isExpected: (status, body) => status === 404 && codeOf(body) === "not_found",
    },
  ];
}

/**
 * Calls a deployed API and repeats each call until its response is as expected.
 * @param url the API's address, without a slash at the end
 * @param kids ids of the keys that the JWKS must have
 * @param limitMs for all calls together
 * @throws CommandError naming the response that is still wrong after `limitMs`
 */
export async function smokeTest(
  url: string,
  kids: readonly string[],
  say: (line: string) => void,
  limitMs = DEFAULT_LIMIT_MS,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  for (const check of checks(kids)) {
    for (;;) {
      const problem = await call(url, check);
      if (problem === null) break;
      if (Date.now() > deadline)
        throw new CommandError(
          `Smoke test of ${url} failed. Expected: ${check.what}. Got: ${problem}. ` +
            "Find the error in the log (docs/operate.md), or roll back (docs/deploy.md).",
        );
      await wait(PAUSE_MS);
    }
    say(check.what);
  }
}

/** @returns null if the response is as expected, else the response or why there is none */
async function call(url: string, { verb, path, body, isExpected }: Check): Promise<string | null> {
  try {
    const answer = await fetch(`${url}${path}`, {
      method: verb,
      headers: { "content-type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
      redirect: "manual",
      signal: AbortSignal.timeout(CALL_LIMIT_MS),
    });
    const text = await answer.text();
    const parsed: unknown = text === "" ? null : JSON.parse(text);
    return isExpected(answer.status, parsed) ? null : `${answer.status} ${text.slice(0, 200)}`;
  } catch (error) {
    const cause = (error as Error).cause;
    return cause instanceof Error ? cause.message : (error as Error).message;
  }
}

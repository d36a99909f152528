import { setTimeout as wait } from "node:timers/promises";
import { CommandError } from "#tools/terminal/errors.ts";

/** A new deployment answers everywhere within this time: functions start, the gateway's routes spread. */
const PATIENCE_MS = 60_000;
const PAUSE_MS = 2_000;
const CALL_LIMIT_MS = 10_000;

interface Check {
  what: string;
  verb: "GET" | "POST";
  path: string;
  body?: unknown;
  isGood(status: number, body: unknown): boolean;
}

const code = (body: unknown) => (body as { code?: unknown } | null)?.code;

/**
 * What a deployment must answer: each call opens another kind of function, with its secrets and its way to the database.
 * @param kids of the keys that it was deployed with
 */
function checks(kids: readonly string[]): Check[] {
  return [
    {
      what: "/health is well",
      verb: "GET",
      path: "/health",
      isGood: (status, body) => status === 200 && (body as { status?: unknown }).status === "ok",
    },
    {
      what: "the JWKS has the deployed keys",
      verb: "GET",
      path: "/.well-known/jwks.json",
      isGood: (status, body) =>
        status === 200 &&
        kids.every((kid) => (body as { keys: { kid: string }[] }).keys.some((key) => key.kid === kid)),
    },
    {
      what: "a method reads the database",
      verb: "POST",
      path: "/1/2020-12-14/list_news_items",
      body: { client_id: "smoke_test" },
      isGood: (status, body) => status === 200 && Array.isArray(body),
    },
    {
      what: "a bad call is refused in our words",
      verb: "POST",
      path: "/1/2021-10-06/get_user",
      body: {},
      isGood: (status, body) => status === 400 && code(body) === "validation_failed",
    },
    {
      what: "the webhook refuses what Stripe did not sign",
      verb: "POST",
      path: "/1/webhook/stripe",
      body: {},
      isGood: (status, body) => status === 400 && code(body) === "invalid_webhook_payload",
    },
    {
      what: "what is not there is not found",
      verb: "GET",
      path: "/nothing",
      isGood: (status, body) => status === 404 && code(body) === "not_found",
    },
  ];
}

/**
 * Calls a deployment the ways that matter, again and again until all is good.
 * @param url where it answers, without a slash at the end
 * @throws CommandError naming what is not, once there was time enough
 */
export async function smoke(
  url: string,
  kids: readonly string[],
  say: (line: string) => void,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (const check of checks(kids)) {
    for (;;) {
      const problem = await call(url, check);
      if (problem === null) break;
      if (Date.now() > deadline)
        throw new CommandError(`Smoke test of ${url}: not so that ${check.what} (${problem}).`);
      await wait(PAUSE_MS);
    }
    say(check.what);
  }
}

/** @returns null if the answer is as it should be, else what came */
async function call(url: string, { verb, path, body, isGood }: Check): Promise<string | null> {
  try {
    const answer = await fetch(`${url}${path}`, {
      method: verb,
      headers: { "content-type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
      redirect: "manual",
      signal: AbortSignal.timeout(CALL_LIMIT_MS),
    });
    const text = await answer.text();
    const read: unknown = text === "" ? null : JSON.parse(text);
    return isGood(answer.status, read) ? null : `${answer.status} ${text.slice(0, 200)}`;
  } catch (error) {
    const cause = (error as Error).cause;
    return cause instanceof Error ? cause.message : (error as Error).message;
  }
}

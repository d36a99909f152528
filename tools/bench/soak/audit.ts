import { setTimeout as wait } from "node:timers/promises";
import type { Db } from "mongodb";
import type { Ledger } from "#tools/bench/soak/ledger.ts";
import type { SoakStack } from "#tools/bench/soak/stack.ts";
import { CLIENT } from "#tools/bench/users.ts";

/** A comparison of responses with stored data. */
export interface Count {
  what: string;
  expected: number;
  found: number;
  /** Promised by a response and missing. It must be 0. */
  lost: number;
  note: string;
}

/** Longer than any lease or claim that a fault leaves behind. */
const SETTLED_WITHIN_MS = 180_000;

/** Waits until Stripe has delivered every event or given up. */
export async function settle({ stripe }: SoakStack): Promise<void> {
  const late = new AbortController();
  const tooLate = wait(SETTLED_WITHIN_MS, undefined, { signal: late.signal }).catch(() => undefined);
  await Promise.race([stripe.settled(), tooLate]);
  late.abort();
}

/** Compares the responses that callers got with the stored data, the mails and Stripe. */
export async function audit(stack: SoakStack, ledger: Ledger): Promise<Count[]> {
  return [
    linksAgainstMails(ledger),
    await eventsAgainstRows(stack),
    await subscriptionsAgainstStripe(stack),
    await tokensAgainstRows(stack.database, "access_tokens", ledger.accessTokens),
    await tokensAgainstRows(stack.database, "refresh-tokens", ledger.refreshTokens),
    await tokensAgainstRows(stack.database, "sessions", ledger.sessions),
    await refreshableSessions(stack, ledger),
  ];
}

function linksAgainstMails({ links, mails }: Ledger): Count {
  let [requested, accepted, refused, unanswered, lost, extra, mailed] = [0, 0, 0, 0, 0, 0, 0];
  for (const [address, seen] of links) {
    const arrived = mails.get(address) ?? 0;
    requested += seen.requested;
    accepted += seen.accepted;
    refused += seen.refused;
    unanswered += seen.unanswered;
    mailed += arrived;
    lost += Math.max(0, seen.accepted - arrived);
    extra += Math.max(0, arrived - seen.requested);
  }
  return {
    what: "link requests = mails + refusals",
    expected: accepted,
    found: mailed,
    lost: lost + extra,
    note: `${requested} requested: ${accepted} accepted, ${refused} refused, ${unanswered} without a response; ${mailed - accepted} mails for requests that were not accepted`,
  };
}

async function eventsAgainstRows({ stripe, database }: SoakStack): Promise<Count> {
  const sent = stripe.events().map(({ id }) => id);
  const rows = await database
    .collection<{ _id: string; status: string }>("stripe-events")
    .find({}, { projection: { status: 1 } })
    .toArray();
  const ended = new Set(
    rows.flatMap(({ _id, status }) => (["done", "ignored"].includes(status) ? [_id] : [])),
  );
  const retries = stripe.deliveryAttempts.length - sent.length;
  return {
    what: "events = processed events in the ledger",
    expected: sent.length,
    found: ended.size,
    lost: sent.filter((id) => !ended.has(id)).length + Math.max(0, rows.length - sent.length),
    note: `${retries} deliveries retried, ${stripe.failedDeliveries.length} given up`,
  };
}

/** Nest has each subscription with the status that Stripe has; a canceled duplicate may be missing. */
async function subscriptionsAgainstStripe({ stripe, database }: SoakStack): Promise<Count> {
  const theirs = stripe.subscriptions();
  const rows = await database.collection("subscriptions").find().toArray();
  const known = new Map(rows.map((row) => [row.stpSubscriptionId as string, row.status as string]));
  const agreeing = theirs.filter(
    ({ id, status }) => known.get(id) === status || (status === "canceled" && !known.has(id)),
  );
  return {
    what: "subscriptions = subscriptions at Stripe",
    expected: theirs.length,
    found: agreeing.length,
    lost: theirs.length - agreeing.length,
    note: "",
  };
}

async function tokensAgainstRows(
  database: Db,
  collection: string,
  given: ReadonlySet<string>,
): Promise<Count> {
  const rows = await database
    .collection<{ _id: string }>(collection)
    .find({}, { projection: { _id: 1 } })
    .toArray();
  const there = new Set(rows.map(({ _id }) => _id));
  const lost = [...given].filter((id) => !there.has(id)).length;
  return {
    what: `${collection} issued = stored`,
    expected: given.size,
    found: rows.length,
    lost,
    note: `${rows.length - given.size + lost} stored for responses that were lost`,
  };
}

/** Each session that was not signed out can be refreshed with its last refresh token. */
async function refreshableSessions({ url }: SoakStack, { current }: Ledger): Promise<Count> {
  let [good, lost] = [0, 0];
  const codes = new Map<string, number>();
  for (const refreshToken of current.values()) {
    const response = await fetch(`${url}/1/2020-12-14/authenticate_user`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ client_id: CLIENT, grant_type: "refresh_token", refresh_token: refreshToken }),
    });
    const answer = (await response.json()) as { code?: string };
    if (response.status === 200) good++;
    else {
      lost++;
      codes.set(answer.code ?? "?", (codes.get(answer.code ?? "?") ?? 0) + 1);
    }
  }
  return {
    what: "sessions that can be refreshed",
    expected: current.size,
    found: good,
    lost,
    note: [...codes].map(([code, times]) => `${times} ${code}`).join(", "),
  };
}

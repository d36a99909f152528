import { describe, expect, test } from "vitest";
import { judgeTrial, type TrialFacts } from "#core/billing/trials/judge_trial.ts";
import type { Subscription } from "#core/repositories/subscriptions.ts";
import type { Trial } from "#core/repositories/trials.ts";

const NOW = new Date("2026-12-01T12:00:00.000Z");
const TOMORROW = "2026-12-02T12:00:00.000Z";
const LAST_WEEK = "2026-11-24T12:00:00.000Z";

const OPEN = { _id: "trial_own", redeemedAt: null } as Trial;
const REDEEMED = { _id: "trial_own", redeemedAt: LAST_WEEK } as Trial;
const subscription = (status: string, trialId: string | null = null, endsAt = TOMORROW) =>
  ({
    ...{ status, trialId, endsAt, stpCreatedAt: NOW.toISOString(), stpSubscriptionId: `sub_${status}` },
    ...{ rejectedAt: null, isOtherProduct: false },
  }) as Subscription;

/** What the user has, by name. */
const SUBSCRIPTIONS: Record<string, Subscription[]> = {
  nothing: [],
  "an ended subscription": [subscription("canceled", null, LAST_WEEK)],
  "an ended trial subscription": [subscription("canceled", "trial_own", LAST_WEEK)],
  "a rejected subscription": [{ ...subscription("active"), rejectedAt: LAST_WEEK }],
  "another product": [{ ...subscription("active"), isOtherProduct: true }],
  "an active subscription": [subscription("active")],
  "a first payment under way": [subscription("incomplete")],
  "an expired past_due subscription": [subscription("past_due", null, LAST_WEEK)],
  "an unpaid subscription": [subscription("unpaid")],
  "a paused subscription": [subscription("paused")],
  "the trialing subscription of trial_own": [subscription("trialing", "trial_own")],
  "the active subscription of trial_own": [subscription("active", "trial_own")],
  "the unpaid subscription of trial_own": [subscription("unpaid", "trial_own")],
  "the trialing subscription of another trial": [subscription("trialing", "trial_other")],
};

/** One column per key of `FACTS`; the letters are the keys of `JUDGEMENTS`. */
const COLUMNS = [
  "none",
  "none, machine taken",
  "none, had a trial",
  "open",
  "open, machine taken",
  "redeemed",
];
const TABLE: Record<string, string> = {
  nothing: "G U u J U U",
  "an ended subscription": "G U u J U U",
  "an ended trial subscription": "G U u J U U",
  "a rejected subscription": "G U u J U U",
  "another product": "G U u J U U",
  "an active subscription": "S S s S S S",
  "a first payment under way": "S S s S S S",
  "an expired past_due subscription": "S S s S S S",
  "an unpaid subscription": "S S s S S S",
  "a paused subscription": "S S s S S S",
  "the trialing subscription of trial_own": "s s s J U S",
  "the active subscription of trial_own": "s s s S S S",
  "the unpaid subscription of trial_own": "S S s S S S",
  "the trialing subscription of another trial": "s s s S S S",
};
/** Lower-case letters are stale judgments. */
const JUDGEMENTS: Record<string, object> = {
  G: { verdict: "grant" },
  J: { verdict: "join", trial: OPEN },
  S: { verdict: "refuse", code: "already_subscribed" },
  U: { verdict: "refuse", code: "trial_already_used" },
  s: { verdict: "stale", code: "already_subscribed" },
  u: { verdict: "stale", code: "trial_already_used" },
};

const FACTS: Record<string, Pick<TrialFacts, "own" | "hasHadTrial" | "isMachineTaken">> = {
  none: { own: null, hasHadTrial: false, isMachineTaken: false },
  "none, machine taken": { own: null, hasHadTrial: false, isMachineTaken: true },
  "none, had a trial": { own: null, hasHadTrial: true, isMachineTaken: false },
  open: { own: OPEN, hasHadTrial: false, isMachineTaken: false },
  "open, machine taken": { own: OPEN, hasHadTrial: false, isMachineTaken: true },
  redeemed: { own: REDEEMED, hasHadTrial: false, isMachineTaken: false },
};

describe.each(Object.entries(TABLE))("a user with %s", (name, row) => {
  const letters = row.split(" ");
  test.each(COLUMNS.map((column, index) => [column, letters[index] ?? ""]))(
    "whose own trial is: %s, gets %s",
    (column, letter) => {
      const facts = FACTS[column];
      const subscriptions = SUBSCRIPTIONS[name];
      if (!facts || !subscriptions) throw new Error(`no facts for ${name}, ${column}`);
      const judgement = judgeTrial({ identifier: null, ...facts, subscriptions }, NOW);
      expect(judgement).toEqual(JUDGEMENTS[letter]);
    },
  );
});

test("covers every subscription of the table", () => {
  expect(Object.keys(TABLE)).toEqual(Object.keys(SUBSCRIPTIONS));
});

test("never grants or joins a trial if another trial has the device, and never marks a known trial as stale", () => {
  for (const subscriptions of Object.values(SUBSCRIPTIONS)) {
    for (const own of [null, OPEN, REDEEMED]) {
      for (const hasHadTrial of [false, true]) {
        const facts = { identifier: null, own, hasHadTrial, isMachineTaken: true, subscriptions };
        const { verdict } = judgeTrial(facts, NOW);
        expect(["grant", "join"]).not.toContain(verdict);
        if (own) expect(verdict).toBe("refuse");
      }
    }
  }
});

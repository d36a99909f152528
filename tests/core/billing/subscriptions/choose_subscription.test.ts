import { describe, expect, test } from "vitest";
import {
  type Choice,
  type Contender,
  chooseSubscription,
  isUndecided,
} from "#core/billing/subscriptions/choose_subscription.ts";

const STATUSES = ["active", "trialing", "past_due", "unpaid", "paused", "incomplete", "snoozing"] as const;
const contender = (id: string, status: string, created: number) => ({ id, status, created }) as Contender;
const letters: Record<string, (rivalId: string) => Choice> = {
  // The candidate replaces the rival, which is rejected.
  R: (replacedId) => ({ action: "replace", replacedId, isRivalRejected: true }),
  // The candidate replaces the rival, which is not canceled.
  r: (replacedId) => ({ action: "replace", replacedId, isRivalRejected: false }),
  X: () => ({ action: "reject" }),
  L: () => ({ action: "leave" }),
};

/** One row per status of the candidate, one column per status of the rival, both in the order of `STATUSES`. */
const IF_CANDIDATE_IS_NEWER = ["XRRRRRr", "XXRRRrr", "XXXRRrr", "XXXXRrr", "XXXXXrr", "XLLLLLr", "LLLLLLL"];
const IF_CANDIDATE_IS_OLDER = ["RRRRRRr", "XRRRRrr", "XXRRRrr", "XXXRRrr", "XXXXRrr", "XLLLLrr", "LLLLLLr"];

describe.each([
  ["newer", 20, IF_CANDIDATE_IS_NEWER],
  ["older", 5, IF_CANDIDATE_IS_OLDER],
] as const)("a candidate that is %s than the kept subscription", (_age, created, rows) => {
  const pairs = STATUSES.flatMap((status, row) =>
    STATUSES.map((other, column) => ({ status, other, letter: rows[row]?.[column] ?? "" })),
  );
  test.each(pairs)("$status against $other: $letter", ({ status, other, letter }) => {
    const rival = contender("sub_rival", other, 10);
    const contest = { keptId: rival.id, rejectedIds: ["sub_unrelated"], rival };
    const choice = chooseSubscription(contender("sub_candidate", status, created), contest);
    expect(choice).toEqual(letters[letter]?.(rival.id));
  });
});

test.each(STATUSES)("decides the same in both directions of comparison against %s", (other) => {
  for (const status of STATUSES) {
    for (const [created, id] of [
      [5, "sub_m"],
      [20, "sub_m"],
      [10, "sub_a"],
      [10, "sub_z"],
    ] as const) {
      const one = contender(id, status, created);
      const two = contender("sub_k", other, 10);
      const against = (candidate: Contender, rival: Contender) =>
        chooseSubscription(candidate, { keptId: rival.id, rejectedIds: [], rival });
      const first = against(one, two);
      const second = against(two, one);
      const name = `${status} ${created} ${id}`;
      expect(first.action === "replace", name).toBe(second.action !== "replace");
      const [winning, losing] = first.action === "replace" ? [first, second] : [second, first];
      expect("isRivalRejected" in winning && winning.isRivalRejected, name).toBe(losing.action === "reject");
    }
  }
});

test("keeps the smaller id of two subscriptions with the same status and time", () => {
  const [a, b] = [contender("sub_a", "active", 10), contender("sub_b", "active", 10)];
  const choose = (candidate: Contender, rival: Contender) =>
    chooseSubscription(candidate, { keptId: rival.id, rejectedIds: [], rival }).action;
  expect(choose(a, b)).toBe("replace");
  expect(choose(b, a)).toBe("reject");
});

describe.each(STATUSES)("a candidate that is %s", (status) => {
  const candidate = contender("sub_candidate", status, 10);
  const rivals = [null, ...STATUSES.map((other) => contender("sub_rival", other, 10))];

  test("is kept if nothing is kept yet", () => {
    const choice = chooseSubscription(candidate, { keptId: null, rejectedIds: [], rival: null });
    expect(choice).toEqual({ action: "keep" });
  });

  test("stays kept if it is the kept subscription", () => {
    const choice = chooseSubscription(candidate, { keptId: candidate.id, rejectedIds: [], rival: null });
    expect(choice).toEqual({ action: "keep" });
  });

  test("replaces a kept subscription that has ended, without rejecting it", () => {
    const choice = chooseSubscription(candidate, { keptId: "sub_ended", rejectedIds: [], rival: null });
    expect(choice).toEqual({ action: "replace", replacedId: "sub_ended", isRivalRejected: false });
  });

  test("is rejected again if it lost before, whatever is kept now", () => {
    for (const rival of rivals) {
      for (const keptId of rival ? [rival.id] : [null, "sub_ended"]) {
        const choice = chooseSubscription(candidate, { keptId, rejectedIds: [candidate.id], rival });
        expect(choice, `${keptId} ${rival?.status}`).toEqual({ action: "reject" });
      }
    }
  });
});

test.each([
  ["active", true],
  ["trialing", true],
  ["past_due", true],
  ["unpaid", true],
  ["paused", true],
  ["incomplete", false],
  ["snoozing", false],
  ["canceled", false],
  ["incomplete_expired", false],
])("a stored subscription that is %s must be decided with the candidate: %s", (status, isExpected) => {
  const record = { status, isOtherProduct: false, refundedAt: null };
  expect(isUndecided(record)).toBe(isExpected);
  expect(isUndecided({ ...record, isOtherProduct: true })).toBe(false);
  expect(isUndecided({ ...record, refundedAt: "2026-01-01T00:00:00.000Z" })).toBe(false);
});

import { describe, expect, test } from "vitest";
import {
  type Choice,
  chooseSubscription,
  isUndecided,
} from "#core/billing/subscriptions/choose_subscription.ts";
import { bestOf, type Contender } from "#core/billing/subscriptions/rank.ts";
import { seededRandom, shuffled } from "#stripe_double/random.ts";
import { seedOf } from "#tests/support/seed.ts";

/** One subscription of each rank, best first. */
const KINDS = {
  renewing: { status: "active" },
  ending: { status: "active", isEnding: true },
  "past due, paid before": { status: "past_due", wasPaid: true },
  "unpaid, paid before": { status: "unpaid", wasPaid: true },
  trialing: { status: "trialing" },
  "past due, never paid": { status: "past_due" },
  incomplete: { status: "incomplete" },
  "in an unknown status": { status: "snoozing" },
} as const;
type Kind = keyof typeof KINDS;
const NAMES = Object.keys(KINDS) as Kind[];
/** Each has its own customer, matched by its address, and the same price. */
const contender = (id: string, created: number, facts: object = KINDS.renewing) =>
  ({
    ...{ id, created, isEnding: false, wasPaid: false, prices: "price_month" },
    ...{ customer: `cus_of_${id}`, isOwnCustomer: false },
    ...facts,
  }) as Contender;
const contest = (rival: Contender | null, rejectedIds: string[] = [], others: readonly Contender[] = []) => ({
  keptId: rival?.id ?? null,
  rejectedIds,
  rival,
  others,
});
const letters: Record<string, (rivalId: string) => Choice> = {
  // The candidate replaces the rival, which is rejected.
  R: (replacedId) => ({ action: "replace", replacedId, isRivalRejected: true }),
  // The candidate replaces the rival, which is not canceled.
  r: (replacedId) => ({ action: "replace", replacedId, isRivalRejected: false }),
  X: () => ({ action: "reject" }),
  L: () => ({ action: "leave" }),
};

/** One row per kind of candidate, one column per kind of rival, both in the order of `KINDS`. */
const IF_CANDIDATE_IS_NEWER = [
  "XRRRRRRr",
  "XXRRRRRr",
  "XXXRRRrr",
  "XXXXRRrr",
  "XXXXXRrr",
  "XXXXXXrr",
  "XLLLLLLr",
  "LLLLLLLL",
];
const IF_CANDIDATE_IS_OLDER = [
  "RRRRRRRr",
  "XRRRRRrr",
  "XXRRRRrr",
  "XXXRRRrr",
  "XXXXRRrr",
  "XXXXXRrr",
  "XXLLLLrr",
  "LLLLLLLr",
];

describe.each([
  ["newer", 20, IF_CANDIDATE_IS_NEWER],
  ["older", 5, IF_CANDIDATE_IS_OLDER],
] as const)("a candidate that is %s than the kept subscription", (_age, created, rows) => {
  const pairs = NAMES.flatMap((kind, row) =>
    NAMES.map((other, column) => ({ kind, other, letter: rows[row]?.[column] ?? "" })),
  );
  test.each(pairs)("$kind against $other: $letter", ({ kind, other, letter }) => {
    const rival = contender("sub_rival", 10, KINDS[other]);
    const choice = chooseSubscription(
      contender("sub_candidate", created, KINDS[kind]),
      contest(rival, ["sub_x"]),
    );
    expect(choice).toEqual(letters[letter]?.(rival.id));
  });
});

test.each(NAMES)("decides the same in both directions of comparison against %s", (other) => {
  for (const kind of NAMES) {
    for (const [created, id] of [
      [5, "sub_m"],
      [20, "sub_m"],
      [10, "sub_a"],
      [10, "sub_z"],
    ] as const) {
      const one = contender(id, created, KINDS[kind]);
      const two = contender("sub_k", 10, KINDS[other]);
      const first = chooseSubscription(one, contest(two));
      const second = chooseSubscription(two, contest(one));
      const name = `${kind} ${created} ${id}`;
      expect(first.action === "replace", name).toBe(second.action !== "replace");
      const [winning, losing] = first.action === "replace" ? [first, second] : [second, first];
      expect("isRivalRejected" in winning && winning.isRivalRejected, name).toBe(losing.action === "reject");
    }
  }
});

describe("of two renewing subscriptions, the newer one", () => {
  const own = { isOwnCustomer: true };
  const year = { prices: "price_year" };
  const same = { customer: "cus_of_sub_older" };
  test.each([
    ["is a duplicate at the same price, of a customer matched by address", {}, "sub_older"],
    ["is a duplicate at the same price, of the same customer", same, "sub_older"],
    ["is a duplicate at the same price, of a customer that Nest made", own, "sub_older"],
    ["is a duplicate at another price, of a customer matched by address", year, "sub_older"],
    ["replaces the older at another price, of the same customer", { ...year, ...same }, "sub_newer"],
    ["replaces the older at another price, of a customer that Nest made", { ...year, ...own }, "sub_newer"],
  ])("%s", (_name, facts, keptId) => {
    const older = contender("sub_older", 5);
    const newer = contender("sub_newer", 10, { ...KINDS.renewing, ...facts });
    expect(bestOf([newer, older]).id).toBe(keptId);
    expect(chooseSubscription(newer, contest(older)).action).toBe(
      keptId === "sub_newer" ? "replace" : "reject",
    );
    expect(chooseSubscription(older, contest(newer)).action).toBe(
      keptId === "sub_older" ? "replace" : "reject",
    );
  });

  test.each([2, 3])(
    "never replaces the payer's subscription when a stranger buys %i times with the payer's address",
    (times) => {
      const payer = contender("sub_payer", 1);
      const bought = Array.from({ length: times }, (_, index) =>
        contender(`sub_${index}`, 10 + index, {
          status: "active",
          prices: `p${index}`,
          customer: "cus_stranger",
        }),
      );
      expect(bestOf([...bought, payer]).id).toBe(payer.id);
    },
  );

  test("is canceled while incomplete only if it would lose once it is paid", () => {
    const kept = contender("sub_kept", 5);
    const plan = { status: "incomplete", prices: "price_year", customer: kept.customer };
    const choose = (facts: object) =>
      chooseSubscription(contender("sub_new", 10, facts), contest(kept)).action;
    expect(choose(plan)).toBe("leave");
    expect(choose({ ...plan, prices: kept.prices })).toBe("reject");
    expect(choose({ ...plan, customer: "cus_stranger" })).toBe("reject");
  });
});

/** Applies the events of subscriptions in one order, as the webhook does. @returns the kept ids */
function keepInOrder(events: readonly Contender[]): string[] {
  let kept: Contender | null = null;
  const rejectedIds: string[] = [];
  // After an event, the subscriptions that earlier events left are decided.
  for (const [index] of events.entries()) {
    for (const candidate of [...events.slice(0, index + 1).toReversed(), ...events.slice(0, index)]) {
      const choice = chooseSubscription(candidate, contest(kept, rejectedIds, events));
      if (choice.action === "reject") rejectedIds.push(candidate.id);
      if (choice.action === "replace" && choice.isRivalRejected) rejectedIds.push(choice.replacedId);
      if (choice.action === "keep" || choice.action === "replace") kept = candidate;
    }
  }
  return events.map(({ id }) => id).filter((id) => !rejectedIds.includes(id));
}

test("keeps the same subscription in any order of the events of up to five", () => {
  const seed = seedOf("choose_subscription");
  const random = seededRandom(seed);
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item;
  for (let round = 0; round < 5_000; round++) {
    const all = Array.from({ length: 2 + Math.floor(random() * 4) }, (_, index) =>
      contender(`sub_${index}`, 10 + Math.floor(random() * 4), {
        ...(random() < 0.7 ? KINDS.renewing : KINDS[pick(NAMES.slice(0, 6))]),
        prices: pick(["price_month", "price_year", "price_pro"]),
        ...pick([
          { customer: "cus_a", isOwnCustomer: false },
          { customer: "cus_b", isOwnCustomer: false },
          { customer: "cus_own", isOwnCustomer: true },
        ]),
      }),
    );
    const name = `seed ${seed} round ${round} ${JSON.stringify(all)}`;
    const order = shuffled(all, random);
    expect(keepInOrder(order), name).toEqual([bestOf(all).id]);
  }
});

test("keeps the smaller id of two subscriptions with the same status and time", () => {
  const [a, b] = [contender("sub_a", 10), contender("sub_b", 10)];
  expect(chooseSubscription(a, contest(b)).action).toBe("replace");
  expect(chooseSubscription(b, contest(a)).action).toBe("reject");
});

describe.each(NAMES)("a candidate that is %s", (kind) => {
  const candidate = contender("sub_candidate", 10, KINDS[kind]);
  const rivals = [null, ...NAMES.map((other) => contender("sub_rival", 10, KINDS[other]))];

  test("is kept if nothing is kept yet", () => {
    expect(chooseSubscription(candidate, contest(null))).toEqual({ action: "keep" });
  });

  test("stays kept if it is the kept subscription", () => {
    const choice = chooseSubscription(candidate, { ...contest(null), keptId: candidate.id });
    expect(choice).toEqual({ action: "keep" });
  });

  test("replaces a kept subscription that has ended, without rejecting it", () => {
    const choice = chooseSubscription(candidate, { ...contest(null), keptId: "sub_ended" });
    expect(choice).toEqual({ action: "replace", replacedId: "sub_ended", isRivalRejected: false });
  });

  test("is rejected again if it lost before, whatever is kept now", () => {
    for (const rival of rivals) {
      for (const keptId of rival ? [rival.id] : [null, "sub_ended"]) {
        const choice = chooseSubscription(candidate, { ...contest(rival, [candidate.id]), keptId });
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

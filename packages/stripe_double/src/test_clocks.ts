import { type Account, newId } from "./account.ts";
import { invalidRequest, missing } from "./api_error.ts";
import { deleteCustomer } from "./customers.ts";
import { emit } from "./events.ts";
import { addMonths, DAY, periodEnd } from "./periods.ts";
import { runDueTasks } from "./schedule.ts";
import { isOver } from "./subscription_object.ts";
import type { TestClock } from "./types.ts";

const KEPT = 30 * DAY;

/** A clock of its own for the customers that are put on it (Stripe: test clocks). */
export function createTestClock(
  account: Account,
  { frozenTime, name = null }: { frozenTime: number; name?: string | null | undefined },
): TestClock {
  const clock: TestClock = {
    id: newId("clock"),
    object: "test_helpers.test_clock",
    created: account.now(),
    deletes_after: account.now() + KEPT,
    frozen_time: frozenTime,
    livemode: false,
    name,
    status: "ready",
    status_details: {},
  };
  account.tables.testClocks.set(clock.id, clock);
  emit(account, "test_helpers.test_clock.created", clock);
  return clock;
}

/**
 * Moves a clock and lives through what lies between for who is on it.
 * @returns the clock as it is on the way: who wants to see it arrive reads it again
 */
export function advanceTestClock(account: Account, clock: TestClock, target: number): TestClock {
  if (target <= clock.frozen_time) {
    throw invalidRequest("The new frozen_time must be later than the test clock's current one.", {
      param: "frozen_time",
    });
  }
  if (target > furthest(account, clock)) {
    throw invalidRequest(
      "A test clock cannot be advanced by more than two intervals of its shortest subscription.",
      { param: "frozen_time" },
    );
  }
  const onTheWay: TestClock = {
    ...clock,
    status: "advancing",
    status_details: { advancing: { target_frozen_time: target } },
  };
  emit(account, "test_helpers.test_clock.advancing", onTheWay);
  clock.frozen_time = target;
  runDueTasks(account);
  emit(account, "test_helpers.test_clock.ready", clock);
  return onTheWay;
}

/** Two periods of the shortest subscription, or two years where there is none. */
function furthest(account: Account, clock: TestClock): number {
  const ends = [...account.tables.subscriptions.values()]
    .filter((subscription) => subscription.test_clock === clock.id && !isOver(subscription))
    .flatMap(({ items }) => items.data.map(({ price }) => twice(clock.frozen_time, price)));
  return ends.length > 0 ? Math.min(...ends) : addMonths(clock.frozen_time, 24);
}

function twice(moment: number, price: Parameters<typeof periodEnd>[1]): number {
  return periodEnd(periodEnd(moment, price, moment), price, moment);
}

/** Takes a clock away, and who was on it. */
export function deleteTestClock(account: Account, clock: TestClock): void {
  for (const customer of account.tables.customers.values()) {
    if ("created" in customer && customer.test_clock === clock.id) deleteCustomer(account, customer);
  }
  account.tables.testClocks.delete(clock.id);
  emit(account, "test_helpers.test_clock.deleted", clock);
}

/** The clock that the path names. */
export function findTestClock(account: Account, id: string): TestClock {
  const clock = account.tables.testClocks.get(id);
  if (clock === undefined) throw missing("test clock", id);
  return clock;
}

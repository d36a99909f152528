import { type Account, newId } from "./account.ts";
import { invalidRequest, notFound } from "./api_error.ts";
import { deleteCustomer } from "./customers.ts";
import { emit } from "./events.ts";
import { addMonths, DAY_SECONDS, periodEnd } from "./periods.ts";
import { runDueTasks } from "./schedule.ts";
import { isOver } from "./subscription_object.ts";
import type { TestClock } from "./types.ts";

const LIFETIME_SECONDS = 30 * DAY_SECONDS;

/** Creates a test clock (https://docs.stripe.com/billing/testing/test-clocks). */
export function createTestClock(
  account: Account,
  { frozenTime, name = null }: { frozenTime: number; name?: string | null | undefined },
): TestClock {
  const clock: TestClock = {
    id: newId("clock"),
    object: "test_helpers.test_clock",
    created: account.now(),
    deletes_after: account.now() + LIFETIME_SECONDS,
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
 * Advances a test clock and runs everything that falls due for its customers.
 * @returns the clock with status `advancing`, as in Stripe's response. When it is read again, its status is `ready`.
 * @throws ApiError if the target is in the past or too far in the future
 */
export function advanceTestClock(account: Account, clock: TestClock, target: number): TestClock {
  if (target <= clock.frozen_time) {
    throw invalidRequest("The new frozen_time must be later than the test clock's current one.", {
      param: "frozen_time",
    });
  }
  if (target > latestAllowedTime(account, clock)) {
    throw invalidRequest(
      "A test clock cannot be advanced by more than two intervals of its shortest subscription.",
      { param: "frozen_time" },
    );
  }
  const advancing: TestClock = {
    ...clock,
    status: "advancing",
    status_details: { advancing: { target_frozen_time: target } },
  };
  emit(account, "test_helpers.test_clock.advancing", advancing);
  clock.frozen_time = target;
  runDueTasks(account);
  emit(account, "test_helpers.test_clock.ready", clock);
  return advancing;
}

/** Stripe's limit: two periods of the shortest subscription, or two years without subscriptions. */
function latestAllowedTime(account: Account, clock: TestClock): number {
  const ends = [...account.tables.subscriptions.values()]
    .filter((subscription) => subscription.test_clock === clock.id && !isOver(subscription))
    .flatMap(({ items }) => items.data.map(({ price }) => twoPeriodsAfter(clock.frozen_time, price)));
  return ends.length > 0 ? Math.min(...ends) : addMonths(clock.frozen_time, 24);
}

function twoPeriodsAfter(time: number, price: Parameters<typeof periodEnd>[1]): number {
  return periodEnd(periodEnd(time, price, time), price, time);
}

/** Deletes a test clock and its customers. */
export function deleteTestClock(account: Account, clock: TestClock): void {
  for (const customer of account.tables.customers.values()) {
    if ("created" in customer && customer.test_clock === clock.id) deleteCustomer(account, customer);
  }
  account.tables.testClocks.delete(clock.id);
  emit(account, "test_helpers.test_clock.deleted", clock);
}

/**
 * The test clock with this id.
 * @throws ApiError with status 404 if there is none
 */
export function findTestClock(account: Account, id: string): TestClock {
  const clock = account.tables.testClocks.get(id);
  if (clock === undefined) throw notFound("test clock", id);
  return clock;
}

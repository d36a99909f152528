import { isDeepStrictEqual } from "node:util";
import { type Account, newId } from "./account.ts";
import { API_VERSION, type DoubleEvent, type EventType, type ObjectOf, type Resource } from "./types.ts";

/** Creates an event with a copy of an object, and freezes it. The event is not stored or delivered. */
export function newEvent<Type extends EventType>(
  account: Account,
  type: Type,
  object: ObjectOf<Type> & Resource,
  previous?: Record<string, unknown>,
): DoubleEvent {
  return freeze({
    id: newId("evt"),
    object: "event",
    api_version: API_VERSION,
    created: account.now(),
    data: structuredClone({ object, ...(previous && { previous_attributes: previous }) }),
    livemode: false,
    pending_webhooks: account.hasListener() ? 1 : 0,
    request: { ...account.origin },
    type,
  });
}

/** Freezes a value and everything in it. */
function freeze<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null) return value;
  for (const inner of Object.values(value)) freeze(inner);
  return Object.freeze(value);
}

/** Stores an event and passes it to the webhook delivery. */
export function publish(account: Account, event: DoubleEvent): void {
  account.tables.events.set(event.id, event);
  account.listener(event);
}

/** Creates and publishes an event about an object. */
export function emit<Type extends EventType>(
  account: Account,
  type: Type,
  object: ObjectOf<Type> & Resource,
  previous?: Record<string, unknown>,
): void {
  publish(account, newEvent(account, type, object, previous));
}

/** Changes an object and publishes an event with its previous values. An `updated` event is skipped if nothing changes. */
export function change<Type extends EventType>(
  account: Account,
  row: ObjectOf<Type> & Resource,
  patch: Partial<ObjectOf<Type>>,
  type: Type,
): void {
  const before = structuredClone(row);
  set(row, structuredClone(patch));
  const previous = difference(before, row);
  const isUpdate = type.endsWith(".updated");
  if (isUpdate && Object.keys(previous).length === 0) return;
  emit(account, type, row, isUpdate ? previous : undefined);
}

/** Changes an object without an event. The types allow only values that Stripe has. */
export function set<Row extends object>(row: Row, patch: Partial<Row>): void {
  Object.assign(row, patch);
}

function difference(before: object, after: object): Record<string, unknown> {
  const previous: Record<string, unknown> = {};
  for (const [key, now] of Object.entries(after)) {
    const then: unknown = Object.entries(before).find(([name]) => name === key)?.[1] ?? null;
    if (isDeepStrictEqual(then, now)) continue;
    // Stripe includes a changed list as a whole, but only the changed fields of an object.
    previous[key] = isPlain(then) && isPlain(now) ? difference(then, now) : then;
  }
  return previous;
}

function isPlain(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

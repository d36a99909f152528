import { isDeepStrictEqual } from "node:util";
import { type Account, newId } from "./account.ts";
import { API_VERSION, type DoubleEvent, type EventType, type ObjectOf, type Resource } from "./types.ts";

/** An event about an object as it is now, which nobody knows of yet. */
export function eventAbout<Type extends EventType>(
  account: Account,
  type: Type,
  object: ObjectOf<Type> & Resource,
  previous?: Record<string, unknown>,
): DoubleEvent {
  return {
    id: newId("evt"),
    object: "event",
    api_version: API_VERSION,
    created: account.now(),
    data: structuredClone({ object, ...(previous && { previous_attributes: previous }) }),
    livemode: false,
    pending_webhooks: account.hasListener() ? 1 : 0,
    request: { ...account.origin },
    type,
  };
}

/** Stores an event, and hands it to whoever delivers. */
export function send(account: Account, event: DoubleEvent): void {
  account.tables.events.set(event.id, event);
  account.listener(event);
}

/** Tells of an object as it is now. */
export function emit<Type extends EventType>(
  account: Account,
  type: Type,
  object: ObjectOf<Type> & Resource,
  previous?: Record<string, unknown>,
): void {
  send(account, eventAbout(account, type, object, previous));
}

/** Changes an object and tells of it, with the values that it had; a change of nothing is silent. */
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

/** Changes an object without a word, to values that it may have. */
export function set<Row extends object>(row: Row, patch: Partial<Row>): void {
  Object.assign(row, patch);
}

function difference(before: object, after: object): Record<string, unknown> {
  const previous: Record<string, unknown> = {};
  for (const [key, now] of Object.entries(after)) {
    const then: unknown = Object.entries(before).find(([name]) => name === key)?.[1] ?? null;
    if (isDeepStrictEqual(then, now)) continue;
    // Stripe shows a list whole, and of an object only what differs.
    previous[key] = isPlain(then) && isPlain(now) ? difference(then, now) : then;
  }
  return previous;
}

function isPlain(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

import { isDeepStrictEqual } from "node:util";
import { API_VERSION, type DoubleEvent, type Resource } from "#local/stripe/types.ts";
import { newId, type World } from "#local/stripe/world.ts";

/** Stores an event about an object as it is now, and hands it to whoever delivers. */
export function emit(
  world: World,
  type: DoubleEvent["type"],
  object: Resource,
  previous?: Record<string, unknown>,
): DoubleEvent {
  const event: DoubleEvent = {
    id: newId("evt"),
    object: "event",
    api_version: API_VERSION,
    created: world.now(),
    data: structuredClone({ object, ...(previous && { previous_attributes: previous }) }),
    livemode: false,
    pending_webhooks: world.hasListener() ? 1 : 0,
    request: { ...world.origin },
    type,
  };
  world.tables.events.set(event.id, event);
  world.listener(event);
  return event;
}

/** Changes an object and tells of it, with the values that it had; a change of nothing is silent. */
export function change<Row extends Resource>(
  world: World,
  row: Row,
  patch: Partial<Row>,
  type: DoubleEvent["type"],
): void {
  const before = structuredClone(row);
  Object.assign(row, structuredClone(patch));
  const previous = difference(before, row);
  const isUpdate = type.endsWith(".updated");
  if (isUpdate && Object.keys(previous).length === 0) return;
  emit(world, type, row, isUpdate ? previous : undefined);
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

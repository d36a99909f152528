import type { Call, Caller } from "#core/call.ts";
import type { StoredEvent } from "#core/repositories/outbox.ts";

/** Who caused an event, and by which call. */
export type EventSource = Pick<StoredEvent, "actor" | "clientId" | "sessionId" | "requestId" | "origin">;

/** A person who showed a secret of a session, such as a refresh token. */
interface Holder {
  userId: string;
  clientId: string;
  sessionId: string;
}

const ofCall = ({ requestId, ip, userAgent }: Call) => ({ requestId, origin: { ip, userAgent } });

/** The source of an event that a call of a method causes. */
export function byCaller(caller: Caller, call: Call): EventSource {
  if (caller.kind === "user") return byHolder(caller, call);
  const id = caller.kind === "internal" ? caller.key.name : null;
  return { actor: { type: caller.kind, id }, clientId: null, sessionId: null, ...ofCall(call) };
}

/** The source of an event that the holder of a token causes. */
export function byHolder({ userId, clientId, sessionId }: Holder, call: Call): EventSource {
  return { actor: { type: "user", id: userId }, clientId, sessionId, ...ofCall(call) };
}

/** The source of an event that is caused with a token that may be stolen. */
export function bySuspect({ clientId, sessionId }: Omit<Holder, "userId">, call: Call): EventSource {
  return { actor: { type: "anonymous", id: null }, clientId, sessionId, ...ofCall(call) };
}

/** The source of an event that Stripe's events cause. */
export const BY_STRIPE: EventSource = {
  ...{ actor: { type: "stripe", id: null }, clientId: null, sessionId: null },
  ...{ requestId: null, origin: null },
};

/** The source of an event that a job causes. */
export const byJob = (name: string): EventSource => ({
  ...{ actor: { type: "job", id: name }, clientId: null, sessionId: null },
  ...{ requestId: null, origin: null },
});

/** The source of an event that a command of the operator causes. */
export const BY_OPERATOR: EventSource = {
  ...{ actor: { type: "operator", id: null }, clientId: null, sessionId: null },
  ...{ requestId: null, origin: null },
};

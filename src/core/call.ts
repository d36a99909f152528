/** What one call knows of itself, apart from its body. Handed from the door to whatever needs it. */
export interface Call {
  requestId: string;
  /** The caller's network address as API Gateway saw it, never a forwarded header. */
  ip: string;
  userAgent: string | null;
  /** When the call must have answered, in epoch milliseconds: the app leaves after 5 s (contract 1.1). */
  deadline: number;
}

/** Who calls, after their credential was verified. */
export type Caller =
  | { kind: "anonymous" }
  | { kind: "internal" }
  | { kind: "user"; userId: string; clientId: string; sessionId: string };

/** A call has this long in all, half a second less than the app waits. */
export const CALL_LIMIT_MS = 4500;

/** A webhook's caller waits longer than the app; its function may run a little longer than this. */
export const WEBHOOK_LIMIT_MS = 20_000;

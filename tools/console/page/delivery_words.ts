import type { Responses } from "#client/index.ts";
import { capital, words } from "#tools/console/page/format.ts";

type Delivery = Responses["list_webhook_deliveries"]["items"][number];
type Attempt = Delivery["attempts"][number];

/** Why an attempt without a response failed. */
const FAILURES: Readonly<Record<string, string>> = {
  timeout: "The receiver did not answer in time",
  connection: "The receiver refused the connection, or ended it",
  tls: "The certificate of the receiver is not valid",
  dns: "The host of the receiver has no address",
  address_not_allowed: "The host of the receiver has an address that is not public",
};

/** What came of one attempt, such as `The receiver answered 500, after 12 ms`. */
export function describeAttempt({ status, error, duration_ms }: Attempt): string {
  const failure = FAILURES[error ?? ""] ?? capital(words(error ?? "no response"));
  return `${status === null ? failure : `The receiver answered ${status}`}, after ${duration_ms} ms`;
}

/** What became of a delivery so far, in one sentence. */
export function describeDelivery({ status, attempts }: Pick<Delivery, "status" | "attempts">): string {
  const failed = attempts.filter(({ error }) => error !== null).length;
  const times = `${failed} failed ${failed === 1 ? "attempt" : "attempts"}`;
  if (status === "succeeded") return failed === 0 ? "Arrived" : `Arrived after ${times}`;
  if (status === "pending") return failed === 0 ? "Waits to be sent" : `Did not arrive yet, after ${times}`;
  if (status === "abandoned") return "Not sent: the webhook was disabled or deleted";
  return `Did not arrive, after ${times}. Nest tries no more`;
}

/** When a delivery was last tried, ISO; null: not yet. */
export const lastTriedAt = ({ attempts }: Pick<Delivery, "attempts">): string | null =>
  attempts
    .map(({ at }) => at)
    .sort()
    .at(-1) ?? null;

import type { MoneyMovement } from "#core/billing/payments/movements.ts";
import { formatMoney } from "#core/messages/formats.ts";

/** Describes a movement for the terminal: type, then amount, date, id, status and reason. */
export function describeMovement(movement: MoneyMovement): [string, string] {
  const { type, id, amount, currency, createdAt, status, reason } = movement;
  const parts = [formatMoney({ amount, currency }), createdAt, id, status, ...(reason ? [reason] : [])];
  return [type, parts.join("  ")];
}

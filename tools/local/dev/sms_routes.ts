import { _default, enum as oneOf, strictObject } from "zod/mini";
import { failingCalls } from "#tools/local/dev/fault.ts";
import { type DevRoute, route } from "#tools/local/dev/route.ts";
import { SMS_FAULTS, type SnsDouble } from "#tools/local/sns_double.ts";

const fault = strictObject({ calls: failingCalls, kind: _default(oneOf(SMS_FAULTS), "error") });

/** Routes for the inbox of SMS, and for faults of SNS. */
export function smsRoutes(sns: SnsDouble): DevRoute[] {
  return [
    route("GET", "/dev/sms", null, () => sns.inbox),
    route("DELETE", "/dev/sms", null, () => sns.clear()),
    route("POST", "/dev/sms/faults", fault, ({ calls, kind }) => sns.fault({ calls, kind })),
  ];
}

import { _default, enum as oneOf, strictObject } from "zod/mini";
import { failingCalls } from "#local/dev/fault.ts";
import { type DevRoute, route } from "#local/dev/route.ts";
import type { SesDouble } from "#local/ses_double.ts";

const fault = strictObject({
  calls: failingCalls,
  kind: _default(oneOf(["error", "hang", "rate_limited", "rejected", "none"]), "error"),
});

/** The inbox, and ways for mail to fail. */
export function mailRoutes(ses: SesDouble): DevRoute[] {
  return [
    route("GET", "/dev/inbox", null, () => ses.inbox),
    route("DELETE", "/dev/inbox", null, () => ses.clear()),
    route("POST", "/dev/mail/faults", fault, ({ calls, kind }) => ses.fault({ calls, kind })),
  ];
}

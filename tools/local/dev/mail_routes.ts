import { randomUUID } from "node:crypto";
import { _default, enum as oneOf, strictObject } from "zod/mini";
import { text } from "#core/wire.ts";
import { failingCalls } from "#tools/local/dev/fault.ts";
import { type DevRoute, route } from "#tools/local/dev/route.ts";
import type { SesDouble } from "#tools/local/ses_double.ts";

const fault = strictObject({
  calls: failingCalls,
  kind: _default(oneOf(["error", "hang", "rate_limited", "rejected", "none"]), "error"),
});

const returned = strictObject({
  to: text(254),
  kind: _default(oneOf(["bounce", "soft_bounce", "complaint"]), "bounce"),
});
type ReturnedKind = "bounce" | "soft_bounce" | "complaint";

/** An event as SES publishes it to EventBridge. */
interface SesEvent {
  id: string;
  time: string;
  detail: Record<string, unknown>;
}

/** The SES double, and a function that sends an SES event to Nest. */
export interface Mails {
  ses: SesDouble;
  sendEvent: (event: SesEvent) => Promise<void>;
}

/** Routes for the inbox, for faults of SES, and for bounces and complaints. */
export function mailRoutes({ ses, sendEvent }: Mails): DevRoute[] {
  return [
    route("GET", "/dev/inbox", null, () => ses.inbox),
    route("DELETE", "/dev/inbox", null, () => ses.clear()),
    route("POST", "/dev/mail/faults", fault, ({ calls, kind }) => ses.fault({ calls, kind })),
    route("POST", "/dev/mail/returned", returned, ({ to, kind }) => sendEvent(sesEvent(to, kind))),
  ];
}

function sesEvent(to: string, kind: ReturnedKind): SesEvent {
  const recipients = [{ emailAddress: to }];
  const detail =
    kind === "complaint"
      ? {
          eventType: "Complaint",
          complaint: { complaintFeedbackType: "abuse", complainedRecipients: recipients },
        }
      : {
          eventType: "Bounce",
          bounce: {
            bounceType: kind === "bounce" ? "Permanent" : "Transient",
            bounceSubType: kind === "bounce" ? "General" : "MailboxFull",
            bouncedRecipients: recipients,
          },
        };
  return {
    id: randomUUID(),
    time: new Date().toISOString(),
    detail: { mail: { messageId: randomUUID(), destination: [to] }, ...detail },
  };
}

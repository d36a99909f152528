/**
 * Stores bounces and complaints that SES publishes to EventBridge. Only EventBridge has permission to invoke this
 * function. It fails if an event can't be stored, so that Lambda retries.
 */
import { iso, nullish, object, enum as oneOf, optional, string, unknown } from "zod/mini";
import { recordMailEvent } from "#core/messages/mail_events.ts";
import { event } from "#entry/event.ts";

/**
 * The fields of the SES event that we read. The schema accepts malformed addresses, so that one of them does not hide
 * the others.
 */
const sesEvent = object({
  id: string(),
  time: iso.datetime({ offset: true }),
  detail: object({
    eventType: oneOf(["Bounce", "Complaint"]),
    mail: object({ messageId: string(), destination: optional(unknown()) }),
    bounce: optional(
      object({
        bounceType: string(),
        bounceSubType: nullish(string()),
        bouncedRecipients: optional(unknown()),
      }),
    ),
    complaint: optional(
      object({ complaintFeedbackType: nullish(string()), complainedRecipients: optional(unknown()) }),
    ),
  }),
});

export const handler = event({
  name: "ses_events",
  summary: "Stores bounces and complaints.",
  source: { source: "aws.ses", detailTypes: ["Email Bounced", "Email Complaint Received"] },
  payload: sesEvent,
  async run({ core, payload: { id, time, detail } }) {
    const { bounce, complaint } = detail;
    await recordMailEvent(core, {
      eventId: id,
      type: detail.eventType === "Bounce" ? "bounce" : "complaint",
      isPermanent: bounce?.bounceType === "Permanent",
      subType: bounce?.bounceSubType ?? complaint?.complaintFeedbackType ?? null,
      addresses: {
        destination: addressesIn(detail.mail.destination),
        reported: addressesIn(bounce?.bouncedRecipients ?? complaint?.complainedRecipients),
      },
      messageId: detail.mail.messageId,
      occurredAt: new Date(time),
    });
  },
});

/** The addresses in a list of addresses or of objects with `emailAddress`. */
function addressesIn(list: unknown): string[] {
  if (!Array.isArray(list)) return [];
  return list
    .map((entry: unknown) => (Object(entry) as { emailAddress?: unknown }).emailAddress ?? entry)
    .filter((entry) => typeof entry === "string");
}

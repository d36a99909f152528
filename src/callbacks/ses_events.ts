/**
 * Stores bounces and complaints that SES publishes to EventBridge. Only EventBridge has permission to invoke this
 * function. It fails if an event can't be stored, so that Lambda retries.
 */
import { array, iso, nullish, object, enum as oneOf, optional, string } from "zod/mini";
import { recordMailEvent } from "#core/messages/mail_events.ts";
import { event } from "#entry/event.ts";

const recipients = array(object({ emailAddress: string() }));

/** The fields of the SES event that we read. */
const sesEvent = object({
  id: string(),
  time: iso.datetime({ offset: true }),
  detail: object({
    eventType: oneOf(["Bounce", "Complaint"]),
    mail: object({ messageId: string() }),
    bounce: optional(
      object({ bounceType: string(), bounceSubType: nullish(string()), bouncedRecipients: recipients }),
    ),
    complaint: optional(
      object({ complaintFeedbackType: nullish(string()), complainedRecipients: recipients }),
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
      recipients: (bounce?.bouncedRecipients ?? complaint?.complainedRecipients ?? []).map(
        ({ emailAddress }) => emailAddress,
      ),
      messageId: detail.mail.messageId,
      occurredAt: new Date(time),
    });
  },
});

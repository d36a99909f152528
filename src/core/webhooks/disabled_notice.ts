import { MINUTE, plusSeconds } from "#core/clock.ts";
import type { Core } from "#core/core.ts";
import { type NoticeCore as MailCore, sendNotice } from "#core/messages/notices.ts";
import type { Webhook } from "#core/repositories/webhook_document.ts";
import { ADMIN } from "#core/roles/built_in.ts";

export type NoticeCore = MailCore & Pick<Core, "webhooks">;

/** The most administrators who get the notice. */
const RECIPIENTS = 50;
/** After it, another run sends a notice that a run did not finish. */
const LEASE_SECONDS = 10 * MINUTE;

/**
 * Mails every administrator that Nest disabled a webhook, if that is due. A notice that a run did not finish is sent again by a later
 * run, so that an administrator can get it twice.
 */
export async function sendDisabledNotice(core: NoticeCore, { _id }: Webhook): Promise<void> {
  const now = core.clock.now();
  const until = plusSeconds(now, LEASE_SECONDS).toISOString();
  const webhook = await core.webhooks.claimNotice(_id, now.toISOString(), until);
  if (webhook === null || webhook.disabledReason === null) return;
  const { url, disabledReason: reason, updatedAt } = webhook;
  const variables = { host: new URL(url).host, at: updatedAt ?? now.toISOString(), reason };
  const admins = await core.users.listPage({ role: ADMIN }, { limit: RECIPIENTS, after: null });
  for (const { _id: userId } of admins)
    await sendNotice(core, { userId, locale: null }, async () => ({
      template: "webhook_disabled",
      variables,
    }));
  await core.webhooks.settleNotice(_id);
}

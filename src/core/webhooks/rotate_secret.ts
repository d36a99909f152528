import { DAY, plusSeconds } from "#core/clock.ts";
import { decideAgain } from "#core/decide_again.ts";
import type { EventSource } from "#core/events/event_source.ts";
import { webhookUpdated } from "#core/events/webhook_events.ts";
import type { StoredWebhookSecret, Webhook } from "#core/repositories/webhook_document.ts";
import { requireWebhook, type WebhookCore } from "#core/webhooks/change_webhooks.ts";
import { newWebhookSecret, type WebhookKeys } from "#core/webhooks/webhook_keys.ts";

/** How long the old secret signs too. */
export const OVERLAP_SECONDS = DAY;
/** The most secrets that sign at once. Another rotation within the overlap drops the oldest. */
const SECRETS_LIMIT = 3;

/** The secrets that sign at a time, the newest first. */
export const signingSecrets = ({ secrets }: Pick<Webhook, "secrets">, now: Date): StoredWebhookSecret[] =>
  secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > now.toISOString());

/**
 * Gives a webhook a new secret. The old one signs too for 24 hours.
 * @returns the new secret, which is shown once, and until when the old one signs, ISO
 * @throws NestError webhook_not_found, unavailable
 */
export async function rotateWebhookSecret(
  core: WebhookCore & { webhookKeys: WebhookKeys },
  id: string,
  source: EventSource,
): Promise<{ secret: string; oldExpiresAt: string }> {
  const secret = newWebhookSecret();
  return decideAgain(async () => {
    const read = requireWebhook(await core.webhooks.find(id));
    const now = core.clock.now();
    const at = now.toISOString();
    const oldExpiresAt = plusSeconds(now, OVERLAP_SECONDS).toISOString();
    const old = signingSecrets(read, now).map((one) => ({
      ...one,
      expiresAt: one.expiresAt ?? oldExpiresAt,
    }));
    const secrets = [{ value: core.webhookKeys.seal(id, secret), expiresAt: null }, ...old];
    const events = [webhookUpdated(id, ["secret"], source, at)];
    const change = { at, events };
    const isStored = await core.webhooks.replaceSecrets(read, secrets.slice(0, SECRETS_LIMIT), change);
    return isStored ? { secret, oldExpiresAt } : null;
  }, "other calls rotated the secret");
}

import { randomBytes } from "node:crypto";
import { secret } from "#core/config.ts";
import { SealingKeys, sealingKeyList } from "#core/keys/sealing_keys.ts";

/** Keys that encrypt the secrets of webhooks. The first encrypts; the others decrypt what they encrypted before. */
export const webhookKeyVariables = { WEBHOOK_KEYS: secret(sealingKeyList) };

/** What the form of a secret begins with (Standard Webhooks). */
const PREFIX = "whsec_";
const SECRET_BYTES = 32;

/** A new secret of a webhook, as its receiver gets it: `whsec_` and base64 of 32 random bytes. */
export const newWebhookSecret = (): string => `${PREFIX}${randomBytes(SECRET_BYTES).toString("base64")}`;

/** The bytes of a secret that sign. */
export const bytesOfSecret = (text: string): Buffer => Buffer.from(text.slice(PREFIX.length), "base64");

/** Encrypts the secrets of webhooks, so that a copy of the database alone does not allow forging messages. The owner is the webhook. */
export class WebhookKeys extends SealingKeys {
  constructor(keys: readonly { id: string; key: string }[]) {
    super("WEBHOOK_KEYS", keys);
  }
}

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { array, minLength, regex, strictObject, string } from "zod/mini";
import { json, secret } from "#core/config.ts";
import { NestError } from "#core/errors.ts";

/** Keys that encrypt the secrets of webhooks. The first encrypts; the others decrypt what they encrypted before. */
export const webhookKeyVariables = {
  WEBHOOK_KEYS: secret(
    json(
      array(
        strictObject({
          id: string().check(minLength(1), regex(/^[^.]*$/)),
          key: string().check(regex(/^[0-9a-f]{64}$/)),
        }),
      ).check(minLength(1)),
    ),
  ),
};

const ALGORITHM = "aes-256-gcm";
/** Bytes, as NIST SP 800-38D recommends. */
const NONCE = 12;
const TAG = 16;

/** What the form of a secret begins with (Standard Webhooks). */
const PREFIX = "whsec_";
const SECRET_BYTES = 32;

/** A new secret of a webhook, as its receiver gets it: `whsec_` and base64 of 32 random bytes. */
export const newWebhookSecret = (): string => `${PREFIX}${randomBytes(SECRET_BYTES).toString("base64")}`;

/** The bytes of a secret that sign. */
export const bytesOfSecret = (text: string): Buffer => Buffer.from(text.slice(PREFIX.length), "base64");

/** Encrypts the secrets of webhooks, so that a copy of the database alone does not allow forging messages. */
export class WebhookKeys {
  readonly #keys: readonly { id: string; key: Buffer }[];
  constructor(keys: readonly { id: string; key: string }[]) {
    this.#keys = keys.map(({ id, key }) => ({ id, key: Buffer.from(key, "hex") }));
  }

  /**
   * Encrypts a secret with the newest key (AES-256-GCM).
   * @param webhookId bound to the result: it can't be decrypted as the secret of another webhook
   */
  seal(webhookId: string, text: string): string {
    const [newest] = this.#keys;
    if (!newest) throw new Error("WEBHOOK_KEYS is empty");
    const nonce = randomBytes(NONCE);
    const cipher = createCipheriv(ALGORITHM, newest.key, nonce).setAAD(Buffer.from(webhookId));
    const sealed = Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
    return `${newest.id}.${sealed.toString("base64url")}`;
  }

  /**
   * Decrypts a secret.
   * @throws NestError unavailable if WEBHOOK_KEYS lacks its key, or the stored value was changed
   */
  open(webhookId: string, value: string): string {
    const [id = "", sealed = ""] = value.split(".");
    const found = this.#keys.find((key) => key.id === id);
    if (!found) throw new NestError("unavailable", { detail: "WEBHOOK_KEYS lacks a key in use" });
    const bytes = Buffer.from(sealed, "base64url");
    try {
      const nonce = bytes.subarray(0, NONCE);
      const decipher = createDecipheriv(ALGORITHM, found.key, nonce, { authTagLength: TAG });
      decipher.setAAD(Buffer.from(webhookId)).setAuthTag(bytes.subarray(-TAG));
      return decipher.update(bytes.subarray(NONCE, -TAG), undefined, "utf8") + decipher.final("utf8");
    } catch (cause) {
      throw new NestError("unavailable", { cause, detail: "a secret of a webhook can't be decrypted" });
    }
  }
}

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { array, minLength, regex, strictObject, string } from "zod/mini";
import { json } from "#core/config.ts";
import { NestError } from "#core/errors.ts";

/** The form of a secret with sealing keys, the newest first. */
export const sealingKeyList = json(
  array(
    strictObject({
      id: string().check(minLength(1), regex(/^[^.]*$/)),
      key: string().check(regex(/^[0-9a-f]{64}$/)),
    }),
  ).check(minLength(1)),
);

const ALGORITHM = "aes-256-gcm";
/** As NIST SP 800-38D recommends. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts what Nest must read again, so that a copy of the database alone reveals nothing. */
export class SealingKeys {
  readonly #variable: string;
  readonly #keys: readonly { id: string; key: Buffer }[];

  /** @param variable the name of the secret, for the log */
  constructor(variable: string, keys: readonly { id: string; key: string }[]) {
    this.#variable = variable;
    this.#keys = keys.map(({ id, key }) => ({ id, key: Buffer.from(key, "hex") }));
  }

  /**
   * Encrypts a text with the newest key (AES-256-GCM).
   * @param owner bound to the result: it can't be decrypted as that of another owner
   */
  seal(owner: string, text: string): string {
    const [newest] = this.#keys;
    if (!newest) throw new Error(`${this.#variable} is empty`);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, newest.key, nonce).setAAD(Buffer.from(owner));
    const sealed = Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
    return `${newest.id}.${sealed.toString("base64url")}`;
  }

  /** Whether a value was encrypted with the newest key. */
  isNewest(value: string): boolean {
    return value.startsWith(`${this.#keys[0]?.id}.`);
  }

  /**
   * Decrypts a text.
   * @throws NestError unavailable if its key is missing, or the stored value was changed
   */
  open(owner: string, value: string): string {
    const [id = "", sealed = ""] = value.split(".");
    const found = this.#keys.find((key) => key.id === id);
    if (!found) throw new NestError("unavailable", { detail: `${this.#variable} lacks the key ${id}` });
    const bytes = Buffer.from(sealed, "base64url");
    try {
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const decipher = createDecipheriv(ALGORITHM, found.key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(owner)).setAuthTag(bytes.subarray(-TAG_BYTES));
      return (
        decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, "utf8") + decipher.final("utf8")
      );
    } catch (cause) {
      throw new NestError("unavailable", { cause, detail: "an encrypted secret can't be decrypted" });
    }
  }
}

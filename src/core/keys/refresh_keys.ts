import { array, minLength, regex, strictObject, string } from "zod/mini";
import { json, secret } from "#core/config.ts";

/**
 * Keys that refresh tokens are derived with. The first derives new tokens; the others derive again what they derived
 * before. They are not the signing keys.
 */
export const refreshKeyVariables = {
  REFRESH_KEYS: secret(
    json(
      array(
        strictObject({ id: string().check(minLength(1)), key: string().check(regex(/^[0-9a-f]{64}$/)) }),
      ).check(minLength(1)),
    ),
  ),
};

export class RefreshKeys {
  readonly #keys: readonly { id: string; key: string }[];
  constructor(keys: readonly { id: string; key: string }[]) {
    this.#keys = keys;
  }

  /** The key for new refresh tokens. */
  get newest(): { id: string; key: string } {
    const [newest] = this.#keys;
    if (!newest) throw new Error("REFRESH_KEYS is empty");
    return newest;
  }

  /** The key with this id, or null if it is no longer configured. */
  find(id: string): string | null {
    return this.#keys.find((key) => key.id === id)?.key ?? null;
  }
}

import { array, minLength, regex, strictObject, string } from "zod/mini";
import { json, secret } from "#core/config.ts";

/**
 * Keys from which successors' secrets are derived; the first makes new ones, the others finish what they began. Not the
 * signing keys.
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

  /** The key that new rotations use. */
  get newest(): { id: string; key: string } {
    const [newest] = this.#keys;
    if (!newest) throw new Error("REFRESH_KEYS is empty");
    return newest;
  }

  /** The key of an earlier rotation, or null if it is no longer configured. */
  find(id: string): string | null {
    return this.#keys.find((key) => key.id === id)?.key ?? null;
  }
}

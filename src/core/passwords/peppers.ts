import { array, minLength, regex, strictObject, string } from "zod/mini";
import { json, secret } from "#core/config.ts";

/**
 * Secrets that are part of every password hash, so that a copy of the database alone does not allow guessing. The first is
 * used for new hashes; the others check hashes that were made with them.
 */
export const pepperVariables = {
  PASSWORD_PEPPERS: secret(
    json(
      array(
        strictObject({ id: string().check(minLength(1)), key: string().check(regex(/^[0-9a-f]{64}$/)) }),
      ).check(minLength(1)),
    ),
  ),
};

/** A pepper and the id that is stored with the hashes that it is part of. */
export interface Pepper {
  id: string;
  key: Uint8Array;
}

export class Peppers {
  readonly #peppers: readonly Pepper[];
  constructor(peppers: readonly { id: string; key: string }[]) {
    this.#peppers = peppers.map(({ id, key }) => ({ id, key: Buffer.from(key, "hex") }));
  }

  /** The pepper of new hashes. */
  get newest(): Pepper {
    const [newest] = this.#peppers;
    if (!newest) throw new Error("PASSWORD_PEPPERS is empty");
    return newest;
  }

  /** The pepper with this id, or null if it is no longer configured. */
  find(id: string): Pepper | null {
    return this.#peppers.find((pepper) => pepper.id === id) ?? null;
  }
}

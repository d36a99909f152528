import { hash, type Options, verify } from "@node-rs/argon2";
import { NestError } from "#core/errors.ts";
import { matchesImported } from "#core/passwords/imported_hash.ts";
import { normalizePassword } from "#core/passwords/password_text.ts";
import type { Pepper, Peppers } from "#core/passwords/peppers.ts";
import { Turns } from "#core/passwords/turns.ts";

/** Argon2id with the least cost that OWASP's Password Storage Cheat Sheet allows: 19 MiB, two passes, one thread. */
const COST = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const satisfies Options;
const COST_PREFIX = "$argon2id$v=19$m=19456,t=2,p=1$";

/**
 * The hash of no password, with the same cost as that of a user. It is compared where there is no hash, so that such a call
 * takes the same time.
 */
const NO_HASH = `${COST_PREFIX}${"A".repeat(22)}$${"A".repeat(43)}`;

/** Hashes that run at once in this process. Each takes 19 MiB and a processor. */
const AT_ONCE = 2;

/** A hash that Nest made. */
export interface HashedPassword {
  /** A PHC string, which contains the salt and the cost. */
  hash: string;
  /** The id of the pepper in PASSWORD_PEPPERS. */
  pepperId: string;
}

/** A hash as it is stored: one that Nest made, or an imported one of another system, which has no pepper. */
export interface StoredHash {
  hash: string;
  pepperId: string | null;
}

/** Hashes passwords with Argon2id and a pepper, and compares them. */
export class PasswordHasher {
  readonly #peppers: Peppers;
  readonly #turns = new Turns(AT_ONCE);
  constructor(peppers: Peppers) {
    this.#peppers = peppers;
  }

  /**
   * Hashes a password that `checkPassword` has accepted.
   * @throws Error if the password is too long
   */
  async hash(password: string): Promise<HashedPassword> {
    const text = normalizePassword(password);
    if (text === null) throw new Error("the password was not checked");
    const { id, key } = this.#peppers.newest;
    return { hash: await this.#turns.take(() => hash(text, { ...COST, secret: key })), pepperId: id };
  }

  /**
   * Compares a presented password with a stored hash. It takes the same time without a hash, and for every wrong password.
   * Only an imported hash takes its own time, until it is replaced.
   * @param stored null if there is nothing to compare with: the result is false
   * @throws NestError unavailable if PASSWORD_PEPPERS has lost the pepper of the hash
   */
  async matches(password: string, stored: StoredHash | null): Promise<boolean> {
    const text = normalizePassword(password);
    if (stored?.pepperId === null)
      return text !== null && this.#turns.take(() => matchesImported(password, stored.hash));
    const pepper = stored === null ? this.#peppers.newest : this.#requirePepper(stored.pepperId);
    const isEqual = await this.#turns.take(() =>
      verify(stored?.hash ?? NO_HASH, text ?? "", { secret: pepper.key }),
    );
    return isEqual && stored !== null && text !== null;
  }

  /** Whether a correct password should be hashed again: with the pepper or the cost of new hashes. */
  isOutdated({ hash: stored, pepperId }: StoredHash): boolean {
    return !stored.startsWith(COST_PREFIX) || pepperId !== this.#peppers.newest.id;
  }

  #requirePepper(id: string): Pepper {
    const pepper = this.#peppers.find(id);
    if (pepper) return pepper;
    throw new NestError("unavailable", {
      detail: "PASSWORD_PEPPERS lacks a pepper in use",
      retryAfterSeconds: 60,
    });
  }
}

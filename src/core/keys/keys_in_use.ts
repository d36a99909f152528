import { type CryptoKey, importJWK, type JWK } from "jose";
import { NestError } from "#core/errors.ts";
import { isValid, type StoredKey, type StoredKeySet } from "#core/keys/signing_keys.ts";

const importKey = ({ kty, crv, x, y, d }: Omit<StoredKey, "d"> & { d?: string | undefined }) =>
  importJWK({ kty, crv, x, y, ...(d === undefined ? {} : { d }) } as JWK, "ES256") as Promise<CryptoKey>;

/** The public keys of this deployment. */
export class VerifyingKeys {
  readonly #keys: readonly StoredKey[];
  readonly #imported = new Map<string, Promise<CryptoKey>>();

  constructor(set: StoredKeySet) {
    this.#keys = set.keys;
  }

  /** The public key with this `kid`, or null if there is none or it has expired. */
  async verifier(kid: string | undefined, now: Date): Promise<CryptoKey | null> {
    const found = this.#keys.find((key) => key.kid === kid && isValid(key, now));
    if (!found) return null;
    let imported = this.#imported.get(found.kid);
    if (!imported) {
      const { d: _private, ...publicKey } = found;
      imported = importKey(publicKey);
      this.#imported.set(found.kid, imported);
    }
    return imported;
  }
}

/** The private key in state `current`. Only functions that sign tokens have it. */
export class Signer {
  readonly #current: StoredKey | undefined;
  #imported: Promise<CryptoKey> | undefined;

  constructor(set: StoredKeySet) {
    this.#current = set.keys.find((key) => key.state === "current");
  }

  /**
   * Returns the signing key with its `kid`.
   * @throws NestError unavailable if the configuration has no private key
   */
  async key(): Promise<{ kid: string; key: CryptoKey }> {
    if (!this.#current?.d)
      throw new NestError("unavailable", { detail: "SIGNING_KEYS holds no private current key" });
    this.#imported ??= importKey(this.#current);
    return { kid: this.#current.kid, key: await this.#imported };
  }
}

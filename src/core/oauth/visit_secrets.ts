import type { VisitSecrets } from "#core/oauth/usable_provider.ts";
import { rateLimitVariables } from "#core/rate_limits/limits.ts";
import { hmacHex, newSecret } from "#core/secrets.ts";

export const visitKeyVariables = { RATE_LIMIT_KEY: rateLimitVariables.RATE_LIMIT_KEY };

/**
 * Derives the secrets of a visit at a provider from its `state`. Only the hash of the state is stored, so a copy of the database
 * gives neither the nonce nor the code verifier, and a person who sees the state can't derive them without the key. The key is that
 * of the rate limits, with labels of its own. If it is replaced, visits that have begun fail and are begun anew.
 */
export class VisitKey {
  readonly #key: string;
  constructor(key: string) {
    this.#key = key;
  }

  /** The secrets of a new visit. */
  begin(): VisitSecrets {
    return this.of(newSecret());
  }

  of(state: string): VisitSecrets {
    return {
      state,
      nonce: hmacHex(this.#key, "oauth_nonce", state),
      codeVerifier: hmacHex(this.#key, "oauth_code_verifier", state),
    };
  }
}

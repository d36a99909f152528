import { pwnedPassword } from "hibp";
import { optional, refine, string } from "zod/mini";
import { localOnly } from "#core/config.ts";

export const hibpVariables = {
  /** A replacement for the service, for tests. */
  HIBP_URL: localOnly(optional(string().check(refine((value) => URL.canParse(value))))),
};

/** Time for the request. It is one part of a call that also hashes and writes. */
const LIMIT_MS = 800;

/**
 * The passwords of Have I Been Pwned. The service gets the first five digits of the SHA-1 of a password, and returns every hash
 * that begins so, with padding, so that the size of the response tells nothing either.
 */
export class BreachedPasswords {
  readonly #url: string | undefined;
  /** @param url replaces the address of the service */
  constructor(url?: string) {
    this.#url = url;
  }

  /**
   * Whether the password was found in a breach.
   * @throws Error if the service fails or takes longer than 800 ms
   */
  async contain(password: string): Promise<boolean> {
    const baseUrl = this.#url === undefined ? {} : { baseUrl: this.#url };
    const times = await pwnedPassword(password, {
      ...baseUrl,
      ...{ addPadding: true, timeoutMs: LIMIT_MS, userAgent: "nest" },
    });
    return times > 0;
  }
}

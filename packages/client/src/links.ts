import { hasFields } from "./answers.ts";
import type { Store } from "./store.ts";

/** A requested magic link that was not redeemed yet. */
export interface PendingLink {
  state: string;
  codeVerifier: string;
  redirectUri: string;
  /** With it, the code that the mail shows beside the link can be redeemed. Absent until Nest has answered. */
  nonce?: string | undefined;
  /** ISO 8601. */
  askedAt: string;
}

const FIELDS = "state codeVerifier redirectUri askedAt";
/** Codes expire after 20 minutes. The longer time allows for a wrong clock. */
const LIFETIME_MS = 60 * 60 * 1000;
const MAX_LINKS = 10;
const NAME = "links";

/** The pending links in a stored value. Damaged values have none: the user requests a new link. */
function parseLinks(text: string | null): PendingLink[] {
  try {
    const value: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(value) ? value.filter((link) => hasFields(link, FIELDS)) : [];
  } catch {
    return [];
  }
}

/**
 * Stores the code verifiers of requested links by their state. Only the client that requested a link can redeem it. The
 * caller has the lock.
 */
export class LinkKeeper {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** All pending links, oldest first. @throws the store's errors */
  async all(): Promise<PendingLink[]> {
    return parseLinks(await this.#store.get(NAME));
  }

  /** Removes the link with this state and expired links, and adds a link if there is one. @throws the store's errors */
  async replace(state: string, link?: PendingLink): Promise<void> {
    const fresh = (await this.all()).filter(
      (one) => one.state !== state && Math.abs(Date.now() - Date.parse(one.askedAt)) < LIFETIME_MS,
    );
    const links = (link ? [...fresh, link] : fresh).slice(-MAX_LINKS);
    await (links[0] ? this.#store.set(NAME, JSON.stringify(links)) : this.#store.delete(NAME));
  }

  /** Adds the nonce to the link with this state, unless it was redeemed meanwhile. @throws the store's errors */
  async keepNonce(state: string, nonce: string): Promise<void> {
    const link = (await this.all()).find((one) => one.state === state);
    if (link) await this.replace(state, { ...link, nonce });
  }
}

import { oneAtATime, type Store } from "./store.ts";

/** A requested magic link that was not redeemed yet. */
export interface PendingLink {
  state: string;
  codeVerifier: string;
  redirectUri: string;
  /** ISO 8601. */
  askedAt: string;
}

/** Codes expire after 20 minutes. The longer time allows for a wrong clock. */
const LIFETIME_MS = 60 * 60 * 1000;
const MAX_LINKS = 10;
const NAME = "links";

/** Stores the code verifiers of requested links by their state. Only the client that requested a link can redeem it. */
export class LinkKeeper {
  readonly #store: Store;
  readonly #exclusively: <Value>(work: () => Promise<Value>) => Promise<Value>;

  constructor(store: Store) {
    this.#store = store;
    const inSequence = oneAtATime();
    this.#exclusively = (work) => (store.lock ? store.lock(work) : inSequence(work));
  }

  async add(link: PendingLink): Promise<void> {
    await this.#change((links) => [...links, link].slice(-MAX_LINKS));
  }

  async find(state: string): Promise<PendingLink | null> {
    return (await this.#read()).find((link) => link.state === state) ?? null;
  }

  async remove(state: string): Promise<void> {
    await this.#change((links) => links.filter((link) => link.state !== state));
  }

  async #read(): Promise<PendingLink[]> {
    try {
      return JSON.parse((await this.#store.get(NAME)) ?? "[]");
    } catch {
      return [];
    }
  }

  async #change(change: (links: PendingLink[]) => PendingLink[]): Promise<void> {
    await this.#exclusively(async () => {
      const fresh = (await this.#read()).filter(
        ({ askedAt }) => Math.abs(Date.now() - Date.parse(askedAt)) < LIFETIME_MS,
      );
      const links = change(fresh);
      if (links.length === 0) await this.#store.delete(NAME);
      else await this.#store.set(NAME, JSON.stringify(links));
    });
  }
}

/**
 * Reads code and state from a magic link, from the app's own URL, or from the text that the link's page shows.
 * @returns null if code or state is missing
 */
export function readLink(link: string | URL): { code: string; state: string; flow: string | null } | null {
  const [, query = ""] = /^(?:[^?#]*[?#])?([^#]*)/.exec(String(link).trim()) ?? [];
  const parts = new URLSearchParams(query);
  const code = parts.get("code");
  const state = parts.get("state");
  return code && state ? { code, state, flow: parts.get("flow") } : null;
}

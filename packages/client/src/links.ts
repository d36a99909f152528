import { oneAtATime, type Store } from "./store.ts";

/** A link that was asked for and not followed yet. */
export interface PendingLink {
  state: string;
  codeVerifier: string;
  redirectUri: string;
  /** ISO. */
  askedAt: string;
}

/** Codes live for 20 minutes; a clock may be wrong or moved. */
const KEPT_MS = 60 * 60 * 1000;
const MOST = 10;
const NAME = "links";

/** The code verifiers of links under way, by their state: only who asked for a link can follow it. */
export class LinkKeeper {
  readonly #store: Store;
  readonly #alone: <Value>(work: () => Promise<Value>) => Promise<Value>;

  constructor(store: Store) {
    this.#store = store;
    const inTurn = oneAtATime();
    this.#alone = (work) => (store.lock ? store.lock(work) : inTurn(work));
  }

  async add(link: PendingLink): Promise<void> {
    await this.#change((links) => [...links, link].slice(-MOST));
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
    await this.#alone(async () => {
      const fresh = (await this.#read()).filter(
        ({ askedAt }) => Math.abs(Date.now() - Date.parse(askedAt)) < KEPT_MS,
      );
      const links = change(fresh);
      if (links.length === 0) await this.#store.delete(NAME);
      else await this.#store.set(NAME, JSON.stringify(links));
    });
  }
}

/**
 * Reads what a followed link brings: the whole link, the app's own URL, or the text that its page shows for pasting.
 * @returns null if there is no code or no state in it
 */
export function readLink(link: string | URL): { code: string; state: string; flow: string | null } | null {
  const [, query = ""] = /^(?:[^?#]*[?#])?([^#]*)/.exec(String(link).trim()) ?? [];
  const parts = new URLSearchParams(query);
  const code = parts.get("code");
  const state = parts.get("state");
  return code && state ? { code, state, flow: parts.get("flow") } : null;
}

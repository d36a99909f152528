import type { Store } from "./store.ts";
import type { Tokens } from "./stored_tokens.ts";

/** The signed-in user. */
export interface SignedIn {
  userId: string;
  clientId: string;
}

/** The user that tokens belong to. */
export const toSignedIn = ({ user_id, client_id }: Tokens): SignedIn => ({
  userId: user_id,
  clientId: client_id,
});

/** Calls listeners when another user is signed in, or no user. */
export class SessionListeners {
  readonly #store: Store;
  readonly #notifiers = new Set<(user: SignedIn | null) => void>();

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Adds a listener.
   * @param read reads the tokens from the store and calls `report`
   * @returns a function that removes the listener
   */
  listen(
    listener: (user: SignedIn | null) => void,
    onError: (error: unknown) => void,
    read: () => Promise<unknown>,
  ): () => void {
    let last: string | undefined;
    const notify = (user: SignedIn | null) => {
      const now = JSON.stringify(user);
      if (now === last) return;
      last = now;
      // Outside of the client's work, which an error of the listener must not end.
      queueMicrotask(() => this.#notifiers.has(notify) && listener(user));
    };
    this.#notifiers.add(notify);
    const look = () => void read().catch((error: unknown) => this.#notifiers.has(notify) && onError(error));
    const unwatch = this.#store.watch?.(look);
    look();
    return () => {
      this.#notifiers.delete(notify);
      unwatch?.();
    };
  }

  /** Reports to the listeners whose tokens are stored now, if any. */
  report(tokens: Tokens | null): void {
    for (const notify of this.#notifiers) notify(tokens && toSignedIn(tokens));
  }
}

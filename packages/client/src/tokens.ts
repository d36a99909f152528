import { unlessAborted } from "./abort.ts";
import { CallFailure, ErrorAnswer } from "./errors.ts";
import type { Exclusively } from "./lock.ts";
import type { Method } from "./methods.ts";
import type { SessionListeners } from "./session.ts";
import type { Store } from "./store.ts";
import {
  inBody,
  isFinal,
  parseTokens,
  requireTokens,
  type StoredTokens,
  type Tokens,
} from "./stored_tokens.ts";
import { type CallOptions, post, SIGN_IN, type Transport } from "./transport.ts";

const NAME = "tokens";
const PROBE_NAME = "probe";
/** Longer than stored tokens, which have about 1,300 characters. */
const PROBE = "-".repeat(1_500);

/** Reads, stores and refreshes the tokens of a store. */
export class TokenKeeper {
  readonly #transport: Transport;
  readonly #store: Store;
  readonly #exclusively: Exclusively;
  readonly #listeners: SessionListeners;
  #refreshing: Promise<Tokens> | null = null;
  /** The newest tokens, which the store may have lost or refused. */
  #tokens: StoredTokens | null = null;
  /** The refresh token that unsaved tokens replace, or "" if there was none. Null if the tokens are saved. */
  #replaced: string | null = null;
  #isDamaged = false;

  constructor(transport: Transport, store: Store, exclusively: Exclusively, listeners: SessionListeners) {
    this.#transport = transport;
    this.#store = store;
    this.#exclusively = exclusively;
    this.#listeners = listeners;
  }

  /**
   * The tokens, or null if no user is signed in. Unsaved tokens count while the store has the tokens that they replace,
   * or a damaged value. Otherwise another client has signed out, or has stored tokens that are equally new or newer.
   * @throws the store's errors
   */
  async current(): Promise<StoredTokens | null> {
    const text = await this.#store.get(NAME);
    const stored = parseTokens(text);
    this.#isDamaged = typeof text === "string" && !stored;
    if (!this.#isDamaged && (stored?.refresh_token ?? "") !== this.#replaced) {
      this.#tokens = stored;
      this.#replaced = null;
    }
    this.#listeners.report(this.#tokens);
    return this.#tokens;
  }

  /**
   * The tokens, saved if they were not. The caller has the lock. Nest never issues tokens again once it has seen them
   * in use. So tokens are saved before they are used.
   * @throws the store's errors
   */
  async saved(): Promise<StoredTokens | null> {
    const tokens = await this.current();
    if (tokens && this.#isUnsaved()) await this.save(tokens, this.#replaced ?? "damaged");
    return tokens;
  }

  /**
   * The tokens for a call.
   * @param waitMs how long to wait for the store's lock, in milliseconds
   * @throws CallFailure signed_out, whose cause says so if the stored tokens are damaged; the store's errors
   */
  async forCall(method: Method, waitMs?: number): Promise<Tokens> {
    let tokens = await this.current();
    if (tokens && this.#isUnsaved()) tokens = await this.#exclusively(() => this.saved(), waitMs);
    if (!tokens) throw this.#signedOut(method);
    return tokens;
  }

  /**
   * Checks that the store keeps tokens, before a code is sent that works only once.
   * @throws Error if the store does not keep the value; the store's errors
   */
  async probe(): Promise<void> {
    await this.#store.set(PROBE_NAME, PROBE);
    requireKept((await this.#store.get(PROBE_NAME)) === PROBE);
    await this.#store.delete(PROBE_NAME);
  }

  /**
   * Stores tokens. The caller has the lock.
   * @param replaced the refresh token that the store had before, or "" if it had none
   * @throws Error if the store does not keep the value; the store's errors. The next call then stores the tokens
   */
  async save(tokens: StoredTokens, replaced: string): Promise<void> {
    this.#tokens = tokens;
    this.#replaced = replaced;
    await this.#store.set(NAME, JSON.stringify(tokens));
    // Another client may have stored newer tokens at the same time.
    const kept = parseTokens(await this.#store.get(NAME));
    // The refresh token stays the same if a second factor made the session fresh.
    requireKept(kept && (kept.refresh_token !== replaced || kept.access_token === tokens.access_token));
    this.#replaced = null;
    this.#listeners.report(tokens);
  }

  /**
   * Deletes the tokens and returns them.
   * @param waitMs how long to wait for the store's lock, in milliseconds
   * @throws CallFailure signed_out if the stored tokens were damaged; the store's errors, and then nothing is deleted
   */
  async forget(waitMs?: number): Promise<Tokens | null> {
    return this.#exclusively(async () => {
      const tokens = await this.current();
      await this.#delete();
      if (!tokens && this.#isDamaged) throw this.#signedOut("revoke_token");
      return tokens;
    }, waitMs);
  }

  /**
   * Returns tokens that are newer than a rejected access token. Concurrent calls share one refresh. If another client of the
   * store has refreshed meanwhile, its tokens are returned. The refresh continues when the call that started it is aborted.
   * @param method the called method, which the errors name
   * @throws CallFailure signed_out, refresh_failed, network, timeout, aborted, unexpected_answer; the store's errors
   */
  async newerThan<M extends Method>(
    method: M,
    rejected: string,
    { signal, timeoutMs }: CallOptions,
  ): Promise<Tokens> {
    this.#refreshing ??= this.#exclusively(() => this.#refresh(rejected), timeoutMs).finally(() => {
      this.#refreshing = null;
    });
    return unlessAborted(method, this.#refreshing, signal).catch((error: unknown) => {
      if (error instanceof ErrorAnswer) throw new CallFailure(method, "refresh_failed", { cause: error });
      throw error instanceof CallFailure ? new CallFailure(method, error.kind, error) : error;
    });
  }

  async #refresh(rejected: string): Promise<Tokens> {
    const tokens = await this.#requireSaved();
    if (tokens.access_token !== rejected) return tokens;
    // An earlier version of the app may have signed in with another client id, to which Nest binds the refresh token.
    const { client_id, refresh_token, link_state } = tokens;
    const { hasCookies } = this.#transport;
    const body = {
      ...{ client_id, grant_type: "refresh_token" },
      ...{ refresh_token: inBody(refresh_token), set_cookie: hasCookies },
    };
    try {
      const fresh = requireTokens(await post(this.#transport, { method: SIGN_IN, body }, {}), hasCookies);
      this.#tokens = { ...fresh, link_state };
      this.#replaced = refresh_token;
    } catch (error) {
      if (!isFinal(error)) throw error;
      const now = await this.current();
      // Another client has stored tokens meanwhile, which may be of a new sign-in.
      if (now && now.refresh_token !== refresh_token) return now;
      await this.#delete();
      throw new CallFailure(SIGN_IN, "signed_out", { cause: error });
    }
    return this.#requireSaved();
  }

  async #requireSaved(): Promise<StoredTokens> {
    const tokens = await this.saved();
    if (!tokens) throw this.#signedOut(SIGN_IN);
    return tokens;
  }

  #isUnsaved(): boolean {
    return this.#isDamaged || this.#replaced !== null;
  }

  #signedOut<M extends Method>(method: M): CallFailure<M> {
    const cause = this.#isDamaged ? new Error("The stored tokens are damaged.") : undefined;
    return new CallFailure(method, "signed_out", { cause });
  }

  async #delete(): Promise<void> {
    await this.#store.delete(NAME);
    this.#tokens = null;
    this.#replaced = null;
    this.#listeners.report(null);
  }
}

function requireKept(isKept: unknown): void {
  if (!isKept) throw new Error("The store did not keep a value.");
}

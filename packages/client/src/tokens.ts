import { CallFailure, ErrorAnswer, type ErrorCode } from "./errors.ts";
import type { Method, Responses } from "./methods.ts";
import { oneAtATime, type Store } from "./store.ts";
import { post, type Transport } from "./transport.ts";

/** The response to a sign-in or a refresh. */
export type Tokens = Responses["authenticate_user"];

/** Codes after which a refresh token can never be used again. Other errors are temporary. */
const FINAL_CODES: readonly ErrorCode<"authenticate_user">[] = [
  "authorization_not_found",
  "token_used",
  "token_expired",
  "token_not_found",
  "not_found",
  "malformed_refresh_token",
];

const NAME = "tokens";

/** Reads, stores and refreshes the tokens of a store. */
export class TokenKeeper {
  readonly #transport: Transport;
  readonly #store: Store;
  readonly #clientId: string;
  readonly #exclusively: <Value>(work: () => Promise<Value>) => Promise<Value>;
  #refreshing: Promise<Tokens> | null = null;

  constructor(transport: Transport, store: Store, clientId: string) {
    this.#transport = transport;
    this.#store = store;
    this.#clientId = clientId;
    const inSequence = oneAtATime();
    this.#exclusively = (work) => (store.lock ? store.lock(work) : inSequence(work));
  }

  /** The stored tokens, or null if no user is signed in. */
  async read(): Promise<Tokens | null> {
    try {
      return JSON.parse((await this.#store.get(NAME)) ?? "null");
    } catch {
      return null; // The value was not written by this client.
    }
  }

  /** Replaces the stored tokens. */
  async keep(tokens: Tokens): Promise<void> {
    await this.#exclusively(async () => this.#store.set(NAME, JSON.stringify(tokens)));
  }

  /** Deletes the tokens and returns them. */
  async forget(): Promise<Tokens | null> {
    return this.#exclusively(async () => {
      const tokens = await this.read();
      await this.#store.delete(NAME);
      return tokens;
    });
  }

  /**
   * Returns tokens that are newer than a rejected access token. Concurrent calls share one refresh. If another client of the
   * store has refreshed meanwhile, its tokens are returned. The refresh continues when the call that started it is aborted.
   * @param method the called method, which the errors name
   * @throws CallFailure signed_out, refresh_failed, network, timeout, unexpected_answer
   */
  async newerThan<M extends Method>(method: M, rejected: string): Promise<Tokens> {
    this.#refreshing ??= this.#exclusively(() => this.#refresh(rejected)).finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing.catch((error: unknown) => {
      if (error instanceof CallFailure) throw new CallFailure(method, error.kind, error);
      if (error instanceof ErrorAnswer) throw new CallFailure(method, "refresh_failed", { cause: error });
      throw error;
    });
  }

  async #refresh(rejected: string): Promise<Tokens> {
    const tokens = await this.read();
    if (!tokens) throw new CallFailure("authenticate_user", "signed_out");
    if (tokens.access_token !== rejected) return tokens;
    const { refresh_token } = tokens;
    const fresh = await post(
      this.#transport,
      {
        method: "authenticate_user",
        body: { client_id: this.#clientId, grant_type: "refresh_token", refresh_token },
        bearer: null,
      },
      {},
    ).catch((error: unknown) => this.#recover(error, refresh_token));
    const now = await this.read();
    if (!now) throw new CallFailure("authenticate_user", "signed_out");
    // Another client has stored tokens meanwhile. They are as new as these, or newer.
    if (now.refresh_token !== refresh_token) return now;
    await this.#store.set(NAME, JSON.stringify(fresh));
    return fresh;
  }

  /**
   * Handles a failed refresh. If another client has refreshed meanwhile, its tokens are used. If the refresh token can never be
   * used again, the tokens are deleted.
   */
  async #recover(error: unknown, presented: string): Promise<Tokens> {
    const isFinal = error instanceof ErrorAnswer && (FINAL_CODES as readonly string[]).includes(error.code);
    if (!isFinal) throw error;
    const now = await this.read();
    if (now && now.refresh_token !== presented) return now;
    await this.#store.delete(NAME);
    throw new CallFailure("authenticate_user", "signed_out", { cause: error });
  }
}

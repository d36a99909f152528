import { CallFailure, ErrorAnswer, type ErrorCode } from "./errors.ts";
import type { Method, Responses } from "./methods.ts";
import { oneAtATime, type Store } from "./store.ts";
import { post, type Transport } from "./transport.ts";

/** What a sign-in or a refresh answered. */
export type Tokens = Responses["authenticate_user"];

/** Answers to a refresh after which the same token can never be refreshed. Anything else may pass. */
const OVER: readonly ErrorCode<"authenticate_user">[] = [
  "authorization_not_found",
  "token_used",
  "token_expired",
  "token_not_found",
  "not_found",
  "malformed_refresh_token",
];

const NAME = "tokens";

/** The tokens of a store, and their one way to newer ones. */
export class TokenKeeper {
  readonly #transport: Transport;
  readonly #store: Store;
  readonly #clientId: string;
  readonly #alone: <Value>(work: () => Promise<Value>) => Promise<Value>;
  #refreshing: Promise<Tokens> | null = null;

  constructor(transport: Transport, store: Store, clientId: string) {
    this.#transport = transport;
    this.#store = store;
    this.#clientId = clientId;
    const inTurn = oneAtATime();
    this.#alone = (work) => (store.lock ? store.lock(work) : inTurn(work));
  }

  /** The newest tokens, or null when nobody is signed in. */
  async read(): Promise<Tokens | null> {
    try {
      return JSON.parse((await this.#store.get(NAME)) ?? "null");
    } catch {
      return null; // what can't be read was not written by us
    }
  }

  /** Replaces whatever is there. */
  async keep(tokens: Tokens): Promise<void> {
    await this.#alone(async () => this.#store.set(NAME, JSON.stringify(tokens)));
  }

  /** Forgets the tokens and answers the newest there were. */
  async forget(): Promise<Tokens | null> {
    return this.#alone(async () => {
      const tokens = await this.read();
      await this.#store.delete(NAME);
      return tokens;
    });
  }

  /**
   * Newer tokens than those whose access token was refused. However many calls ask at once, one refresh is made, and
   * none if another client of the store has made it meanwhile. A refresh does not end with the call that began it.
   * @throws CallFailure signed_out, refresh_failed, network, timeout, unexpected_answer, which name `method`
   */
  async newerThan<M extends Method>(method: M, refused: string): Promise<Tokens> {
    this.#refreshing ??= this.#alone(() => this.#refresh(refused)).finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing.catch((error: unknown) => {
      if (error instanceof CallFailure) throw new CallFailure(method, error.kind, error);
      if (error instanceof ErrorAnswer) throw new CallFailure(method, "refresh_failed", { cause: error });
      throw error;
    });
  }

  async #refresh(refused: string): Promise<Tokens> {
    const tokens = await this.read();
    if (!tokens) throw new CallFailure("authenticate_user", "signed_out");
    if (tokens.access_token !== refused) return tokens;
    const { refresh_token } = tokens;
    const fresh = await post(
      this.#transport,
      "authenticate_user",
      { client_id: this.#clientId, grant_type: "refresh_token", refresh_token },
      null,
      {},
    ).catch((error: unknown) => this.#recover(error, refresh_token));
    const now = await this.read();
    if (!now) throw new CallFailure("authenticate_user", "signed_out");
    // Only over the token that was presented: what another client wrote meanwhile is as new, or newer.
    if (now.refresh_token !== refresh_token) return now;
    await this.#store.set(NAME, JSON.stringify(fresh));
    return fresh;
  }

  /**
   * After a refused refresh. Another client may have refreshed since these tokens were read, and then it is theirs that
   * count.
   */
  async #recover(error: unknown, presented: string): Promise<Tokens> {
    const isOver = error instanceof ErrorAnswer && (OVER as readonly string[]).includes(error.code);
    if (!isOver) throw error;
    const now = await this.read();
    if (now && now.refresh_token !== presented) return now;
    await this.#store.delete(NAME);
    throw new CallFailure("authenticate_user", "signed_out", { cause: error });
  }
}

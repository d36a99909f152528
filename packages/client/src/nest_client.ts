import type { KeySet } from "./entitlement.ts";
import { CallFailure, ErrorAnswer } from "./errors.ts";
import { LinkKeeper, readLink } from "./links.ts";
import { type Device, METHODS, type Method, type Requests, type Responses } from "./methods.ts";
import { codeChallenge, randomString } from "./pkce.ts";
import { memoryStore, type Store } from "./store.ts";
import { TokenKeeper, type Tokens } from "./tokens.ts";
import { type CallOptions, post, readKeys, type Transport } from "./transport.ts";

export interface NestClientOptions {
  /** Where Nest is, such as `https://nest.getbeak.app`. */
  url: string;
  /** The OAuth client that this program is. */
  clientId: string;
  /** Where mailed links lead: one of the client's own. */
  redirectUri: string;
  /** Where tokens are kept; in memory if it is left out. */
  store?: Store;
  /** Milliseconds for each request, 5,000 if it is left out. */
  timeoutMs?: number;
  /** Another `fetch`, such as Electron's `net.fetch`. */
  fetch?: typeof fetch;
}

/** Fields that the client knows by itself. */
type Known = "client_id" | "redirect_uri" | "user_id";
type Optional<Fields, Names extends PropertyKey> = Omit<Fields, Names> &
  Partial<Pick<Fields, Names & keyof Fields>>;

/** What a method is asked with; what the client knows by itself may be left out. */
export type Asked<M extends Method> = Optional<Requests[M], Known>;

type CallArguments<M extends Method> =
  Record<never, never> extends Asked<M>
    ? [request?: Asked<M>, options?: CallOptions]
    : [request: Asked<M>, options?: CallOptions];

/** Who is signed in. */
export interface SignedIn {
  userId: string;
  clientId: string;
}

/** A person at one OAuth client of one Nest. Times are ISO 8601 strings, and fields are named as on the wire. */
export class NestClient {
  readonly #transport: Transport;
  readonly #clientId: string;
  readonly #redirectUri: string;
  readonly #tokens: TokenKeeper;
  readonly #links: LinkKeeper;

  constructor({
    url,
    clientId,
    redirectUri,
    store = memoryStore(),
    timeoutMs = 5_000,
    ...rest
  }: NestClientOptions) {
    // Called on nothing, as browsers demand.
    const ask: typeof fetch = rest.fetch ?? ((...asked) => fetch(...asked));
    this.#transport = { url: url.replace(/\/+$/, ""), timeoutMs, fetch: ask };
    this.#clientId = clientId;
    this.#redirectUri = redirectUri;
    this.#tokens = new TokenKeeper(this.#transport, store, clientId);
    this.#links = new LinkKeeper(store);
  }

  /**
   * Has a link mailed that signs its reader in, once and within 20 minutes, in this program only.
   * @param options.device the machine, as the desktop app names it
   * @throws ClientError<"send_magic_link">
   */
  async sendMagicLink(
    address: string,
    { device, ...options }: CallOptions & { device?: Device } = {},
  ): Promise<void> {
    const request = await this.#beginLink(address);
    await this.call("send_magic_link", { ...request, ...(device ? { device } : {}) }, options);
  }

  /**
   * Starts a trial and has a link mailed that opens it.
   * @throws ClientError<"create_trial_and_magic_link">
   */
  async startTrial(address: string, { device, ...options }: CallOptions & { device: Device }): Promise<void> {
    const request = await this.#beginLink(address);
    await this.call("create_trial_and_magic_link", { ...request, device }, options);
  }

  /**
   * Signs in with a link that was followed. A code is good for one try that arrives: if its answer is lost, ask for a
   * new link.
   * @param link the whole link, the app's own URL, or the text `code=...&state=...` that its page shows
   * @returns who it is, and `trial` as the flow if the link opens one
   * @throws ClientError<"authenticate_user">, of kind unknown_link if the link was not asked for with this store
   */
  async finishSignIn(
    link: string | URL,
    options: CallOptions = {},
  ): Promise<SignedIn & { flow: string | null }> {
    const read = readLink(link);
    const pending = read && (await this.#links.find(read.state));
    if (!read || !pending) throw new CallFailure("authenticate_user", "unknown_link");
    const tokens = await this.call(
      "authenticate_user",
      {
        grant_type: "authorization_code",
        redirect_uri: pending.redirectUri,
        code: read.code,
        code_verifier: pending.codeVerifier,
      },
      options,
    );
    await this.#tokens.keep(tokens);
    await this.#links.remove(read.state);
    return { ...whoIn(tokens), flow: read.flow };
  }

  /** Who is signed in as far as this machine knows, or null. Asks nobody. */
  async signedIn(): Promise<SignedIn | null> {
    const tokens = await this.#tokens.read();
    return tokens && whoIn(tokens);
  }

  /**
   * Calls a method. `client_id`, `redirect_uri` and the `user_id` of who is signed in may be left out. If the access
   * token is no longer good, it is refreshed once and the call made again.
   * @returns what the method answers; undefined where that has no body
   * @throws ClientError of the method
   */
  async call<M extends Method>(
    method: M,
    ...[request, options = {}]: CallArguments<M>
  ): Promise<Responses[M]> {
    const { bearer, fills } = METHODS[method];
    const tokens = bearer ? await this.#tokens.read() : null;
    if (bearer && !tokens) throw new CallFailure(method, "signed_out");
    const known: Record<Known, string | undefined> = {
      client_id: this.#clientId,
      redirect_uri: this.#redirectUri,
      user_id: tokens?.user_id,
    };
    const body = { ...Object.fromEntries(fills.map((name) => [name, known[name]])), ...request };
    if (!tokens) return post(this.#transport, method, body, null, options);
    try {
      return await post(this.#transport, method, body, tokens.access_token, options);
    } catch (error) {
      if (!(error instanceof ErrorAnswer) || error.code !== "unauthorized") throw error;
      const newer = await unlessAborted(
        method,
        this.#tokens.newerThan(method, tokens.access_token),
        options.signal,
      );
      // Somebody else has signed in meanwhile: the body names whom this was about.
      if (newer.user_id !== tokens.user_id) throw new CallFailure(method, "signed_out");
      return post(this.#transport, method, body, newer.access_token, options);
    }
  }

  /**
   * Has new tokens given now. Calls do so by themselves, when their access token is no longer good.
   * @throws CallFailure of `authenticate_user`
   */
  async refresh({ signal }: Pick<CallOptions, "signal"> = {}): Promise<void> {
    const method = "authenticate_user";
    const tokens = await this.#tokens.read();
    if (!tokens) throw new CallFailure(method, "signed_out");
    await unlessAborted(method, this.#tokens.newerThan(method, tokens.access_token), signal);
  }

  /**
   * Signs out here at once, and then ends the session at Nest.
   * @throws ClientError<"revoke_token"> if Nest could not be told; here everything is forgotten all the same
   */
  async signOut(options: CallOptions = {}): Promise<void> {
    const tokens = await this.#tokens.forget();
    if (tokens) await this.call("revoke_token", { refresh_token: tokens.refresh_token }, options);
  }

  /**
   * Nest's public keys, for `verifyEntitlement`. They may be kept.
   * @throws CallFailure
   */
  async keys(options: CallOptions = {}): Promise<KeySet> {
    return (await readKeys(this.#transport, options)) as KeySet;
  }

  /** Makes state and verifier and keeps them before anything is sent, so that no link can arrive without them. */
  async #beginLink(address: string): Promise<Omit<Requests["send_magic_link"], "device">> {
    const state = randomString();
    const codeVerifier = randomString();
    const redirectUri = this.#redirectUri;
    await this.#links.add({ state, codeVerifier, redirectUri, askedAt: new Date().toISOString() });
    return {
      client_id: this.#clientId,
      redirect_uri: redirectUri,
      state,
      code_challenge_method: "S256",
      code_challenge: await codeChallenge(codeVerifier),
      identifier_type: "email",
      identifier_value: address,
    };
  }
}

const whoIn = ({ user_id, client_id }: Tokens): SignedIn => ({ userId: user_id, clientId: client_id });

/** Waits for work that others wait for too: an abort ends the wait, not the work. */
async function unlessAborted<Value>(
  method: Method,
  work: Promise<Value>,
  signal: AbortSignal | undefined,
): Promise<Value> {
  if (!signal) return work;
  let stop = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(new CallFailure(method, "aborted", { cause: signal.reason }));
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

import { unlessAborted } from "./abort.ts";
import type { KeySet } from "./entitlement.ts";
import { CallFailure, ErrorAnswer } from "./errors.ts";
import { LinkKeeper, readLink } from "./links.ts";
import { type Device, METHODS, type Method, type Requests, type Responses } from "./methods.ts";
import { codeChallenge, randomString } from "./pkce.ts";
import type { CallArguments, FilledIn } from "./requests.ts";
import { memoryStore, type Store } from "./store.ts";
import { TokenKeeper, type Tokens } from "./tokens.ts";
import { type CallOptions, post, readKeys, type Transport } from "./transport.ts";

export interface NestClientOptions {
  /** The URL of Nest, such as `https://nest.getbeak.app`. */
  url: string;
  /** The id of this program's OAuth client. */
  clientId: string;
  /** Where mailed links lead. Must be a redirect URI of the OAuth client. */
  redirectUri: string;
  /** Where tokens are stored. Default: in memory. */
  store?: Store;
  /** The timeout of each request in milliseconds. Default: 5,000. */
  timeoutMs?: number;
  /** Replaces the global `fetch`, for example with Electron's `net.fetch`. */
  fetch?: typeof fetch;
}

/** The signed-in user. */
export interface SignedIn {
  userId: string;
  clientId: string;
}

/** Signs a user in to Nest and calls its methods. Fields are named as on the wire, and times are ISO 8601 strings. */
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
    // Browsers throw if `fetch` is called as a method of another object.
    const send: typeof fetch = rest.fetch ?? ((...args) => fetch(...args));
    this.#transport = { url: url.replace(/\/+$/, ""), timeoutMs, fetch: send };
    this.#clientId = clientId;
    this.#redirectUri = redirectUri;
    this.#tokens = new TokenKeeper(this.#transport, store, clientId);
    this.#links = new LinkKeeper(store);
  }

  /**
   * Sends a magic link, which signs the user in once, within 20 minutes, in this program only.
   * @param options.device this device, as the desktop app identifies it
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
   * Starts a trial and sends the magic link that opens it.
   * @throws ClientError<"create_trial_and_magic_link">
   */
  async startTrial(address: string, { device, ...options }: CallOptions & { device: Device }): Promise<void> {
    const request = await this.#beginLink(address);
    await this.call("create_trial_and_magic_link", { ...request, device }, options);
  }

  /**
   * Signs in by redeeming a magic link. If the response is lost, call it again with the same link after 5 seconds: Nest
   * then returns the same session.
   * @param link the magic link, the app's own URL, or the text `code=...&state=...` that the link's page shows
   * @returns the user, and the flow: `trial` for the link of a trial, or else null
   * @throws ClientError<"authenticate_user">, of kind unknown_link if the link was not requested with this store
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
    return { ...toSignedIn(tokens), flow: read.flow };
  }

  /** The user whose tokens are stored, or null. Sends no request. */
  async signedIn(): Promise<SignedIn | null> {
    const tokens = await this.#tokens.read();
    return tokens && toSignedIn(tokens);
  }

  /**
   * Calls a method. `client_id`, `redirect_uri` and the `user_id` of the signed-in user are optional. If the access token has
   * expired, the tokens are refreshed once and the call is repeated.
   * @returns the response of the method, or undefined if it has no body
   * @throws ClientError of the method
   */
  async call<M extends Method>(
    method: M,
    ...[request, options = {}]: CallArguments<M>
  ): Promise<Responses[M]> {
    const { bearer, fills } = METHODS[method];
    const tokens = bearer ? await this.#tokens.read() : null;
    if (bearer && !tokens) throw new CallFailure(method, "signed_out");
    const filledIn: Record<FilledIn, string | undefined> = {
      client_id: this.#clientId,
      redirect_uri: this.#redirectUri,
      user_id: tokens?.user_id,
    };
    const body = { ...Object.fromEntries(fills.map((name) => [name, filledIn[name]])), ...request };
    if (!tokens) return post(this.#transport, { method, body, bearer: null }, options);
    try {
      return await post(this.#transport, { method, body, bearer: tokens.access_token }, options);
    } catch (error) {
      if (!(error instanceof ErrorAnswer) || error.code !== "unauthorized") throw error;
      const newer = await unlessAborted(
        method,
        this.#tokens.newerThan(method, tokens.access_token),
        options.signal,
      );
      // Another user has signed in meanwhile, but the body names the previous user.
      if (newer.user_id !== tokens.user_id) throw new CallFailure(method, "signed_out");
      return post(this.#transport, { method, body, bearer: newer.access_token }, options);
    }
  }

  /**
   * Refreshes the tokens now. Calls do this when their access token has expired.
   * @throws CallFailure of `authenticate_user`
   */
  async refresh({ signal }: Pick<CallOptions, "signal"> = {}): Promise<void> {
    const method = "authenticate_user";
    const tokens = await this.#tokens.read();
    if (!tokens) throw new CallFailure(method, "signed_out");
    await unlessAborted(method, this.#tokens.newerThan(method, tokens.access_token), signal);
  }

  /**
   * Deletes the tokens, then ends the session at Nest.
   * @throws ClientError<"revoke_token"> if the session could not be ended; the tokens are deleted anyway
   */
  async signOut(options: CallOptions = {}): Promise<void> {
    const tokens = await this.#tokens.forget();
    if (tokens) await this.call("revoke_token", { refresh_token: tokens.refresh_token }, options);
  }

  /**
   * Reads Nest's public keys for `verifyEntitlement`. The app may store them.
   * @throws CallFailure
   */
  async keys(options: CallOptions = {}): Promise<KeySet> {
    return (await readKeys(this.#transport, options)) as KeySet;
  }

  /** Creates state and code verifier and stores them before the request, so that no link can arrive without them. */
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

const toSignedIn = ({ user_id, client_id }: Tokens): SignedIn => ({ userId: user_id, clientId: client_id });

import { unlessAborted } from "./abort.ts";
import type { KeySet } from "./entitlement.ts";
import { CallFailure, ErrorAnswer } from "./errors.ts";
import { LinkKeeper, type PendingLink } from "./links.ts";
import { type Exclusively, exclusiveAccess } from "./lock.ts";
import { type Device, METHODS, type Method, type Responses } from "./methods.ts";
import { codeChallenge, randomString } from "./pkce.ts";
import type { Asked, CallArguments, FilledIn } from "./requests.ts";
import { redeemLink } from "./sign_in.ts";
import { memoryStore, type Store } from "./store.ts";
import type { Tokens } from "./stored_tokens.ts";
import { TokenKeeper } from "./tokens.ts";
import { type CallOptions, post, readKeys, SIGN_IN, type Transport } from "./transport.ts";

export interface NestClientOptions {
  /** The URL of Nest, such as `https://nest.getbeak.app`. */
  url: string;
  /** The id of this program's OAuth client. */
  clientId: string;
  /** Where mailed links lead. Must be a redirect URI of the OAuth client. */
  redirectUri: string;
  /** Where tokens are stored. Default: in memory. */
  store?: Store;
  /** The timeout of each request, and of the wait for the store's lock, in milliseconds. Default: 5,000. */
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
  readonly #redirectUri: string;
  readonly #tokens: TokenKeeper;
  readonly #links: LinkKeeper;
  readonly #exclusively: Exclusively;

  constructor({
    url,
    clientId,
    redirectUri,
    store = memoryStore(),
    timeoutMs = 5_000,
    ...rest
  }: NestClientOptions) {
    // Browsers throw if `fetch` is called as a method of another object.
    const send: typeof fetch = (...args) => (rest.fetch ?? fetch)(...args);
    this.#transport = { url: url.replace(/\/+$/, ""), timeoutMs, fetch: send, clientId };
    this.#redirectUri = redirectUri;
    this.#exclusively = exclusiveAccess(store, timeoutMs);
    this.#tokens = new TokenKeeper(this.#transport, store, this.#exclusively);
    this.#links = new LinkKeeper(store);
  }

  /**
   * Sends a magic link, which signs the user in once, within 20 minutes, in this program only.
   * @param options.device this device, as the desktop app identifies it
   * @throws ClientError<"send_magic_link">
   */
  async sendMagicLink(address: string, options: CallOptions & { device?: Device } = {}): Promise<void> {
    await this.#mailLink("send_magic_link", address, options);
  }

  /**
   * Starts a trial and sends the magic link that opens it.
   * @throws ClientError<"create_trial_and_magic_link">
   */
  async startTrial(address: string, options: CallOptions & { device: Device }): Promise<void> {
    await this.#mailLink("create_trial_and_magic_link", address, options);
  }

  /**
   * Signs in by redeeming a magic link. If the response is lost, call it again with the same link after 5 seconds: Nest
   * then returns the same session. A link that has just signed in is not redeemed again: the user is returned.
   * @param link the magic link, the app's own URL, the text that the link's page shows, or any text that contains one of
   *   these, such as the whole mail
   * @returns the user, and the flow: `trial` for the link of a trial, or else null
   * @throws ClientError<"authenticate_user">, of kind unknown_link if the link was not requested with this store
   */
  async finishSignIn(
    link: string | URL,
    options: CallOptions = {},
  ): Promise<SignedIn & { flow: string | null }> {
    const exchange = (code: string, { redirectUri, codeVerifier }: PendingLink) => {
      const grant = { grant_type: "authorization_code", code, code_verifier: codeVerifier } as const;
      return this.call(SIGN_IN, { ...grant, redirect_uri: redirectUri }, options);
    };
    const redeemed = this.#exclusively(
      () => redeemLink(this.#tokens, this.#links, String(link), exchange),
      options.timeoutMs,
    );
    const { tokens, flow } = await unlessAborted(SIGN_IN, redeemed, options.signal);
    return { ...toSignedIn(tokens), flow };
  }

  /** The user whose tokens are stored, or null. Sends no request. @throws the store's errors */
  async signedIn(): Promise<SignedIn | null> {
    const tokens = await this.#tokens.current();
    return tokens && toSignedIn(tokens);
  }

  /**
   * Calls a method. `client_id`, `redirect_uri` and the `user_id` of the signed-in user are optional. If the access token has
   * expired, the tokens are refreshed once and the call is repeated.
   * @returns the response of the method, or undefined if it has no body
   * @throws ClientError of the method; the store's errors
   */
  async call<M extends Method>(
    method: M,
    ...[request, options = {}]: CallArguments<M>
  ): Promise<Responses[M]> {
    const { bearer, fills } = METHODS[method];
    const tokens = bearer ? await this.#tokens.forCall(method, options.timeoutMs) : null;
    const known: Record<FilledIn, string | undefined> = {
      client_id: this.#transport.clientId,
      redirect_uri: this.#redirectUri,
      user_id: tokens?.user_id,
    };
    const filledIn = fills.split(" ").map((name) => [name, known[name as FilledIn]]);
    const body = { ...Object.fromEntries(filledIn), ...request };
    const send = (bearer?: string) => post(this.#transport, { method, body, bearer }, options);
    if (!tokens) return send();
    try {
      return await send(tokens.access_token);
    } catch (error) {
      if (!(error instanceof ErrorAnswer) || error.code !== "unauthorized") throw error;
      const newer = await this.#tokens.newerThan(method, tokens.access_token, options);
      // Another user has signed in meanwhile, but the body names the previous user.
      if (newer.user_id !== tokens.user_id) throw new CallFailure(method, "signed_out");
      return send(newer.access_token);
    }
  }

  /**
   * Refreshes the tokens now. Calls do this when their access token has expired.
   * @throws CallFailure of `authenticate_user`
   */
  async refresh(options: CallOptions = {}): Promise<void> {
    const tokens = await this.#tokens.forCall(SIGN_IN);
    await this.#tokens.newerThan(SIGN_IN, tokens.access_token, options);
  }

  /**
   * Deletes the tokens, then ends the session at Nest.
   * @throws ClientError<"revoke_token"> if the session could not be ended; the tokens are deleted anyway. The store's
   *   errors: then nothing is deleted
   */
  async signOut(options: CallOptions = {}): Promise<void> {
    const tokens = await this.#tokens.forget(options.timeoutMs);
    if (tokens) await this.call("revoke_token", { refresh_token: tokens.refresh_token }, options);
  }

  /**
   * Reads Nest's public keys for `verifyEntitlement`. The app may store them.
   * @throws CallFailure
   */
  async keys(options: CallOptions = {}): Promise<KeySet> {
    return readKeys(this.#transport, options);
  }

  /** Creates state and code verifier and stores them before the request, so that no link can arrive without them. */
  async #mailLink<M extends "send_magic_link" | "create_trial_and_magic_link">(
    method: M,
    address: string,
    { device, ...options }: CallOptions & { device?: Device },
  ): Promise<void> {
    const state = randomString();
    const codeVerifier = randomString();
    const link = { state, codeVerifier, redirectUri: this.#redirectUri, askedAt: new Date().toISOString() };
    const adding = this.#exclusively(() => this.#links.replace(state, link), options.timeoutMs);
    await unlessAborted(method, adding, options.signal);
    const request = {
      state,
      code_challenge_method: "S256",
      code_challenge: await codeChallenge(codeVerifier),
      identifier_type: "email",
      identifier_value: address,
      device,
    };
    await this.call(method, request as Asked<M>, options);
  }
}

const toSignedIn = ({ user_id, client_id }: Tokens): SignedIn => ({ userId: user_id, clientId: client_id });

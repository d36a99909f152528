import { unlessAborted } from "./abort.ts";
import { baseWithNamedMethods } from "./base.ts";
import { callMethod } from "./calls.ts";
import { type Cased, renamed, toCamel, toWire } from "./casing.ts";
import type { KeySet } from "./entitlement.ts";
import { LinkKeeper, type PendingLink } from "./links.ts";
import { type Exclusively, exclusiveAccess } from "./lock.ts";
import type { Device, Method, Responses } from "./methods.ts";
import type { NestClientOptions } from "./options.ts";
import { codeChallenge, randomString } from "./pkce.ts";
import type { CallArguments, MethodRequest } from "./requests.ts";
import { SessionListeners, type SignedIn, toSignedIn } from "./session.ts";
import { areTokens, keepTokens, redeemLink, redeemUserCode, withOwnRefreshToken } from "./sign_in.ts";
import { memoryStore } from "./store.ts";
import { inBody, requireTokens, type Tokens } from "./stored_tokens.ts";
import { TokenKeeper } from "./tokens.ts";
import { type CallOptions, readKeys, SIGN_IN, type Transport } from "./transport.ts";

const Base = /* @__PURE__ */ baseWithNamedMethods();

/**
 * Signs a user in to Nest and calls its methods. Fields are named as on the wire, or in camelCase with the option
 * `camelCase`. Times are ISO 8601 strings.
 */
export class NestClient<IsCamel extends boolean = false> extends Base<IsCamel> {
  readonly #transport: Transport;
  readonly #redirectUri: string;
  readonly #isCamel: boolean;
  readonly #listeners: SessionListeners;
  readonly #tokens: TokenKeeper;
  readonly #links: LinkKeeper;
  readonly #exclusively: Exclusively;

  constructor({
    url,
    clientId,
    redirectUri,
    store = memoryStore(),
    timeoutMs = 5_000,
    camelCase,
    cookies,
    ...rest
  }: NestClientOptions<IsCamel>) {
    super();
    // Browsers throw if `fetch` is called as a method of another object.
    const send: typeof fetch = (...args) => (rest.fetch ?? fetch)(...args);
    const hasCookies = cookies === true;
    this.#transport = { url: url.replace(/\/+$/, ""), timeoutMs, fetch: send, clientId, hasCookies };
    this.#redirectUri = redirectUri;
    this.#isCamel = camelCase === true;
    this.#listeners = new SessionListeners(store);
    this.#exclusively = exclusiveAccess(store, timeoutMs);
    this.#tokens = new TokenKeeper(this.#transport, store, this.#exclusively, this.#listeners);
    this.#links = new LinkKeeper(store);
  }

  /**
   * Sends a magic link, which signs the user in once, within 20 minutes, in this program only.
   * @param options.device this device, as the desktop app identifies it
   * @throws ClientError<"send_magic_link">
   */
  async sendMagicLink(
    address: string,
    options: CallOptions & { device?: Cased<Device, IsCamel> } = {},
  ): Promise<void> {
    await this.#mailLink("send_magic_link", address, options);
  }

  /**
   * Starts a trial and sends the magic link that opens it.
   * @throws ClientError<"create_trial_and_magic_link">
   */
  async startTrial(
    address: string,
    options: CallOptions & { device: Cased<Device, IsCamel> },
  ): Promise<void> {
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
      return this.#exchange({ ...grant, redirect_uri: redirectUri }, options);
    };
    const redeemed = this.#exclusively(
      () => redeemLink(this.#tokens, this.#links, String(link), exchange),
      options.timeoutMs,
    );
    const { tokens, flow } = await unlessAborted(SIGN_IN, redeemed, options.signal);
    return { ...toSignedIn(tokens), flow };
  }

  /**
   * Signs in with the code of eight characters that the mail of the newest link shows, for people who read it on another device. The
   * OAuth client must have `userCode`.
   * @param userCode as the user typed it
   * @throws ClientError<"authenticate_user">, of kind unknown_link if no link was requested with this store
   */
  async signInWithUserCode(userCode: string, options: CallOptions = {}): Promise<SignedIn> {
    const exchange = ({ nonce, codeVerifier, redirectUri }: PendingLink) => {
      const grant = { grant_type: "authorization_code", nonce, user_code: userCode } as const;
      return this.#exchange({ ...grant, code_verifier: codeVerifier, redirect_uri: redirectUri }, options);
    };
    const redeeming = this.#exclusively(
      () => redeemUserCode(this.#tokens, this.#links, exchange),
      options.timeoutMs,
    );
    return toSignedIn(await unlessAborted(SIGN_IN, redeeming, options.signal));
  }

  /**
   * Signs in without a link, such as with a code of `send_otp`. With the grant `mfa` and the token of `create_mfa_challenge`, makes the
   * session fresh.
   * @throws ClientError<"authenticate_user">; the store's errors: then nothing was sent, or the next call stores the tokens
   */
  async signIn(
    grant: MethodRequest<"authenticate_user", IsCamel>,
    options: CallOptions = {},
  ): Promise<SignedIn> {
    const exchange = () => this.#exchange(this.#toWire(grant), options);
    const keeping = this.#exclusively(() => keepTokens(this.#tokens, exchange), options.timeoutMs);
    return toSignedIn(await unlessAborted(SIGN_IN, keeping, options.signal));
  }

  /**
   * Registers a user. Depending on the OAuth client, the user is signed in, or a code was sent: `signIn` takes it with the
   * nonce of `verification` and the grant `otp`.
   * @returns `user` is null if nobody is signed in yet
   * @throws ClientError<"register_user">; the store's errors, as `signIn`
   */
  async signUp(
    request: MethodRequest<"register_user", IsCamel>,
    options: CallOptions = {},
  ): Promise<{
    user: SignedIn | null;
    verification: Cased<Responses["register_user"]["verification"], IsCamel>;
  }> {
    const { hasCookies } = this.#transport;
    const asked = this.#toWire(request) as { options?: object };
    const wire = hasCookies ? { ...asked, options: { ...asked.options, set_cookie: true } } : asked;
    const exchange = async () => {
      const answer = await this.#send("register_user", wire, options);
      if (!answer.access_token) return answer;
      return { ...answer, ...requireTokens(answer as Responses["authenticate_user"], hasCookies) };
    };
    const keeping = this.#exclusively(() => keepTokens(this.#tokens, exchange), options.timeoutMs);
    const answer = await unlessAborted("register_user", keeping, options.signal);
    return {
      user: areTokens(answer) ? toSignedIn(answer) : null,
      verification: this.#toCaller(answer.verification),
    };
  }

  /** The user whose tokens are stored, or null. Sends no request. @throws the store's errors */
  async signedIn(): Promise<SignedIn | null> {
    const tokens = await this.#tokens.current();
    return tokens && toSignedIn(tokens);
  }

  /**
   * Calls a listener with the signed-in user, or null: soon after this call, and when another user is signed in, or no
   * user. With `webStore`, also when another tab signs in or out. Otherwise a change by another client of the store is
   * noticed at the next call of this client.
   * @param onError is called if the store can't be read: the listener then waits until it can be
   * @returns a function that ends the calls
   */
  onSessionChange(
    listener: (user: SignedIn | null) => void,
    onError: (error: unknown) => void = () => undefined,
  ): () => void {
    return this.#listeners.listen(listener, onError, () => this.#tokens.current());
  }

  /**
   * Calls a method. `client_id` and `redirect_uri` are optional, and so is the `user_id` of the signed-in user, except in methods
   * that can change another user. If the access token has expired, the tokens are refreshed once and the call is repeated.
   * @returns the response of the method, or undefined if it has no body
   * @throws ClientError of the method; the store's errors; TypeError if a required `user_id` is missing
   */
  async call<M extends Method>(
    method: M,
    ...[request, options]: CallArguments<M, IsCamel>
  ): Promise<Cased<Responses[M], IsCamel>> {
    const answer = await this.#send(method, this.#toWire(request), options);
    return this.#toCaller(answer);
  }

  #toCaller<Value>(value: Value): Cased<Value, IsCamel> {
    return (this.#isCamel ? renamed(value, toCamel) : value) as Cased<Value, IsCamel>;
  }

  #toWire(value: unknown): object {
    return (this.#isCamel ? renamed(value, toWire) : value) as object;
  }

  #send<M extends Method>(method: M, request: object, options?: CallOptions): Promise<Responses[M]> {
    const sender = { transport: this.#transport, redirectUri: this.#redirectUri, tokens: this.#tokens };
    return callMethod(sender, method, request, options);
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
    if (tokens) await this.#send("revoke_token", { refresh_token: inBody(tokens.refresh_token) }, options);
  }

  /**
   * Reads Nest's public keys for `verifyEntitlement`. The app may store them.
   * @throws CallFailure
   */
  async keys(options: CallOptions = {}): Promise<KeySet> {
    return readKeys(this.#transport, options);
  }

  /** Redeems a grant. Whatever default the client's app file has for cookies, the option of this client decides. */
  async #exchange(grant: object, options: CallOptions): Promise<Tokens> {
    const { hasCookies } = this.#transport;
    const answer = await this.#send(SIGN_IN, { ...grant, set_cookie: hasCookies }, options);
    return requireTokens(hasCookies ? answer : await withOwnRefreshToken(this.#tokens, answer), hasCookies);
  }

  /** Creates state and code verifier and stores them before the request, so that no link can arrive without them. */
  async #mailLink<M extends "send_magic_link" | "create_trial_and_magic_link">(
    method: M,
    address: string,
    { device, ...options }: CallOptions & { device?: Cased<Device, IsCamel> },
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
      device: this.#toWire(device),
    };
    const answer: Partial<Responses["send_magic_link"]> | undefined = await this.#send(
      method,
      request,
      options,
    );
    const nonce = answer?.nonce;
    if (!nonce) return;
    // The link works without it.
    await this.#exclusively(() => this.#links.keepNonce(state, nonce), options.timeoutMs).catch(
      () => undefined,
    );
  }
}

import { createHash } from "node:crypto";
import app from "#app";
import { digitsIn } from "#tests/support/codes.ts";
import { addIdentifier, phone } from "#tests/support/identifiers.ts";
import { appCode, type Enrolled, enrol, presentFactor } from "#tests/support/mfa.ts";
import { BUSY_MACHINE, linkIn, NATIVE, startNest, type TestNest, type Tokens } from "#tests/support/nest.ts";
import { linkAccount } from "#tests/support/oauth.ts";
import { Authenticator, addPasskey, verifyPasskey } from "#tests/support/passkeys.ts";
import { V3 } from "#tests/support/plans.ts";
import { withSampleClients } from "#tools/local/sample_clients.ts";

/** Where adapters say that they are. */
export const ISSUER = "https://nest.test";
export const ADA = "ada@example.com";
export const ADAS_PHONE = "+6591234567";
/** Her account at a provider, which she has linked. */
export const ADAS_ACCOUNT = { sub: "ada", email: ADA, email_verified: true, name: "Ada" };

/** A request of any API. */
export interface Sent {
  verb?: string;
  query?: Record<string, string>;
  /** Sent as a form if it is `URLSearchParams`, else as JSON. */
  body?: object;
  headers?: Record<string, string>;
}

/** Everything that a caller gets. */
export interface Answer {
  status: number;
  body: string;
  headers: Record<string, string>;
  cookies: readonly string[];
}

const everything = ({ body, headers, cookies }: Answer): string =>
  [body, JSON.stringify(headers), ...cookies].join("\n");

/** Whether a response contains an access token, which is a JWT, or a refresh token, in its body, its headers or its cookies. */
export const hasTokens = (answer: Answer): boolean =>
  /eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}|reftok_\w+(?:\.|%2E)\w+/i.test(everything(answer));

/** Whether a response asks for the second factor, which it does only after a right first factor. */
export const asksForFactor = (answer: Answer): boolean =>
  /mfa_required|second step|second factor/.test(everything(answer));

/** A user with a password, an address, a phone number, an account at a provider, an authenticator app and a passkey, and the means to get their secrets. */
export class Walk {
  readonly nest: TestNest;
  readonly ada: Enrolled;
  readonly passkey = new Authenticator();

  private constructor(nest: TestNest, ada: Enrolled) {
    this.nest = nest;
    this.ada = ada;
  }

  static async start(): Promise<Walk> {
    const nest = await startNest({ app: withSampleClients(app, ISSUER), slowdown: BUSY_MACHINE });
    const walk = new Walk(nest, await enrol(nest, ADA));
    await addIdentifier(nest, walk.ada.tokens, phone(ADAS_PHONE));
    const tokens = await walk.session();
    const created = await addPasskey(nest, tokens);
    const credential = walk.passkey.create(created.body.passkey_options);
    const verified = await verifyPasskey(nest, tokens, created.body.factor_id, credential);
    if (verified.status !== 200) throw new Error(`verify_mfa_factor answered ${verified.raw}`);
    await linkAccount(nest, tokens.access_token, ADAS_ACCOUNT, { client_id: NATIVE });
    return walk;
  }

  /** Sends a request through API Gateway's routing. */
  async send(path: string, { verb = "POST", query, body, headers = {} }: Sent = {}): Promise<Answer> {
    const isForm = body instanceof URLSearchParams;
    const result = await this.nest.gateway.invoke({
      ...{ method: verb, path, ip: "203.0.113.9", query: new URLSearchParams(query).toString() },
      headers: {
        "content-type": isForm ? "application/x-www-form-urlencoded" : "application/json",
        ...headers,
      },
      body: body && Buffer.from(isForm ? body.toString() : JSON.stringify(body)),
    });
    return {
      status: result.statusCode ?? 0,
      body: result.body ?? "",
      headers: result.headers as Record<string, string>,
      cookies: result.cookies ?? [],
    };
  }

  /** Calls a method of 2026-12-01. @throws Error for any other response than 200 */
  async ask(method: string, body: object, headers: Record<string, string> = {}) {
    const answer = await this.send(`${V3}${method}`, { body, headers });
    if (answer.status !== 200) throw new Error(`${method} answered ${answer.status} ${answer.body}`);
    return JSON.parse(answer.body);
  }

  get internal() {
    return { authorization: `internal ${this.nest.secrets.internalKey}` };
  }

  /** The code that the authenticator app shows. Another one than before, since the clock moves on. */
  code(): string {
    this.nest.clock.advance(61);
    return appCode(this.ada.seed, this.nest.clock.now());
  }

  /** A new session of the user, who presented both factors. */
  async session(): Promise<Tokens> {
    const challenge = await this.challenge();
    const proof = { factor_id: this.ada.factorId, code: this.code() };
    const { status, body, raw } = await presentFactor(this.nest, challenge, proof);
    if (status !== 200) throw new Error(`the second factor answered ${raw}`);
    return body;
  }

  /** The token of a challenge: the link was right, which takes less time than a password. */
  async challenge(): Promise<string> {
    this.nest.clock.advance(61);
    const code = await this.nest.emailedCode({ identifier_value: ADA, client_id: NATIVE });
    return (await this.nest.redeem(code, { client_id: NATIVE })).body.meta.mfa_token;
  }

  /** Sends a code by mail or SMS. @returns it with its nonce */
  async sentCode(
    client_id: string,
    by: "email" | "phone" = "email",
  ): Promise<{ nonce: string; code: string }> {
    this.nest.clock.advance(61);
    const identifier_value = by === "email" ? ADA : ADAS_PHONE;
    const { nonce } = await this.ask("send_otp", { client_id, identifier_type: by, identifier_value });
    const { text } = by === "email" ? this.nest.lastMail(ADA) : this.nest.lastSms(ADAS_PHONE);
    return { nonce, code: digitsIn(text) };
  }

  /** Sends a link that signs in. @returns its secret */
  async linkToken(client_id: string, redirect_uri?: string): Promise<string> {
    this.nest.clock.advance(61);
    const asked = {
      client_id,
      identifier_type: "email",
      identifier_value: ADA,
      delivery: "link",
      redirect_uri,
    };
    await this.ask("send_otp", asked);
    return secretIn(linkIn(this.nest.lastMail(ADA)));
  }

  /** The secret of a link for a new password. */
  async resetToken(client_id: string): Promise<string> {
    const asked = { client_id, identifier_type: "email", identifier_value: ADA };
    return (await this.ask("create_password_reset", asked, this.internal)).token;
  }

  /** Asks to verify another address of the user. @returns the secrets of the message */
  async verification(client_id: string, delivery: "code" | "link", redirect_uri?: string) {
    const { access_token } = await this.session();
    const identifier_value = `${createHash("sha256").update(access_token).digest("hex").slice(0, 9)}@example.com`;
    const asked = { client_id, identifier_type: "email", identifier_value, delivery, redirect_uri };
    const { nonce } = await this.ask("send_verification", asked, { authorization: `bearer ${access_token}` });
    const mail = this.nest.lastMail(identifier_value);
    return delivery === "code" ? { nonce, code: digitsIn(mail.text) } : { token: secretIn(linkIn(mail)) };
  }

  /** Signs in on a device that the user did not have. @returns the secret of the link that ends that session */
  async disownToken(): Promise<string> {
    const { nest } = this;
    nest.clock.advance(61);
    const device = { platform: "mac", beak_id: `device ${nest.clock.now().getTime()}`, fingerprint: "f" };
    const code = await nest.emailedCode({ identifier_value: ADA, client_id: NATIVE, device });
    const { body } = await nest.redeem(code, { client_id: NATIVE });
    const proof = { factor_id: this.ada.factorId, code: this.code() };
    const { status, raw } = await presentFactor(nest, body.meta.mfa_token, proof);
    if (status !== 200) throw new Error(`the second factor answered ${raw}`);
    return /[?&]disown=([0-9a-f]{64})/.exec(nest.lastMail(ADA).text)?.[1] ?? "";
  }
}

/** The secret of a link: in its query, or at the end of its path. */
export const secretIn = ({ searchParams, pathname }: URL): string =>
  searchParams.get("token") ?? searchParams.get("code") ?? pathname.split("/").at(-1) ?? "";

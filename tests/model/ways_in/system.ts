import { type Account, type Address, accountOf, isMail } from "#tests/model/ways_in/state.ts";
import {
  codeIn,
  linkRequest,
  NATIVE,
  REDIRECT,
  type Reply,
  SIMPLE,
  type TestNest,
} from "#tests/support/nest.ts";
import { VERIFIER as OAUTH_VERIFIER, startBody } from "#tests/support/oauth.ts";
import { V3 } from "#tests/support/plans.ts";

export const CLIENTS = { native: NATIVE, simple: SIMPLE } as const;

/** Moves by a millisecond at each look while a call runs, so that no two moments are equal, and by what a test adds. */
export interface WaysInClock {
  now(): Date;
  advance(seconds: number): void;
  /** Stands still while the test looks. */
  isStanding: boolean;
}

export function waysInClock(): WaysInClock {
  let now = Math.ceil(Date.now() / 1000) * 1000;
  const clock: WaysInClock = {
    isStanding: false,
    now() {
      if (!clock.isStanding) now++;
      return new Date(now);
    },
    advance(seconds) {
      now += seconds * 1000;
    },
  };
  return clock;
}

interface SessionTokens {
  access: string;
  refresh: string;
  client: string;
  userId: string;
}

/** A second factor as its owner holds it. */
interface HeldFactor {
  id: string;
  /** The seed of an authenticator app. */
  seed: string | null;
}

let histories = 0;

/** The programs of all people, with the secrets that they keep, by the name of the step that got them. */
export class WaysInUnderTest {
  readonly nest: TestNest;
  readonly history: string[] = [];
  readonly #number = ++histories;
  readonly tokens = new Map<string, SessionTokens>();
  readonly nonces = new Map<string, string>();
  /** What the reader of a message presents. */
  readonly codes = new Map<string, string>();
  readonly links = new Map<string, string>();
  readonly factors = new Map<string, HeldFactor>();
  readonly mfaTokens = new Map<string, string>();
  /** What the response to a first factor offered, by challenge. */
  readonly offered = new Map<string, readonly string[]>();
  /** The step that last requested a code for a factor of a challenge. */
  readonly lastSent = new Map<string, string>();
  readonly recoveryCodes = new Map<string, readonly string[]>();
  readonly visits = new Map<string, string>();
  /** Sessions whose access token a call of the newest command has presented. */
  readonly usedBearers = new Set<string>();
  /** Sessions whose token was refused. */
  readonly ended = new Set<string>();
  /** Every password that somebody chose, oldest first. */
  readonly passwords: string[] = [];

  constructor(nest: TestNest) {
    this.nest = nest;
  }

  value(address: Address): string {
    if (isMail(address)) return `${address}${this.#number}@example.com`.toLowerCase();
    return `+659${address === "annPhone" ? 1 : 2}${String(this.#number).padStart(6, "0")}`;
  }

  named(address: Address) {
    return { identifier_type: isMail(address) ? "email" : "phone", identifier_value: this.value(address) };
  }

  choosePassword(): string {
    const chosen = `long enough passphrase ${this.passwords.length + 1}`;
    this.passwords.push(chosen);
    return chosen;
  }

  bearer(session: string): string {
    this.usedBearers.add(session);
    return this.tokens.get(session)?.access ?? "";
  }

  clientOf(session: string): string {
    return this.tokens.get(session)?.client ?? NATIVE;
  }

  /** @returns `200` for any success, else the error code */
  async call(
    method: string,
    body: object,
    as: { bearer?: string; internal?: boolean } = {},
  ): Promise<[string, Reply]> {
    const reply = await this.nest.call(`${V3}${method}`, body, as);
    return [reply.status < 300 ? "200" : reply.body.code, reply];
  }

  /** Presents a grant. Keeps the tokens or the challenge of the response. */
  async authenticate(name: string, grant: object, clientId: string = NATIVE): Promise<string> {
    const [code, { body }] = await this.call("authenticate_user", { client_id: clientId, ...grant });
    if (code === "200") this.keepTokens(name, body);
    if (code === "mfa_required") {
      this.mfaTokens.set(name, body.meta.mfa_token);
      this.offered.set(name, idsOf(body.meta.factors));
    }
    return code;
  }

  keepTokens(name: string, body: Reply["body"]): void {
    const { access_token: access, client_id: client, user_id: userId } = body;
    const refresh = body.refresh_token ?? this.tokens.get(name)?.refresh ?? "";
    this.tokens.set(name, { access, refresh, client, userId });
  }

  /** Calls a method that sends a message, and keeps the nonce of the response. */
  async send(name: string, method: string, body: object, as: { bearer?: string } = {}): Promise<string> {
    const [code, reply] = await this.call(method, body, as);
    const nonce = reply.body?.nonce ?? reply.body?.verification?.nonce;
    if (code === "200" && nonce) this.nonces.set(name, nonce);
    return code;
  }

  requestLink(name: string, address: Address): Promise<string> {
    const { device: _none, ...asked } = linkRequest({
      client_id: NATIVE,
      state: "s",
      ...this.named(address),
    });
    return this.send(name, "send_magic_link", asked);
  }

  /** Visits a provider as the owner of an account. @returns the error of the visit, or of the call that begins it; else `200` */
  async visit(
    name: string,
    account: Account,
    asked: { client: string; link?: { bearer: string } },
  ): Promise<string> {
    const { provider, mail, isVerified } = accountOf(account);
    const start = { client_id: asked.client, provider, redirect_uri: REDIRECT };
    const body = startBody({ ...start, intent: asked.link ? "link" : "sign_in" });
    const [code, { body: started }] = await this.call("start_oauth", body, { ...asked.link });
    if (code !== "200") return code;
    const owner = { sub: `${account}-${this.#number}`, name: "Somebody", email_verified: isVerified };
    const email = mail && { email: this.value(mail) };
    const { url, form } = this.nest.oauth.visit(started.authorization_url, { ...owner, ...email });
    if (form !== null) throw new Error("these providers bring a query");
    const { pathname, search } = new URL(url);
    const query = search.slice(1);
    const back = await this.nest.gateway.invoke({
      ...{ method: "GET", path: pathname, query, ip: "203.0.113.9", headers: {}, body: undefined },
    });
    const found = new URL(String(back.headers?.location)).searchParams;
    const visited = found.get("code");
    if (visited !== null) this.visits.set(name, visited);
    return found.get("error") ?? "200";
  }

  /** What a client presents with the code of a visit. */
  visited(name: string) {
    return { code: this.visits.get(name), redirect_uri: REDIRECT, code_verifier: OAUTH_VERIFIER };
  }

  subjectOf(account: Account): string {
    return `${account}-${this.#number}`;
  }

  /** The code that was sent, or another one. A message that showed none has no right one. */
  codeOf(key: string, isRight: boolean): string {
    const code = this.codes.get(key) ?? "000000";
    return isRight ? code : otherCode(code);
  }

  /** The code or the token that a message shows. Messages without a secret show none. */
  readMessage(key: string, to: Address, from: { mail: number; sms: number }): void {
    const { ses, sns } = this.nest;
    const texts = isMail(to)
      ? ses.inbox.slice(from.mail).filter((one) => one.to === this.value(to))
      : sns.inbox.slice(from.sms).filter((one) => one.to === this.value(to));
    for (const one of texts) {
      const code = /\b(\d{6})\b/.exec(one.text.replace(/https:\S+/g, ""))?.[1];
      if (code !== undefined) this.codes.set(key, code);
      if ("subject" in one && one.text.includes("authzcode_")) this.links.set(key, codeIn(one));
      const token = tokenIn(one.text);
      if (token !== undefined) this.links.set(key, token);
    }
  }
}

/** Another code than a right one. */
const otherCode = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, "0");

const idsOf = (factors: readonly { id: string }[]) => factors.map(({ id }) => id).sort();

/** The token of a link that signs in, verifies or resets. Links of other mails have another flow. */
function tokenIn(text: string): string | undefined {
  const links = text.match(/https?:\S+/g) ?? [];
  const link = links.find((one) => /[?&]flow=(sign_in|reset_password)/.test(one));
  return /[?&]token=([0-9a-f]{64})/.exec(link ?? "")?.[1];
}

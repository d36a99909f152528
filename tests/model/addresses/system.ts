import type { Person, Purpose } from "#tests/model/addresses/state.ts";
import {
  CHALLENGE,
  codeIn,
  NATIVE,
  REDIRECT,
  type Reply,
  type TestClock,
  type TestNest,
  type Tokens,
  VERIFIER,
} from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";

const IPS = { owner: "203.0.113.1", stranger: "203.0.113.2" } as const;

/** A clock that moves by a millisecond at each look, so that no two moments are equal, and by what a test adds. */
export function tickingClock(): TestClock {
  let now = Math.ceil(Date.now() / 1000) * 1000;
  return {
    now: () => new Date(++now),
    advance: (seconds) => {
      now += seconds * 1000;
    },
  };
}

/** Each person's programs, with the secrets that they keep: nonces and tokens by the name of the step that got them. */
export class AddressUnderTest {
  readonly nest: TestNest;
  readonly address: string;
  readonly history: string[] = [];
  readonly nonces = new Map<string, string>();
  readonly tokens = new Map<string, Tokens>();
  /** What the mail of a step contains that its reader presents. */
  readonly secrets = new Map<string, string>();
  /** The passwords that each person has chosen, oldest first. */
  readonly passwords: Record<Person, string[]> = { owner: [], stranger: [] };

  constructor(nest: TestNest, address: string) {
    this.nest = nest;
    this.address = address;
  }

  /** @returns `200` for any success, else the error code */
  async call(method: string, person: Person, body: object, bearer?: string): Promise<[string, Reply]> {
    const options = { ip: IPS[person], ...(bearer !== undefined && { bearer }) };
    const reply = await this.nest.call(`${V3}${method}`, body, options);
    return [reply.status < 300 ? "200" : reply.body.code, reply];
  }

  get named() {
    return { identifier_type: "email", identifier_value: this.address };
  }

  choosePassword(person: Person): string {
    const chosen = `${person} chose passphrase ${this.passwords[person].length + 1}`;
    this.passwords[person].push(chosen);
    return chosen;
  }

  /** Keeps the tokens or the nonce of a response. */
  keep(name: string, { body }: Reply): void {
    if (body.access_token) this.tokens.set(name, body);
    const nonce = body.nonce ?? body.verification?.nonce;
    if (nonce) this.nonces.set(name, nonce);
  }

  /** The client that a step used. */
  clientOf(name: string): string {
    return this.tokens.get(name)?.client_id ?? NATIVE;
  }

  async authenticate(
    name: string,
    person: Person,
    grant: object,
    clientId: string = NATIVE,
  ): Promise<string> {
    const [code, reply] = await this.call("authenticate_user", person, { client_id: clientId, ...grant });
    if (code === "200") this.keep(name, reply);
    return code;
  }

  /** Sends a message to the address. */
  async send(name: string, method: string, person: Person, body: object, bearer?: string): Promise<string> {
    const [code, reply] = await this.call(method, person, { client_id: NATIVE, ...body }, bearer);
    if (code === "200" && reply.body) this.keep(name, reply);
    return code;
  }

  requestLink(name: string, person: Person): Promise<string> {
    const challenge = { code_challenge_method: "S256", code_challenge: CHALLENGE };
    const asked = { redirect_uri: REDIRECT, state: "s", ...challenge, ...this.named };
    return this.send(name, "send_magic_link", person, asked);
  }

  /**
   * Presents the secret of a mail that the owner reads, with the owner's nonce if it is a code.
   * @returns `200` or `refused`, since links tell why and codes do not
   */
  async redeem(name: string, of: string, purpose: Purpose, how: { password: string; bearer?: string }) {
    const code = await this.#present(name, of, purpose, how);
    return code === "200" ? code : "refused";
  }

  async #present(name: string, of: string, purpose: Purpose, how: { password: string; bearer?: string }) {
    const secret = this.secrets.get(of) ?? "000000";
    const isToken = secret.length === 64;
    const shown = isToken ? { token: secret } : { nonce: this.nonces.get(of) ?? "", code: secret };
    if (purpose === "magic_link") {
      const grant = { grant_type: "authorization_code", redirect_uri: REDIRECT, code_verifier: VERIFIER };
      return this.authenticate(name, "owner", { ...grant, code: secret });
    }
    if (purpose === "sign_in" || purpose === "register")
      return this.authenticate(name, "owner", { grant_type: "otp", ...shown });
    const { password, bearer } = how;
    const clientId = { client_id: this.clientOf(of) };
    const [code] =
      purpose === "reset_password"
        ? await this.call("reset_password", "owner", { ...clientId, ...shown, password })
        : await this.call("verify_identifier", "owner", { ...clientId, ...shown }, bearer);
    return code;
  }

  /** Stores what the newest mail since `from` shows. A mail without a secret, such as to an unknown address, shows none. */
  readMail(name: string, purpose: Purpose, isByToken: boolean, from: number): void {
    const mails = this.nest.ses.inbox.slice(from).filter(({ to }) => to === this.address);
    const found = mails.map((mail) => {
      if (purpose === "magic_link") return mail.text.includes("authzcode_") ? codeIn(mail) : undefined;
      return isByToken ? tokenIn(mail.text) : /\b(\d{6})\b/.exec(mail.text)?.[1];
    });
    const secret = found.find((one) => one !== undefined);
    if (secret !== undefined) this.secrets.set(name, secret);
  }
}

/** The token of a link that verifies the address or resets the password. Links of other mails have another flow. */
function tokenIn(text: string): string | undefined {
  const links = text.match(/https?:\S+/g) ?? [];
  const link = links.find((one) => /[?&]flow=(verify_identifier|reset_password)/.test(one));
  return /[?&]token=([0-9a-f]{64})/.exec(link ?? "")?.[1];
}

import { expect } from "vitest";
import { digitsIn } from "#tests/support/codes.ts";
import { CHALLENGE, codeIn, REDIRECT, type Reply, type TestNest, VERIFIER } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";
import { SAMPLE_CLIENT_IDS } from "#tools/local/sample_clients.ts";

/** What the owner of an address does, who reads its mailbox, and what a stranger does, who does not. */
export const STEPS = [
  "owner redeems a link",
  "owner redeems a code",
  "owner registers with a code",
  "owner registers at once",
  "owner resets the password",
  "owner opens the link that a stranger asked for",
  "owner proves the address in another account",
  "stranger registers at once",
  "stranger registers with a code",
  "stranger adds the address to another account",
  "stranger adds an own address to the account",
  "stranger signs in with the password",
  "stranger refreshes",
  "stranger asks for a reset",
] as const;
export type Step = (typeof STEPS)[number];

const { simple, native } = SAMPLE_CLIENT_IDS;
const OWNERS_PASSWORD = "the owner's own passphrase 1";
const STRANGERS_PASSWORD = "a stranger's own passphrase 2";

/** Six digits, as every code. */
const CODE = /\b(\d{6})\b/;
const TOKEN = /[?&]token=([0-9a-f]{64})/;

interface Held {
  access_token: string;
  refresh_token: string;
  user_id: string;
}

/** A random history of one address, and what must hold after each of its steps. */
export class AddressHistory {
  readonly #nest: TestNest;
  readonly #address: string;
  /** Tokens that the stranger got by way of the address. */
  readonly #strangers: Held[] = [];
  /** Tokens of the owner's last sign-in that proved the address. */
  #owner: Held | null = null;
  #isProved = false;

  constructor(nest: TestNest, address: string) {
    this.#nest = nest;
    this.#address = address;
  }

  /** Runs the steps; those of one group at the same time. */
  async run(history: readonly (readonly Step[])[]): Promise<void> {
    for (const group of history) {
      await Promise.all(group.map((step) => this.#take(step)));
      await this.#check(history);
    }
  }

  async #take(step: Step): Promise<void> {
    switch (step) {
      case "owner redeems a link":
        return this.#prove(await this.#redeemLink());
      case "owner redeems a code":
        return this.#prove(await this.#redeemCode());
      case "owner registers with a code":
        return this.#prove(await this.#register(native, OWNERS_PASSWORD, true));
      case "owner registers at once":
        await this.#register(simple, OWNERS_PASSWORD, false);
        return;
      case "owner resets the password":
        return this.#reset();
      case "owner opens the link that a stranger asked for":
        return this.#openLinkOfStranger();
      case "owner proves the address in another account":
        return this.#addToOwnAccount();
      case "stranger registers at once":
        return this.#keep(await this.#register(simple, STRANGERS_PASSWORD, false));
      case "stranger registers with a code":
        await this.#register(native, STRANGERS_PASSWORD, false);
        return;
      case "stranger adds the address to another account":
        return this.#addToOtherAccount();
      case "stranger adds an own address to the account":
        return this.#addOwn();
      case "stranger signs in with the password":
        return this.#keep(await this.#signIn(STRANGERS_PASSWORD));
      case "stranger refreshes":
        return this.#refreshAll();
      case "stranger asks for a reset":
        await this.#askForReset();
    }
  }

  /** What must hold between steps. */
  async #check(history: unknown): Promise<void> {
    const told = JSON.stringify(history);
    if (!this.#isProved) return;
    for (const held of this.#strangers) {
      const reply = await this.#whoIs(held);
      expect([reply.status, told], "a session of the stranger").toEqual([401, told]);
      expect((await this.#refresh(held)).status, "a refresh by the stranger").not.toBe(200);
    }
    expect((await this.#signIn(STRANGERS_PASSWORD)).status, `the stranger's password: ${told}`).toBe(401);
    if (this.#owner)
      expect((await this.#whoIs(this.#owner)).status, `the owner's session: ${told}`).toBe(200);
    const proved = await this.#nest
      .collection("identifiers")
      .countDocuments({ identifierValue: this.#address, removedAt: null, verifiedAt: { $ne: null } });
    expect(proved, `users with the proved address: ${told}`).toBe(1);
    const owned = this.#nest.collection("identifiers");
    const found = await owned.findOne({ identifierValue: this.#address, removedAt: null });
    const all = await owned.find({ userId: found?.userId, removedAt: null }).toArray();
    const addresses = all.map(({ identifierValue }) => identifierValue);
    const others = addresses.filter((one) => ![this.#address, this.#home].includes(String(one)));
    expect(others, `what the owner's account has besides: ${told}`).toEqual([]);
  }

  #prove(reply: Reply): void {
    // Two proofs at the same time, or a message that a later one replaced: only one of them may win.
    if (reply.status !== 200 || reply.body.access_token === null) return;
    this.#isProved = true;
    this.#owner = reply.body;
  }

  #keep(reply: Reply): void {
    if (reply.status === 200 && reply.body.access_token !== null) this.#strangers.push(reply.body);
  }

  #call(method: string, body: object, bearer?: string): Promise<Reply> {
    return this.#nest.call(`${V3}${method}`, body, bearer === undefined ? {} : { bearer });
  }

  readonly #named = (address = this.#address) => ({ identifier_type: "email", identifier_value: address });
  /** The newest code that was mailed to the address. Of two requests at once, it may be the other's; there may be none. */
  readonly #newestCode = () => {
    const mail = this.#nest.ses.inbox.findLast(({ to, text }) => to === this.#address && CODE.test(text));
    return CODE.exec(mail?.text ?? "")?.[1] ?? "000000";
  };

  async #redeemLink(address = this.#address): Promise<Reply> {
    const asked = { client_id: native, redirect_uri: REDIRECT, state: "s" };
    const challenge = { code_challenge_method: "S256", code_challenge: CHALLENGE };
    await this.#call("send_magic_link", { ...asked, ...challenge, ...this.#named(address) });
    const mail = this.#nest.ses.inbox.findLast(
      ({ to, text }) => to === address && text.includes("authzcode_"),
    );
    if (!mail) throw new Error("no link was mailed");
    const grant = { client_id: native, grant_type: "authorization_code", redirect_uri: REDIRECT };
    return this.#call("authenticate_user", { ...grant, code: codeIn(mail), code_verifier: VERIFIER });
  }

  async #redeemCode(): Promise<Reply> {
    const { body } = await this.#call("send_otp", { client_id: native, ...this.#named() });
    return this.#present(native, body.nonce);
  }

  #present(clientId: string, nonce: string): Promise<Reply> {
    const grant = { client_id: clientId, grant_type: "otp", nonce, code: this.#newestCode() };
    return this.#call("authenticate_user", grant);
  }

  /** @param isCompleted presents the mailed code, if the registration sent one */
  async #register(clientId: string, password: string, isCompleted: boolean): Promise<Reply> {
    const reply = await this.#call("register_user", { client_id: clientId, ...this.#named(), password });
    if (!isCompleted || reply.status !== 200 || reply.body.access_token !== null) return reply;
    return this.#present(clientId, reply.body.verification.nonce);
  }

  #signIn(password: string): Promise<Reply> {
    const grant = { client_id: simple, grant_type: "password", password };
    return this.#call("authenticate_user", { ...grant, ...this.#named() });
  }

  #askForReset(): Promise<Reply> {
    return this.#call("send_password_reset", { client_id: native, redirect_uri: REDIRECT, ...this.#named() });
  }

  /** The reset proves the address, ends every session and signs nobody in. */
  async #reset(): Promise<void> {
    const { body } = await this.#askForReset();
    const code = CODE.exec(this.#newestText())?.[1];
    if (code === undefined) return;
    const reset = { client_id: native, nonce: body.nonce, code, password: OWNERS_PASSWORD };
    const { status } = await this.#call("reset_password", reset);
    if (status !== 200) return;
    this.#isProved = true;
    this.#owner = null;
  }

  readonly #newestText = () => this.#nest.ses.inbox.findLast(({ to }) => to === this.#address)?.text ?? "";

  /** Another address of the owner, with an account of its own. */
  get #home(): string {
    return `home-of-${this.#address}`;
  }

  /** Mails a link to the address for each session that the stranger has. The owner opens it without the stranger's tokens. */
  async #openLinkOfStranger(): Promise<void> {
    for (const { access_token } of this.#strangers) {
      const { length } = this.#nest.ses.inbox;
      const asked = { client_id: native, delivery: "link", ...this.#named() };
      await this.#call("send_verification", asked, access_token);
      const mail = this.#nest.ses.inbox
        .slice(length)
        .findLast(({ to, text }) => to === this.#address && TOKEN.test(text));
      const [, token] = TOKEN.exec(mail?.text ?? "") ?? [];
      if (token === undefined) continue;
      const { status } = await this.#call("verify_identifier", { client_id: native, token });
      if (status === 200) this.#isProved = true;
    }
  }

  /** The owner proves the address while signed in to another account, which gets it unless somebody has it. */
  async #addToOwnAccount(): Promise<void> {
    const { status, body: home } = await this.#redeemLink(this.#home);
    if (status !== 200) return;
    const asked = { client_id: native, delivery: "code", ...this.#named() };
    const sent = await this.#call("send_verification", asked, home.access_token);
    if (sent.status !== 200) return;
    const proof = { client_id: native, nonce: sent.body.nonce, code: this.#newestCode() };
    if ((await this.#call("verify_identifier", proof)).status === 200) this.#isProved = true;
  }

  async #addToOtherAccount(): Promise<void> {
    const { status, body: other } = await this.#redeemLink(`stranger-of-${this.#address}`);
    // Of two at once, one may redeem the link of both.
    if (status !== 200) return;
    const asked = { client_id: native, delivery: "code", ...this.#named() };
    await this.#call("send_verification", asked, other.access_token);
  }

  /** Through each session that the stranger has, also one that has ended. */
  async #addOwn(): Promise<void> {
    for (const [index, { access_token }] of this.#strangers.entries()) {
      const address = `own-${index}-of-${this.#address}`;
      const own = { client_id: native, ...this.#named(address) };
      const { status, body } = await this.#call("send_verification", own, access_token);
      if (status !== 200) continue;
      const mail = this.#nest.ses.inbox.findLast(({ to, text }) => to === address && CODE.test(text));
      const code = digitsIn(mail?.text ?? "");
      await this.#call("verify_identifier", { client_id: native, nonce: body.nonce, code });
    }
  }

  #whoIs({ access_token }: Held): Promise<Reply> {
    return this.#call("get_user", {}, access_token);
  }

  #refresh({ refresh_token }: Held): Promise<Reply> {
    return this.#call("authenticate_user", { client_id: simple, grant_type: "refresh_token", refresh_token });
  }

  async #refreshAll(): Promise<void> {
    for (const [index, held] of this.#strangers.entries()) {
      const { status, body } = await this.#refresh(held);
      if (status === 200) this.#strangers[index] = body;
    }
  }
}

import { ApiError } from "#stripe_double/api_error.ts";
import { seededRandom } from "#stripe_double/random.ts";
import type { Ledger } from "#tools/bench/soak/ledger.ts";
import type { SoakStack } from "#tools/bench/soak/stack.ts";
import { CHALLENGE, CLIENT, REDIRECT, VERIFIER } from "#tools/bench/users.ts";

/** The time limit of the app. */
const APP_LIMIT_MS = 5_000;
/** Fewer than the rate limit per address. */
const LINKS_EACH = 3;

interface BenchUser {
  address: string;
  userId: string;
  session: string;
  accessToken: string;
  refreshToken: string;
  links: number;
  /** Whether an operation of this user is running. */
  isBusy: boolean;
}

type Operation =
  | "request_link"
  | "redeem"
  | "refresh"
  | "get_user"
  | "status"
  | "subscribe"
  | "cancel"
  | "sign_out";

/** Percentage of each operation. */
const SHARES: Readonly<Record<Operation, number>> = {
  request_link: 20,
  redeem: 18,
  refresh: 15,
  get_user: 25,
  status: 14,
  subscribe: 4,
  cancel: 2,
  sign_out: 2,
};

/** Simulates users who sign in, refresh, subscribe and sign out, each on their own device. */
export class Users {
  readonly #stack: SoakStack;
  readonly #ledger: Ledger;
  readonly #random: () => number;
  /** Codes of links that were mailed and not yet redeemed. */
  readonly #arrived: { address: string; code: string }[] = [];
  readonly #signedIn: BenchUser[] = [];
  readonly #subscriptions: string[] = [];
  #created = 0;

  constructor(stack: SoakStack, ledger: Ledger, seed: number) {
    this.#stack = stack;
    this.#ledger = ledger;
    this.#random = seededRandom(seed);
  }

  /** Empties the inbox, which keeps only the newest thousand mails. */
  readMail(): void {
    const { inbox } = this.#stack.ses;
    for (const { to, text } of inbox.splice(0)) {
      const link = text.split("\n").find((line) => line.startsWith(REDIRECT));
      // Mails without a link are welcome mails, which follow from events.
      if (link === undefined) continue;
      this.#ledger.mail(to);
      this.#arrived.push({ address: to, code: new URL(link).searchParams.get("code") ?? "" });
    }
  }

  /** Runs a random operation of a random user. */
  async act(): Promise<void> {
    let point = this.#random() * 100;
    for (const [operation, share] of Object.entries(SHARES)) {
      point -= share;
      if (point < 0) return this.#do(operation as Operation);
    }
    return this.#do("get_user");
  }

  async #do(operation: Operation): Promise<void> {
    if (operation === "redeem") {
      const link = this.#arrived.shift();
      return link ? this.#redeem(link) : this.#requestLink();
    }
    if (operation === "request_link") return this.#requestLink();
    const user = this.#idleUser();
    if (!user) return this.#requestLink();
    user.isBusy = true;
    try {
      await this.#doAs(user, operation);
    } finally {
      user.isBusy = false;
    }
  }

  async #doAs(user: BenchUser, operation: Operation): Promise<void> {
    const own = { user_id: user.userId };
    if (operation === "refresh") return this.#refresh(user);
    if (operation === "sign_out") return this.#signOut(user);
    if (operation === "subscribe") {
      this.#subscriptions.push(this.#stack.stripe.createSubscription({ email: user.address }).id);
      return;
    }
    if (operation === "cancel") return this.#cancel();
    const path = operation === "status" ? "2021-10-06/get_subscription_status" : "2021-10-06/get_user";
    const { status, body } = await this.#call(operation, path, own, user.accessToken);
    // Like the app: refreshes when the access token is no longer valid.
    if (status === 401 && body?.code === "unauthorized") await this.#refresh(user);
  }

  #cancel(): void {
    const id = this.#subscriptions.shift();
    if (id === undefined) return;
    try {
      this.#stack.stripe.cancelSubscription(id, { isAtPeriodEnd: this.#random() < 0.5 });
    } catch (error) {
      // Nest has already canceled a duplicate subscription.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  async #requestLink(): Promise<void> {
    const known = this.#random() < 0.3 ? this.#signedIn.find(({ links }) => links < LINKS_EACH) : undefined;
    if (known) known.links++;
    const address = known?.address ?? `soak.${++this.#created}@example.com`;
    const { status } = await this.#call("send_magic_link", "2020-12-14/send_magic_link", {
      client_id: CLIENT,
      redirect_uri: REDIRECT,
      state: "s",
      code_challenge_method: "S256",
      code_challenge: CHALLENGE,
      identifier_type: "email",
      identifier_value: address,
      device: { platform: "mac", beak_id: `device of ${address}`, fingerprint: "f" },
    });
    this.#ledger.link(address, status);
  }

  async #redeem({ address, code }: { address: string; code: string }): Promise<void> {
    const body = {
      client_id: CLIENT,
      grant_type: "authorization_code",
      redirect_uri: REDIRECT,
      code,
      code_verifier: VERIFIER,
    };
    const answer = await this.#call("redeem", "2020-12-14/authenticate_user", body);
    if (answer.status !== 200) return;
    const session = this.#ledger.tokens(answer.body);
    const { access_token: accessToken, refresh_token: refreshToken, user_id: userId } = answer.body;
    this.#signedIn.push({ address, userId, session, accessToken, refreshToken, links: 1, isBusy: false });
  }

  async #refresh(user: BenchUser): Promise<void> {
    const body = { client_id: CLIENT, grant_type: "refresh_token", refresh_token: user.refreshToken };
    const answer = await this.#call("refresh", "2020-12-14/authenticate_user", body);
    if (answer.status !== 200) return;
    this.#ledger.tokens(answer.body);
    user.accessToken = answer.body.access_token;
    user.refreshToken = answer.body.refresh_token;
  }

  async #signOut(user: BenchUser): Promise<void> {
    // The session may end with or without a response, so the audit ignores it.
    this.#ledger.current.delete(user.session);
    this.#signedIn.splice(this.#signedIn.indexOf(user), 1);
    const body = { client_id: CLIENT, refresh_token: user.refreshToken };
    await this.#call("revoke_token", "2021-10-06/revoke_token", body);
  }

  #idleUser(): BenchUser | undefined {
    for (let tries = 0; tries < 10; tries++) {
      const user = this.#signedIn[Math.floor(this.#random() * this.#signedIn.length)];
      if (user && !user.isBusy) return user;
    }
    return undefined;
  }

  /** @returns a status of null if no response came within the time limit */
  async #call(operation: string, path: string, body: object, bearer?: string) {
    const fromMs = performance.now();
    // biome-ignore lint/suspicious/noExplicitAny: each method has its own response
    let answer: { status: number | null; body: any } = { status: null, body: null };
    try {
      const response = await fetch(`${this.#stack.url}/1/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...(bearer && { authorization: `bearer ${bearer}` }) },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(APP_LIMIT_MS),
      });
      const text = await response.text();
      answer = { status: response.status, body: text === "" ? null : JSON.parse(text) };
    } catch {
      // No response: the status stays null.
    }
    const { status } = answer;
    const code = typeof answer.body?.code === "string" ? answer.body.code : null;
    this.#ledger.calls.push({ operation, fromMs, toMs: performance.now(), status, code });
    return answer;
  }
}

import { ApiError } from "#stripe_double/api_error.ts";
import { seededRandom } from "#stripe_double/random.ts";
import type { Ledger } from "#tools/bench/soak/ledger.ts";
import type { SoakStack } from "#tools/bench/soak/stack.ts";
import { CHALLENGE, CLIENT, REDIRECT, VERIFIER } from "#tools/bench/users.ts";

/** The app leaves then. */
const PATIENCE_MS = 5_000;
/** A user who asks more often is refused, as the contract says, which is not what is looked at here. */
const LINKS_EACH = 3;

interface BenchUser {
  address: string;
  userId: string;
  session: string;
  accessToken: string;
  refreshToken: string;
  links: number;
  /** Somebody is at work for them: one window does one thing at a time. */
  isBusy: boolean;
}

type Operation = "ask" | "redeem" | "refresh" | "get_user" | "status" | "subscribe" | "cancel" | "sign_out";

/** How often each is done, of a hundred. */
const SHARES: Readonly<Record<Operation, number>> = {
  ask: 20,
  redeem: 18,
  refresh: 15,
  get_user: 25,
  status: 14,
  subscribe: 4,
  cancel: 2,
  sign_out: 2,
};

/** Users who sign in, come back, subscribe and leave, each with a machine of their own. */
export class Users {
  readonly #stack: SoakStack;
  readonly #ledger: Ledger;
  readonly #random: () => number;
  /** Links that arrived and nobody has followed. */
  readonly #arrived: { address: string; code: string }[] = [];
  readonly #here: BenchUser[] = [];
  readonly #subscriptions: string[] = [];
  #born = 0;

  constructor(stack: SoakStack, ledger: Ledger, seed: number) {
    this.#stack = stack;
    this.#ledger = ledger;
    this.#random = seededRandom(seed);
  }

  /** Takes what arrived out of the inbox, which keeps the newest thousand only. */
  readMail(): void {
    const { inbox } = this.#stack.ses;
    for (const { to, text } of inbox.splice(0)) {
      const link = text.split("\n").find((line) => line.startsWith(REDIRECT));
      // Other mails are welcomes, which follow from events.
      if (link === undefined) continue;
      this.#ledger.mail(to);
      this.#arrived.push({ address: to, code: new URL(link).searchParams.get("code") ?? "" });
    }
  }

  /** Does one thing that somebody does. */
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
      return link ? this.#redeem(link) : this.#ask();
    }
    if (operation === "ask") return this.#ask();
    const user = this.#idleUser();
    if (!user) return this.#ask();
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
    // The app asks for new tokens when its own is not good any more.
    if (status === 401 && body?.code === "unauthorized") await this.#refresh(user);
  }

  #cancel(): void {
    const id = this.#subscriptions.shift();
    if (id === undefined) return;
    try {
      this.#stack.stripe.cancelSubscription(id, { isAtPeriodEnd: this.#random() < 0.5 });
    } catch (error) {
      // Of two of one user Nest has ended one by itself.
      if (!(error instanceof ApiError)) throw error;
    }
  }

  async #ask(): Promise<void> {
    const known = this.#random() < 0.3 ? this.#here.find(({ links }) => links < LINKS_EACH) : undefined;
    if (known) known.links++;
    const address = known?.address ?? `soak.${++this.#born}@example.com`;
    const { status } = await this.#call("send_magic_link", "2020-12-14/send_magic_link", {
      client_id: CLIENT,
      redirect_uri: REDIRECT,
      state: "s",
      code_challenge_method: "S256",
      code_challenge: CHALLENGE,
      identifier_type: "email",
      identifier_value: address,
      device: { platform: "mac", beak_id: `the machine of ${address}`, fingerprint: "f" },
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
    this.#here.push({ address, userId, session, accessToken, refreshToken, links: 1, isBusy: false });
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
    // Whatever comes of it, nobody counts on the session any more.
    this.#ledger.current.delete(user.session);
    this.#here.splice(this.#here.indexOf(user), 1);
    const body = { client_id: CLIENT, refresh_token: user.refreshToken };
    await this.#call("revoke_token", "2021-10-06/revoke_token", body);
  }

  #idleUser(): BenchUser | undefined {
    for (let tries = 0; tries < 10; tries++) {
      const user = this.#here[Math.floor(this.#random() * this.#here.length)];
      if (user && !user.isBusy) return user;
    }
    return undefined;
  }

  /** @returns a status of null when no answer came while somebody waited */
  async #call(operation: string, path: string, body: object, bearer?: string) {
    const fromMs = performance.now();
    // biome-ignore lint/suspicious/noExplicitAny: each answer has a shape of its own
    let answer: { status: number | null; body: any } = { status: null, body: null };
    try {
      const response = await fetch(`${this.#stack.url}/1/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...(bearer && { authorization: `bearer ${bearer}` }) },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      const text = await response.text();
      answer = { status: response.status, body: text === "" ? null : JSON.parse(text) };
    } catch {
      // Nobody is told more than that no answer came.
    }
    const { status } = answer;
    const code = typeof answer.body?.code === "string" ? answer.body.code : null;
    this.#ledger.calls.push({ operation, fromMs, toMs: performance.now(), status, code });
    return answer;
  }
}

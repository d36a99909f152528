import type { TestStack } from "#tests/support/local_stack.ts";
import { linkIn } from "#tests/support/nest.ts";

/** What a request to the adapter static_backend has. */
interface Sent {
  /** Sent as JSON, unless it is a string. */
  body?: unknown;
  /** The bearer. */
  token?: string;
  /** The public key; null: none. */
  key?: string | null;
  headers?: Record<string, string>;
}

/** A response of the adapter static_backend. */
export interface StaticReply {
  status: number;
  headers: Headers;
  text: string;
}

/** The adapter static_backend of a stack, spoken to over HTTP. */
export class StaticBackend {
  readonly #stack: TestStack;
  readonly url: string;
  readonly key: string;
  readonly rootToken: string;

  private constructor(stack: TestStack, told: { url: string; public_key: string; root_token: string }) {
    this.#stack = stack;
    this.url = told.url;
    this.key = told.public_key;
    this.rootToken = told.root_token;
  }

  /** Reads from `/dev/status` what a script reads there. */
  static async of(stack: TestStack): Promise<StaticBackend> {
    const { body } = await stack.ask("GET", "/dev/status");
    return new StaticBackend(stack, body.adapters.static_backend);
  }

  async send(verb: string, path: string, { body, token, key = this.key, headers }: Sent = {}) {
    const response = await fetch(`${this.url}${path}`, {
      method: verb,
      headers: {
        "content-type": "application/json",
        ...(key === null ? {} : { "SB-PUBLIC-KEY": key }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const reply: StaticReply = {
      status: response.status,
      headers: response.headers,
      text: await response.text(),
    };
    return reply;
  }

  /** The content of a success. @throws Error for any other response */
  async take(verb: string, path: string, sent: Sent = {}) {
    const { status, headers, text } = await this.send(verb, path, sent);
    if (status !== 200 || headers.get("content-type") !== "application/json")
      throw new Error(`${verb} ${path}: ${status} ${headers.get("content-type")} ${text}`);
    return JSON.parse(text);
  }

  /** Registers an address. @returns its token */
  register = (email: string, password = "userpw"): Promise<string> =>
    this.take("POST", "/register", { body: { email, password } });

  login = (email: string, password = "userpw") => this.send("POST", "/login", { body: { email, password } });

  /** Creates a code for a new password. */
  resetCode = (email: string): Promise<string> =>
    this.take("POST", "/password/send", { token: this.rootToken, body: { email } });

  /** Requests a magic link. @returns code and address in its query */
  async mailedLink(email: string, change: object = {}): Promise<{ code: string; email: string; url: URL }> {
    await this.take("POST", "/login/magic", { body: { email, ...change } });
    const mail = this.#stack.ses.inbox.findLast(({ to }) => to === email);
    if (!mail) throw new Error(`no mail to ${email}`);
    const url = linkIn(mail);
    const [code, address] = [url.searchParams.get("code"), url.searchParams.get("email")];
    return { code: code ?? "", email: address ?? "", url };
  }

  exchange = (code: string, email: string, key = this.key) =>
    this.send("GET", `/login/magic?${new URLSearchParams({ code, email })}`, { key });
}

import { digitsIn } from "#tests/support/codes.ts";
import type { TestStack } from "#tests/support/local_stack.ts";
import { linksOf } from "#tests/support/mail_links.ts";

/** What a request to the adapter service_authentication has. */
interface Sent {
  /** Sent as JSON, unless it is a string. */
  body?: unknown;
  /** An access token. */
  token?: string;
  /** Cookies of earlier answers. */
  jar?: CookieJar;
  headers?: Record<string, string>;
}

/** An answer of the adapter. */
export interface RestReply {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests read bodies of every shape
  body: any;
  text: string;
}

/** Keeps cookies as a browser does, without their attributes. */
export class CookieJar {
  readonly #values = new Map<string, string>();

  take(headers: Headers): void {
    for (const cookie of headers.getSetCookie()) {
      const [pair = ""] = cookie.split(";");
      const [name = "", value = ""] = pair.split("=");
      if (value === "") this.#values.delete(name);
      else this.#values.set(name, value);
    }
  }

  get names(): string[] {
    return [...this.#values.keys()].sort();
  }

  get header(): string {
    return [...this.#values].map(([name, value]) => `${name}=${value}`).join("; ");
  }
}

/** What a page of the adapter's own origin sends with each request. */
export const OWN_PAGE = { "sec-fetch-site": "same-origin" };

/** The adapter service_authentication of a stack, spoken to over HTTP as its README describes it. */
export class ServiceAuthentication {
  readonly #stack: TestStack;
  readonly url: string;
  readonly clientId: string;

  private constructor(stack: TestStack, told: { url: string; client_id: string }) {
    this.#stack = stack;
    this.url = told.url;
    this.clientId = told.client_id;
  }

  /** Reads from `/dev/status` what a script reads there. */
  static async of(stack: TestStack): Promise<ServiceAuthentication> {
    const { body } = await stack.ask("GET", "/dev/status");
    return new ServiceAuthentication(stack, body.adapters.service_authentication);
  }

  async send(verb: string, path: string, { body, token, jar, headers }: Sent = {}): Promise<RestReply> {
    const response = await fetch(path.startsWith("http") ? path : `${this.url}${path}`, {
      method: verb,
      redirect: "manual",
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(jar === undefined ? {} : { cookie: jar.header }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    jar?.take(response.headers);
    const text = await response.text();
    const isJson = response.headers.get("content-type") === "application/json" && text !== "";
    return {
      status: response.status,
      headers: response.headers,
      body: isJson ? JSON.parse(text) : null,
      text,
    };
  }

  /** The body of a success. @throws Error for any other answer */
  async take(verb: string, path: string, sent: Sent = {}) {
    const { status, body, text } = await this.send(verb, path, sent);
    if (status !== 200) throw new Error(`${verb} ${path}: ${status} ${text}`);
    return body;
  }

  register = (email: string, options: object = {}, password?: string) =>
    this.take("POST", "/register", { body: { email, password, options } });

  /** The newest link in a mail to an address. @throws Error if there is none */
  linkTo(email: string): string {
    const mail = this.#stack.ses.inbox.findLast(({ to }) => to === email);
    const link = mail && linksOf(mail).find((url) => url.startsWith(`${this.url}/`));
    if (!link) throw new Error(`no link to ${email}: ${mail?.text}`);
    return link;
  }

  /** The code in the newest SMS to a number. */
  codeTo(phone: string): string {
    return digitsIn(this.#stack.sns.inbox.findLast(({ to }) => to === phone)?.text ?? "");
  }
}

import { request } from "node:http";
import { digitsIn } from "#tests/support/codes.ts";
import type { StackAnswer, TestStack } from "#tests/support/local_stack.ts";
import { V3 } from "#tests/support/plans.ts";

/** Calls of a local stack over HTTP, as a client makes them. */
export class StackCaller {
  readonly stack: TestStack;
  readonly clients: Readonly<Record<"native" | "web" | "simple", string>>;
  readonly internal: { authorization: string };

  constructor(stack: TestStack, clients: StackCaller["clients"], internal: StackCaller["internal"]) {
    this.stack = stack;
    this.clients = clients;
    this.internal = internal;
  }

  /** Calls a method of 2026-12-01. */
  call(method: string, body: object, headers: Record<string, string> = {}): Promise<StackAnswer> {
    return this.stack.ask("POST", `${V3}${method}`, body, { "content-type": "application/json", ...headers });
  }

  /** The newest mail to an address. @throws Error if there is none */
  mailTo(address: string): { subject: string; from: string; text: string } {
    const mail = this.stack.ses.inbox.findLast(({ to }) => to === address);
    if (!mail) throw new Error(`no mail to ${address}`);
    return mail;
  }

  /** Signs an address in with a mailed code of the client `native`. @returns the tokens */
  async signIn(identifier_value: string, change: object = {}): Promise<StackAnswer["body"]> {
    const client_id = this.clients.native;
    const sent = await this.call("send_otp", { client_id, identifier_type: "email", identifier_value });
    const code = digitsIn(this.mailTo(identifier_value).text);
    const presented = { client_id, grant_type: "otp", nonce: sent.body.nonce, code, ...change };
    const { status, body } = await this.call("authenticate_user", presented);
    if (status !== 200) throw new Error(`authenticate_user answered ${status} ${body?.code}`);
    return body;
  }

  /** Refreshes the tokens of the client `native`. */
  refresh(refresh_token: string): Promise<StackAnswer> {
    const grant = { client_id: this.clients.native, grant_type: "refresh_token", refresh_token };
    return this.call("authenticate_user", grant);
  }

  /** Registers an address with a password at the client `simple`. */
  register(identifier_value: string, password: string): Promise<StackAnswer> {
    const asked = { client_id: this.clients.simple, identifier_type: "email", identifier_value, password };
    return this.call("register_user", asked);
  }

  /** Signs in with a password. @param from the local address that the request comes from, such as `127.0.0.2` */
  signInWith(identifier_value: string, password: string, from?: string): Promise<StackAnswer> {
    const asked = { client_id: this.clients.simple, grant_type: "password", identifier_type: "email" };
    const body = { ...asked, identifier_value, password };
    return from === undefined ? this.call("authenticate_user", body) : this.#callFrom(from, body);
  }

  #callFrom(localAddress: string, body: object): Promise<StackAnswer> {
    const { port } = new URL(this.stack.api.url);
    const options = {
      ...{ host: "127.0.0.1", port, localAddress, method: "POST", path: `${V3}authenticate_user` },
      headers: { host: `localhost:${port}`, "content-type": "application/json" },
    };
    return new Promise((resolve, reject) => {
      const sent = request(options, async (response) => {
        const text = Buffer.concat(await response.toArray()).toString();
        resolve({ status: response.statusCode ?? 0, headers: new Headers(), body: JSON.parse(text) });
      });
      sent.on("error", reject).end(JSON.stringify(body));
    });
  }
}

export const asUser = ({ access_token }: { access_token: string }) => ({
  authorization: `bearer ${access_token}`,
});

/** Reads the clients and the key of a stack. */
export async function callerOf(stack: TestStack): Promise<StackCaller> {
  const { body } = await stack.ask("GET", "/dev/status");
  return new StackCaller(stack, body.clients, { authorization: `internal ${body.internal_key}` });
}

/** Status and error code of an answer. */
export const answerOf = ({ status, body }: StackAnswer): [status: number, code: string | undefined] => [
  status,
  body?.code,
];

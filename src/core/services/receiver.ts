import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { _default, pipe, refine, string, transform } from "zod/mini";
import { localOnly } from "#core/config.ts";
import { type ReceiverHosts, RefusedHost } from "#core/services/receiver_hosts.ts";

const hostsOf = (value: string) =>
  value
    .split(",")
    .map((host) => host.trim())
    .filter((host) => host !== "");

export const receiverVariables = {
  /** Hosts with their port, comma-separated, that get webhooks although they are not public. */
  WEBHOOK_ALLOW_HOSTS: localOnly(
    pipe(
      _default(
        string().check(refine((value) => hostsOf(value).every((host) => /^[^\s/@]+:\d+$/.test(host)))),
        "",
      ),
      transform(hostsOf),
    ),
  ),
};

/** Time for one request: resolving, connecting, sending and the response. */
export const RECEIVER_LIMIT_MS = 15_000;
/** The most bytes of a response that are read. Nothing of them is kept. */
const BODY_LIMIT = 1024;

/** Why there is no response. */
export type NoResponse = "timeout" | "connection" | "tls" | "dns" | "address_not_allowed";

/** What became of a request. */
export type ReceiverReply = { status: number; retryAfter: string | null } | { error: NoResponse };

export interface ReceiverRequest {
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** Posts messages to URLs that customers chose. */
export class Receiver {
  readonly hosts: ReceiverHosts;
  readonly #limitMs: number;
  /** @param limitMs time for one request */
  constructor(hosts: ReceiverHosts, limitMs = RECEIVER_LIMIT_MS) {
    this.hosts = hosts;
    this.#limitMs = limitMs;
  }

  /**
   * Posts a message, in one attempt on a connection of its own. Redirects are not followed. Of the response, the status and
   * `Retry-After` are returned, and at most 1 KB of the body is read.
   */
  async post({ url: text, headers, body }: ReceiverRequest): Promise<ReceiverReply> {
    const url = new URL(text);
    const isExempt = this.hosts.isAllowed(url);
    if (url.protocol !== "https:" && !isExempt) return { error: "address_not_allowed" };
    const signal = AbortSignal.timeout(this.#limitMs);
    const send = url.protocol === "http:" ? httpRequest : httpsRequest;
    const options = {
      ...{ method: "POST", headers: { ...headers, "content-length": Buffer.byteLength(body) }, signal },
      agent: false as const,
      ...(isExempt ? {} : { lookup: this.hosts.lookup }),
    };
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        send(url, options, resolve).on("error", reject).end(body);
      });
      await drain(response);
      const retryAfter = response.headers["retry-after"] ?? null;
      return { status: response.statusCode ?? 0, retryAfter };
    } catch (error) {
      return { error: signal.aborted ? "timeout" : kindOf(error) };
    }
  }
}

/** Reads the beginning of a body, so that a receiver that writes one sees no broken connection, and drops the rest. */
async function drain(response: IncomingMessage): Promise<void> {
  let read = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    read += chunk.length;
    if (read >= BODY_LIMIT) break;
  }
  response.destroy();
}

function kindOf(error: unknown): NoResponse {
  if (error instanceof RefusedHost) return error.problem === "not_public" ? "address_not_allowed" : "dns";
  const { code = "" } = error as { code?: string };
  return /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO)/.test(code) ? "tls" : "connection";
}

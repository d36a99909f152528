import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
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
/** Time for the body, after the status. */
const BODY_LIMIT_MS = 1_000;

/** Why there is no response. */
export type NoResponse = "timeout" | "connection" | "tls" | "dns" | "address_not_allowed";

/** The result of a request. */
export type ReceiverReply = { status: number; retryAfter: string | null } | { error: NoResponse };

export interface ReceiverRequest {
  url: string;
  headers: Record<string, string>;
  body: string;
}

/** Posts messages to URLs that administrators chose. */
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
   * `Retry-After` are returned, and at most 1 KB of the body is read. The status counts from when it came, however the body ends.
   * It always ends within the limit, whatever the receiver sends.
   */
  async post({ url: text, headers, body }: ReceiverRequest): Promise<ReceiverReply> {
    const url = new URL(text);
    const isExempt = this.hosts.isAllowed(url);
    if (url.protocol !== "https:" && !isExempt) return { error: "address_not_allowed" };
    const send = url.protocol === "http:" ? httpRequest : httpsRequest;
    const options = {
      ...{ method: "POST", headers: { ...headers, "content-length": Buffer.byteLength(body) } },
      agent: false as const,
      ...(isExempt ? {} : { lookup: this.hosts.lookup }),
    };
    const request = send(url, options);
    const reply = replyTo(request, this.#limitMs);
    request.end(body);
    return reply;
  }
}

/** What becomes of a request. Of all that can happen to it, the first counts, and ends it. Its own timer ends it at the latest. */
function replyTo(request: ClientRequest, limitMs: number): Promise<ReceiverReply> {
  return new Promise((resolve) => {
    const end = (reply: ReceiverReply) => {
      clearTimeout(timer);
      resolve(reply);
      request.destroy();
    };
    let timer = setTimeout(end, limitMs, { error: "timeout" });
    let answered: ReceiverReply | null = null;
    request.on("response", (response) => {
      const reply = replyOf(response);
      answered = reply;
      clearTimeout(timer);
      timer = setTimeout(end, Math.min(limitMs, BODY_LIMIT_MS), reply);
      drain(response).then(
        () => end(reply),
        () => end(reply),
      );
    });
    // Without these two, Node closes the connection and tells nobody.
    request.on("upgrade", (response, socket) => {
      socket.destroy();
      end(replyOf(response));
    });
    request.on("close", () => end(answered ?? { error: "connection" }));
    request.on("error", (error) => end(answered ?? { error: kindOf(error) }));
  });
}

const replyOf = ({ statusCode = 0, headers }: IncomingMessage): ReceiverReply => ({
  status: statusCode,
  retryAfter: headers["retry-after"] ?? null,
});

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

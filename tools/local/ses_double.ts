import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { array, object, optional, safeParse, string } from "zod/mini";
import { systemClock } from "#core/clock.ts";

/** An email in the inbox. */
export interface SentMail {
  to: string;
  from: string;
  reply_to: string | null;
  subject: string;
  text: string;
  html: string;
  sent_at: string;
}

export type MailFault = "error" | "hang" | "rate_limited" | "rejected" | "none";

export interface SesDouble {
  url: string;
  /** Newest last. */
  inbox: SentMail[];
  clear(): void;
  /** Makes the next `calls` calls fail; 0 calls or the kind `none` clears the fault. */
  fault(fault: { calls: number; kind: MailFault }): void;
  /** Delays every following call, in milliseconds. */
  latency(ms: number): void;
  close(): Promise<void>;
}

const INBOX_LIMIT = 1000;
const BODY_LIMIT = 10 * 1024 * 1024;

const part = object({ Data: string() });
const sendEmail = object({
  FromEmailAddress: string(),
  ReplyToAddresses: optional(array(string())),
  Destination: object({ ToAddresses: array(string()) }),
  Content: object({ Simple: object({ Subject: part, Body: object({ Html: part, Text: part }) }) }),
});

/** An error response of SES. */
class SesError extends Error {
  readonly status: number;
  readonly type: string;
  constructor(status: number, type: string, message: string) {
    super(message);
    this.status = status;
    this.type = type;
  }
}

const FAULTS: Readonly<Record<"error" | "rate_limited" | "rejected", (to: string) => SesError>> = {
  error: () => new SesError(500, "InternalServiceErrorException", "Something went wrong"),
  rate_limited: () => new SesError(429, "TooManyRequestsException", "Maximum sending rate exceeded."),
  // SES's message contains the address, which Nest must not log.
  rejected: (to) =>
    new SesError(
      400,
      "MessageRejected",
      `Email address is not verified. The following identities failed the check in region EU-WEST-2: ${to}`,
    ),
};

/**
 * Starts a double of SES v2 on loopback, with an inbox. It accepts `SendEmail` from the unmodified SDK, and rejects invalid
 * requests with SES's messages and error types.
 * @param options.clock the time in `sent_at`
 */
export async function startSesDouble({ port = 0, clock = systemClock } = {}): Promise<SesDouble> {
  const inbox: SentMail[] = [];
  let armed: { calls: number; kind: MailFault } = { calls: 0, kind: "none" };
  let latency = 0;

  const server = createServer(async (request, response) => {
    try {
      if (request.method !== "POST" || request.url !== "/v2/email/outbound-emails") {
        throw new SesError(404, "NotFoundException", "No such operation");
      }
      if (!request.headers.authorization?.startsWith("AWS4-HMAC-SHA256 ")) {
        throw new SesError(403, "MissingAuthenticationTokenException", "Missing Authentication Token");
      }
      const body = await readBody(request);
      await wait(latency);
      if (armed.calls > 0 && armed.kind !== "none") {
        armed.calls--;
        if (armed.kind === "hang") return;
        throw FAULTS[armed.kind](safeParse(sendEmail, body).data?.Destination.ToAddresses[0] ?? "");
      }
      inbox.push({ ...parseMail(body), sent_at: clock.now().toISOString() });
      inbox.splice(0, inbox.length - INBOX_LIMIT);
      answer(response, 200, { MessageId: randomUUID() });
    } catch (error) {
      const sesError =
        error instanceof SesError ? error : new SesError(400, "BadRequestException", "Bad request");
      answer(response, sesError.status, { message: sesError.message }, { "x-amzn-errortype": sesError.type });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    inbox,
    clear: () => void inbox.splice(0),
    fault: (fault) => {
      armed = { ...fault };
    },
    latency(ms) {
      latency = ms;
    },
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) throw new SesError(413, "PayloadTooLargeException", "Too large");
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
}

/** @throws SesError if SES would reject the email */
function parseMail(body: unknown): Omit<SentMail, "sent_at"> {
  const parsed = safeParse(sendEmail, body);
  if (!parsed.success) throw new SesError(400, "BadRequestException", "Missing or malformed parameters");
  const { FromEmailAddress: from, ReplyToAddresses, Destination, Content } = parsed.data;
  const [to, ...others] = Destination.ToAddresses;
  if (to === undefined || others.length > 0)
    throw new SesError(400, "BadRequestException", "One recipient expected");
  const { Subject, Body } = Content.Simple;
  for (const header of [from, to, Subject.Data, ...(ReplyToAddresses ?? [])]) {
    if (/[\r\n]/.test(header)) throw new SesError(400, "BadRequestException", "Header contains a line break");
  }
  for (const mailbox of [from, ...(ReplyToAddresses ?? [])]) requireMailbox(mailbox);
  requireDeliverable(to);
  return {
    to,
    from,
    reply_to: ReplyToAddresses?.[0] ?? null,
    subject: Subject.Data,
    text: Body.Text.Data,
    html: Body.Html.Data,
  };
}

/** One mailbox as a header has it: ASCII, and no special character in a name without quotes (RFC 5322, 3.4). */
function requireMailbox(text: string): void {
  if (/[^ -~]/.test(text))
    throw new SesError(400, "BadRequestException", "Local address contains control or whitespace");
  const name = /^(?<name>.*)<[^<>@]+@[^<>@]+>$/.exec(text)?.groups?.name ?? "";
  if (/^("(?:[^"\\]|\\.)*"|[^()<>[\]:;@,."]*) ?$/.test(name)) return;
  throw new SesError(400, "BadRequestException", "Illegal address");
}

function requireDeliverable(to: string): void {
  const domain = to.slice(to.lastIndexOf("@") + 1);
  if (!to.includes("@") || domain === "")
    throw new SesError(400, "BadRequestException", "Missing final '@domain'");
  if (domain.startsWith(".")) throw new SesError(400, "BadRequestException", "Domain starts with dot");
  if (/[^\x21-\x7e]/.test(to))
    throw new SesError(400, "BadRequestException", "Address contains illegal characters");
}

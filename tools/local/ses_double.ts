import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { array, object, optional, safeParse, string } from "zod/mini";
import { systemClock } from "#core/clock.ts";
import { ArmedFault, BodyTooLarge, readText, startDoubleServer } from "#tools/local/double_server.ts";

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
  const faults = new ArmedFault<MailFault>();
  let latency = 0;

  const server = await startDoubleServer(async (request, response) => {
    try {
      if (request.method !== "POST" || request.url !== "/v2/email/outbound-emails") {
        throw new SesError(404, "NotFoundException", "No such operation");
      }
      if (!request.headers.authorization?.startsWith("AWS4-HMAC-SHA256 ")) {
        throw new SesError(403, "MissingAuthenticationTokenException", "Missing Authentication Token");
      }
      const body: unknown = JSON.parse(await readText(request, BODY_LIMIT));
      await wait(latency);
      const fault = faults.take();
      if (fault === "hang") return;
      if (fault !== "none")
        throw FAULTS[fault](safeParse(sendEmail, body).data?.Destination.ToAddresses[0] ?? "");
      inbox.push({ ...parseMail(body), sent_at: clock.now().toISOString() });
      inbox.splice(0, inbox.length - INBOX_LIMIT);
      answer(response, 200, { MessageId: randomUUID() });
    } catch (error) {
      const sesError = toSesError(error);
      answer(response, sesError.status, { message: sesError.message }, { "x-amzn-errortype": sesError.type });
    }
  }, port);
  return {
    ...server,
    inbox,
    clear: () => void inbox.splice(0),
    fault: (fault) => faults.arm(fault),
    latency(ms) {
      latency = ms;
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

function toSesError(error: unknown): SesError {
  if (error instanceof SesError) return error;
  if (error instanceof BodyTooLarge) return new SesError(413, "PayloadTooLargeException", "Too large");
  return new SesError(400, "BadRequestException", "Bad request");
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

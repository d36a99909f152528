import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import { systemClock } from "#core/clock.ts";
import { ArmedFault, BodyTooLarge, readText, startDoubleServer } from "#tools/local/double_server.ts";

/** An SMS in the inbox. */
export interface SentSms {
  /** E.164. */
  to: string;
  text: string;
  /** The name that a phone shows as the sender; null: a number of the carrier. */
  sender_id: string | null;
  sent_at: string;
}

export const SMS_FAULTS = ["error", "hang", "rate_limited", "rejected", "none"] as const;
export type SmsFault = (typeof SMS_FAULTS)[number];

export interface SnsDouble {
  url: string;
  /** Newest last. */
  inbox: SentSms[];
  clear(): void;
  /** Makes the next `calls` calls fail; 0 calls or the kind `none` clears the fault. */
  fault(fault: { calls: number; kind: SmsFault }): void;
  close(): Promise<void>;
}

const INBOX_LIMIT = 1000;
const BODY_LIMIT = 256 * 1024;

/** An error response of SNS. */
class SnsError extends Error {
  readonly status: number;
  readonly type: string;
  constructor(status: number, type: string, message: string) {
    super(message);
    this.status = status;
    this.type = type;
  }
}

const invalid = (what: string) => new SnsError(400, "InvalidParameter", `Invalid parameter: ${what}`);

const FAULTS: Readonly<Record<"error" | "rate_limited" | "rejected", (to: string) => SnsError>> = {
  error: () => new SnsError(500, "InternalFailure", "The request processing has failed."),
  rate_limited: () => new SnsError(400, "Throttling", "Rate exceeded"),
  // The message contains the number, which Nest must not log.
  rejected: (to) => new SnsError(400, "OptedOut", `The number ${to} has opted out of receiving SMS.`),
};

/**
 * Starts a double of SNS on loopback, with an inbox. It accepts `Publish` of an SMS from the unmodified SDK, and rejects invalid
 * requests with SNS's error codes.
 * @param options.clock the time in `sent_at`
 */
export async function startSnsDouble({ port = 0, clock = systemClock } = {}): Promise<SnsDouble> {
  const inbox: SentSms[] = [];
  const faults = new ArmedFault<SmsFault>();

  const server = await startDoubleServer(async (request, response) => {
    try {
      if (!request.headers.authorization?.startsWith("AWS4-HMAC-SHA256 "))
        throw new SnsError(403, "MissingAuthenticationToken", "Request is missing Authentication Token");
      const form = new URLSearchParams(await readText(request, BODY_LIMIT));
      if (request.method !== "POST" || form.get("Action") !== "Publish")
        throw new SnsError(400, "InvalidAction", "The action is not valid for this endpoint.");
      const fault = faults.take();
      if (fault === "hang") return;
      if (fault !== "none") throw FAULTS[fault](form.get("PhoneNumber") ?? "");
      inbox.push({ ...readSms(form), sent_at: clock.now().toISOString() });
      inbox.splice(0, inbox.length - INBOX_LIMIT);
      const published = `<PublishResult><MessageId>${randomUUID()}</MessageId></PublishResult>`;
      answer(response, 200, "PublishResponse", published);
    } catch (error) {
      const { status, type, message } = toSnsError(error);
      const fault = status < 500 ? "Sender" : "Receiver";
      const details = `<Error><Type>${fault}</Type><Code>${type}</Code><Message>${message}</Message></Error>`;
      answer(response, status, "ErrorResponse", details);
    }
  }, port);
  return {
    ...server,
    inbox,
    clear: () => void inbox.splice(0),
    fault: (fault) => faults.arm(fault),
  };
}

function answer(response: ServerResponse, status: number, element: string, inside: string): void {
  const metadata = `<ResponseMetadata><RequestId>${randomUUID()}</RequestId></ResponseMetadata>`;
  const xml = `<${element} xmlns="http://sns.amazonaws.com/doc/2010-03-31/">${inside}${metadata}</${element}>`;
  response.writeHead(status, { "content-type": "text/xml" }).end(xml);
}

function toSnsError(error: unknown): SnsError {
  if (error instanceof SnsError) return error;
  return invalid(error instanceof BodyTooLarge ? "Message too long" : "the body");
}

/** @throws SnsError if SNS would reject the SMS */
function readSms(form: URLSearchParams): Omit<SentSms, "sent_at"> {
  const to = form.get("PhoneNumber") ?? "";
  const text = form.get("Message") ?? "";
  if (form.get("Version") !== "2010-03-31") throw invalid("Version");
  if (!/^\+\d{7,15}$/.test(to)) throw invalid(`PhoneNumber Reason: ${to} is not valid to publish to`);
  if (text === "") throw invalid("Empty message");
  if (text.length > 1600) throw invalid("Message too long");
  const attributes = readAttributes(form);
  if (!["Promotional", "Transactional"].includes(attributes.get("AWS.SNS.SMS.SMSType") ?? "Promotional"))
    throw invalid("AWS.SNS.SMS.SMSType");
  return { to, text, sender_id: attributes.get("AWS.SNS.SMS.SenderID") ?? null };
}

function readAttributes(form: URLSearchParams): Map<string, string> {
  const attributes = new Map<string, string>();
  for (let index = 1; form.has(`MessageAttributes.entry.${index}.Name`); index++) {
    const entry = `MessageAttributes.entry.${index}`;
    if (form.get(`${entry}.Value.DataType`) !== "String") throw invalid("DataType");
    attributes.set(form.get(`${entry}.Name`) ?? "", form.get(`${entry}.Value.StringValue`) ?? "");
  }
  return attributes;
}

import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import { connectionsFor } from "#core/services/connections.ts";

/** Bytes. The answers of all vendors are far below it. */
const ANSWER_LIMIT = 64 * 1024;

/** A vendor's siteverify gave no usable answer. `name` is a network error code, `TimeoutError` or `UnusableAnswer`. */
export class SiteverifyError extends Error {
  constructor(name: string, cause?: unknown) {
    super(name, cause === undefined ? undefined : { cause });
    this.name = name;
  }
}

/** The form that every vendor's siteverify takes. */
export interface SiteverifyForm {
  secret: string;
  /** The token that the widget gave the page. */
  response: string;
}

/**
 * Posts one form to a vendor's siteverify, in one attempt: a second attempt would present the token twice.
 * @param limitMs time for the whole request, in milliseconds
 * @returns the JSON object of a 2xx; redirects are not followed
 * @throws SiteverifyError
 */
export async function postSiteverify(
  url: URL,
  { secret, response }: SiteverifyForm,
  limitMs: number,
): Promise<Record<string, unknown>> {
  const signal = AbortSignal.timeout(Math.max(1, limitMs));
  const send = url.protocol === "http:" ? httpRequest : httpsRequest;
  const options = {
    agent: connectionsFor(url.protocol),
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
    signal,
  };
  try {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      send(url, options, resolve)
        .on("error", reject)
        .end(new URLSearchParams({ secret, response }).toString());
    });
    return parse(answer, await readAll(answer));
  } catch (error) {
    throw toSiteverifyError(error, signal);
  }
}

async function readAll(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > ANSWER_LIMIT) throw new SiteverifyError("UnusableAnswer");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parse({ statusCode = 0 }: IncomingMessage, text: string): Record<string, unknown> {
  if (statusCode < 200 || statusCode >= 300) throw new SiteverifyError("UnusableAnswer");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new SiteverifyError("UnusableAnswer");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new SiteverifyError("UnusableAnswer");
  return value as Record<string, unknown>;
}

function toSiteverifyError(error: unknown, { aborted }: AbortSignal): SiteverifyError {
  if (error instanceof SiteverifyError) return error;
  if (aborted) return new SiteverifyError("TimeoutError", error);
  if (!(error instanceof Error)) return new SiteverifyError("UnknownError", error);
  return new SiteverifyError(
    "code" in error && typeof error.code === "string" ? error.code : error.name,
    error,
  );
}

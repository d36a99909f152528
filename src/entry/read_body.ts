import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { NestError } from "#core/errors.ts";

/** Bytes. Below API Gateway's 10 MB limit, so that the error is ours (contract 1.1). */
export const RPC_BODY_LIMIT = 64 * 1024;

/**
 * Parses the body of a call as JSON.
 * @param isOptional whether no body means `{}`
 * @throws NestError body_too_large, body_missing, malformed_json
 */
export function readJson(event: APIGatewayProxyEventV2, { isOptional = false } = {}): unknown {
  const bytes = readBytes(event, RPC_BODY_LIMIT);
  if (bytes.length === 0 && isOptional) return {};
  if (bytes.length === 0) throw new NestError("body_missing");
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new NestError("malformed_json");
  }
}

/**
 * Reads the raw body of a call and decodes base64.
 * @param limit bytes
 * @throws NestError body_too_large
 */
export function readBytes(event: APIGatewayProxyEventV2, limit: number): Buffer {
  const body = event.body ?? "";
  // Checks the length first, so that a far too large body is not decoded.
  if (body.length > limit * 2) throw new NestError("body_too_large", { meta: { limit } });
  const bytes = Buffer.from(body, event.isBase64Encoded ? "base64" : "utf8");
  if (bytes.length > limit) throw new NestError("body_too_large", { meta: { limit } });
  return bytes;
}

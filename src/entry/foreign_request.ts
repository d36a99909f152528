import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { NestError } from "#core/errors.ts";
import { unauthorized } from "#core/sessions/access_token.ts";
import type { RouteCredential } from "#entry/adapter_declaration.ts";
import { headerOf } from "#entry/answer.ts";
import { RPC_BODY_LIMIT, readBytes } from "#entry/read_body.ts";

/**
 * Reads a body in JSON, or with the fields of a form. `curl -d` names a JSON body a form, so a body that begins with a
 * brace is JSON.
 * @throws NestError body_too_large, body_missing, malformed_json
 */
export function readJsonOrForm(event: APIGatewayProxyEventV2): unknown {
  const bytes = readBytes(event, RPC_BODY_LIMIT);
  if (bytes.length === 0) throw new NestError("body_missing");
  const type = headerOf(event, "content-type") ?? "";
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const isForm = /^application\/x-www-form-urlencoded\b/i.test(type) && !/^\s*[{[]/.test(text);
    return isForm ? Object.fromEntries(new URLSearchParams(text)) : JSON.parse(text);
  } catch {
    throw new NestError("malformed_json");
  }
}

/**
 * The authorization header with which an adapter calls a method; null for none.
 * @param sent the header of the request
 * @param localKey the internal key of the local stack; null on every other
 * @throws NestError unauthorized for a route that needs a session
 */
export function presented(
  credential: RouteCredential,
  sent: string | null,
  localKey: string | null,
): string | null {
  switch (credential) {
    case "none":
      return null;
    case "session":
      if (sent === null || !/^bearer /i.test(sent)) throw unauthorized("malformed_token");
      return sent;
    case "local_key":
      return sent === null && localKey !== null ? `internal ${localKey}` : sent;
    case "bearer_key":
      return sent?.replace(/^bearer /i, "internal ") ?? null;
    case "internal_key":
      return sent !== null && /^internal /i.test(sent) ? sent : null;
    case "caller":
      return sent;
  }
}

/**
 * The event of a call of a method, made from the event of another API's request. The caller, the address and the headers
 * stay, so that limits, access and audit are those of a direct call.
 * @param path the method's
 * @param body of the method
 * @param authorization the credential of the call; null for none
 */
export function methodEvent(
  event: APIGatewayProxyEventV2,
  path: string,
  body: object,
  authorization: string | null,
): APIGatewayProxyEventV2 {
  const others = Object.entries(event.headers).filter(([name]) => name.toLowerCase() !== "authorization");
  const http = { ...event.requestContext.http, method: "POST", path };
  return {
    ...event,
    rawPath: path,
    headers: { ...Object.fromEntries(others), ...(authorization === null ? {} : { authorization }) },
    requestContext: { ...event.requestContext, http },
    body: JSON.stringify(body),
    isBase64Encoded: false,
  };
}

import type { CallOptions, Reply, TestNest } from "#tests/support/nest.ts";

/** A request of a client of another API. */
interface ForeignCall extends Omit<CallOptions, "bearer" | "internal"> {
  /** Sent as JSON, unless it is a string. */
  body?: unknown;
}

/** A response of another API. */
export type ForeignReply = Omit<Reply, "raw" | "body" | "cookies"> & { text: string };

/** Sends a request to an adapter through API Gateway's routing. */
export async function callAdapter(
  nest: TestNest,
  path: string,
  { body, method = "POST", headers = {}, ip = "203.0.113.9" }: ForeignCall = {},
): Promise<ForeignReply> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const result = await nest.gateway.invoke({
    ...{ method, path, ip, headers: { "content-type": "application/json", ...headers } },
    body: text === undefined ? undefined : Buffer.from(text),
  });
  return {
    status: result.statusCode ?? 0,
    headers: result.headers as Record<string, string>,
    text: result.body ?? "",
  };
}

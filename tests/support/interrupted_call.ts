import { expect } from "vitest";
import { type RpcHandler, serveRpc } from "#entry/rpc.ts";
import { interceptIo } from "#tests/support/io_interceptor.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import type { TestNest } from "#tests/support/nest.ts";
import { V3 } from "#tests/support/plans.ts";
import { toEvent } from "#tools/local/gateway.ts";

/** A call of 2026-12-01, and what others do just before one of its writes. */
export interface Interrupted {
  handler: RpcHandler;
  /** Of the caller. Absent: the call needs none. */
  bearer?: string;
  body?: object;
  /** Class and method of the write, such as `SessionRepository.insertIfAbsent`. */
  write: string;
  meanwhile: () => Promise<unknown>;
}

/** Runs `meanwhile` before the first time that a call makes a write. Fails if it never makes it. */
export async function interruptedCall(
  nest: TestNest,
  { handler, bearer, body = {}, write, meanwhile }: Interrupted,
): Promise<{ status: number; body: Record<string, unknown> }> {
  let isDone = false;
  const open = interceptIo(nest.gateway, async ({ name }, work) => {
    if (name === write && !isDone) {
      isDone = true;
      await meanwhile();
    }
    return work();
  });
  const path = `${V3}${handler.declaration.name}`;
  const headers: Record<string, string> = bearer === undefined ? {} : { authorization: `bearer ${bearer}` };
  const incoming = {
    ...{ method: "POST", path, headers, body: Buffer.from(JSON.stringify(body)), ip: "203.0.113.9" },
  };
  const { statusCode, body: answer } = await serveRpc(handler.declaration, open)(
    toEvent(incoming, path),
    lambdaContext(),
  );
  expect(isDone, `${write} was called`).toBe(true);
  return { status: statusCode ?? 0, body: JSON.parse(answer ?? "{}") };
}

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isClientError } from "#client/index.ts";
import { clientOf } from "#tests/packages/client/support.ts";
import { freePort } from "#tools/machine/child_process.ts";

/** The responses of a server that is not Nest, by path. */
const ANSWERS: Readonly<
  Record<string, (end: (status: number, body: string, headers?: object) => void) => void>
> = {
  hang: () => undefined,
  throttled: (end) => end(429, '{"message":"Too Many Requests"}'),
  crashed: (end) => end(500, '{"message":"Internal Server Error"}'),
  page: (end) => end(200, "<!doctype html><p>Sign in to the hotel's network</p>"),
  list: (end) => end(400, "[]"),
  empty: (end) => end(502, ""),
  unknownCode: (end) => end(400, '{"code":"invented_tomorrow"}'),
  prototype: (end) => end(400, '{"code":"constructor"}'),
  redirect: (end) => end(307, "", { location: "/page/1/2021-10-06/list_news_items" }),
};

const server = createServer((request, response) => {
  const [, which = ""] = (request.url ?? "").split("/");
  ANSWERS[which]?.((status, body, headers = {}) =>
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(body),
  );
});
let url: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const failureAt = async (where: string, options: object = {}, call: object = {}) => {
  const { nest } = clientOf({ url: where }, options);
  const error = await nest.call("list_news_items", {}, call).catch((thrown: unknown) => thrown);
  if (!isClientError(error, "list_news_items")) throw error;
  return error;
};

describe("a call without a response from Nest", () => {
  test("is a timeout after the client's or the call's time limit", async () => {
    expect(await failureAt(`${url}/hang`, { timeoutMs: 50 })).toMatchObject({ kind: "timeout", code: null });
    expect(await failureAt(`${url}/hang`, {}, { timeoutMs: 50 })).toMatchObject({ kind: "timeout" });
  });

  test("waits without a limit if the timeout is infinite", async () => {
    const { nest } = clientOf({ url: `${url}/page` }, { timeoutMs: Number.POSITIVE_INFINITY });
    const failure = await nest.call("list_news_items", {}).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ kind: "unexpected_answer" });
  });

  test("is aborted by its signal, before it is sent or while it runs", async () => {
    const before = AbortSignal.abort();
    expect(await failureAt(`${url}/hang`, {}, { signal: before })).toMatchObject({ kind: "aborted" });
    const controller = new AbortController();
    const under = failureAt(`${url}/hang`, {}, { signal: controller.signal });
    controller.abort(new Error("the window was closed"));
    expect(await under).toMatchObject({ kind: "aborted" });
  });

  test("is a network failure if the connection is refused", async () => {
    expect(await failureAt(`http://127.0.0.1:${await freePort()}`)).toMatchObject({ kind: "network" });
  });

  test.each([
    ["throttled", 429],
    ["crashed", 500],
    ["page", 200],
    ["list", 400],
    ["empty", 502],
    ["unknownCode", 400],
    ["prototype", 400],
  ])("is unexpected_answer with its status for %s", async (which, status) => {
    expect(await failureAt(`${url}/${which}`)).toMatchObject({
      kind: "unexpected_answer",
      status,
      code: null,
    });
  });

  // Browsers reject `window.fetch` with another `this`.
  test("calls the given fetch without a this", async () => {
    const receivers: unknown[] = [];
    async function strict(this: unknown, ...args: Parameters<typeof fetch>) {
      receivers.push(this);
      return fetch(...args);
    }
    expect(await failureAt(`${url}/page`, { fetch: strict })).toMatchObject({ kind: "unexpected_answer" });
    expect(receivers).toEqual([undefined]);
  });

  test("never follows a redirect", async () => {
    expect(await failureAt(`${url}/redirect`)).toMatchObject({ kind: "network" });
  });

  test("has the name of its method", async () => {
    const error = await failureAt(`${url}/crashed`);
    expect(isClientError(error, "list_news_items")).toBe(true);
    expect(isClientError(error, "get_user")).toBe(false);
    expect(isClientError(new Error("something else"))).toBe(false);
    expect(error.message).toBe("list_news_items: unexpected_answer (500)");
  });
});

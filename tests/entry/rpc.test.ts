import { MongoExpiredSessionError, MongoServerError } from "mongodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { strictObject } from "zod/mini";
import { NestError } from "#core/errors.ts";
import { openMongo } from "#core/services/mongo.ts";
import type { RpcDeclaration } from "#entry/declaration.ts";
import { serveRpc } from "#entry/rpc.ts";
import { endsWithin } from "#tests/support/deadline.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import { MAC, startNest, type TestNest, V2 } from "#tests/support/nest.ts";
import { toEvent } from "#tools/local/gateway.ts";

const CLIENT_LEAVES_AFTER_MS = 5000;

describe("every method", () => {
  let nest: TestNest;
  beforeAll(async () => {
    nest = await startNest();
  });
  afterAll(() => nest.stop());

  /** Serves a method that the test declares and calls it once. */
  const call = async (methods: Pick<RpcDeclaration, "run"> & Partial<RpcDeclaration>, bearer?: string) => {
    const serve = serveRpc(
      {
        name: "odd_method",
        version: "2020-12-14",
        summary: "A method of a test.",
        access: "public",
        request: strictObject({}),
        response: null,
        errors: [],
        ...methods,
      },
      nest.gateway,
    );
    const headers: Record<string, string> = bearer ? { authorization: `bearer ${bearer}` } : {};
    const path = "/1/2020-12-14/odd_method";
    const incoming = { method: "POST", path, headers, body: Buffer.from("{}"), ip: "203.0.113.9" };
    const {
      statusCode,
      body,
      headers: answered,
    } = await serve(toEvent(incoming, path), lambdaContext("r-1"));
    return { status: statusCode, body: body ? JSON.parse(body) : undefined, headers: answered };
  };
  const failing = (error: unknown) => call({ run: () => Promise.reject(error) });

  test("returns unknown and the request id for an unexpected failure, and neither response nor log contains its message", async () => {
    for (const thrown of [new Error("ada@example.com hunter2"), new RangeError("hunter2"), "hunter2"]) {
      expect(await failing(thrown)).toMatchObject({
        status: 500,
        body: { code: "unknown", meta: { request_id: "r-1" } },
      });
    }
    expect(nest.logged("call").slice(-3)).toMatchObject([
      { level: "error", code: "unknown", failure: "Error" },
      { failure: "RangeError" },
      { failure: "string" },
    ]);
    expect(nest.logLines.join()).not.toContain("hunter2");
  });

  test("writes an internal detail to the log and never to the response", async () => {
    const { body } = await failing(
      new NestError("unavailable", { detail: "which part", cause: new Error("x") }),
    );
    expect(body).toEqual({ code: "unavailable" });
  });

  test.each([
    ["a primary that stepped down", 189],
    ["a primary that is another now", 10107],
    ["a server that shuts down", 91],
    ["a majority that did not acknowledge in time", 64],
    ["a server that ran out of time", 50],
    ["a router that finds no primary", 133],
    ["a server that limits the rate of requests", 462],
    ["a server that ended the operation", 11601],
    ["a server whose queue is full", 433],
    ["a write conflict", 112],
    ["an election", 216],
    ["a full disk", 14031],
    ["a database user that is not there yet", 18],
    ["a database user of Atlas that is not there yet", 8000],
  ])("returns unavailable for %s, because a retry can succeed", async (_case, code) => {
    const reply = await failing(new MongoServerError({ errmsg: "hunter2", code }));
    expect([reply.status, reply.body, reply.headers?.["retry-after"]]).toEqual([
      503,
      { code: "unavailable" },
      "1",
    ]);
  });

  test("returns unavailable for an error labeled as retryable and unknown for any other database error", async () => {
    for (const label of ["RetryableWriteError", "RetryableError", "SystemOverloadedError"]) {
      const labeled = { errmsg: "x", code: 314159, errorLabels: [label] };
      expect((await failing(new MongoServerError(labeled))).body.code, label).toBe("unavailable");
    }
    expect((await failing(new MongoServerError({ errmsg: "x", code: 314159 }))).body.code).toBe("unknown");
    expect((await failing(Object.assign(new Error("x"), { code: 189 }))).body.code).toBe("unknown");
  });

  test.each(["read", "write"] as const)(
    "returns unavailable with Retry-After when the driver's session expired before a %s",
    async (kind) => {
      const { client, database } = nest.gateway.mongo;
      const session = client.startSession();
      await session.endSession();
      const users = database.collection("users");
      const run = async () => {
        if (kind === "read") await users.findOne({}, { session });
        else await users.insertOne({}, { session });
      };
      await expect(run()).rejects.toThrow(MongoExpiredSessionError);
      const { status, body, headers } = await call({ run });
      expect([status, body, headers?.["retry-after"]]).toEqual([503, { code: "unavailable" }, "1"]);
    },
  );

  test("returns unavailable when the DNS lookup of a mongodb+srv name fails", async () => {
    const lost = openMongo("mongodb+srv://database.invalid/nest");
    const reply = await call({ run: async () => void (await lost.database.collection("users").findOne()) });
    await lost.client.close();
    expect({ status: reply.status, body: reply.body }).toEqual({
      status: 503,
      body: { code: "unavailable" },
    });
  });

  test("responds before the desktop app times out, even if the method hangs", async () => {
    const hang = async () => {
      const { status, body } = await call({ run: () => new Promise(() => undefined) });
      expect({ status, body }).toEqual({ status: 503, body: { code: "unavailable" } });
    };
    expect(await endsWithin(CLIENT_LEAVES_AFTER_MS, hang)).toBe(true);
  });

  test("does work that is left until success after a success only, and succeeds even if that work fails", async () => {
    let done = 0;
    const leaving = (end: Promise<void>, work: () => Promise<void>) =>
      call({
        run: ({ call: { onSuccess } }) => {
          onSuccess?.(work);
          return end;
        },
      });
    const works = async () => void done++;
    expect((await leaving(Promise.resolve(), works)).status).toBe(204);
    expect(done).toBe(1);
    expect((await leaving(Promise.reject(new NestError("unavailable")), works)).status).toBe(503);
    expect(done).toBe(1);
    const failed = Promise.reject(new MongoServerError({ errmsg: "hunter2", code: 91 }));
    expect((await leaving(Promise.resolve(), () => failed)).status).toBe(204);
    expect(nest.logged("work_after_success_failed")).toMatchObject([{ level: "warn" }]);
  });

  test("responds in time with success if work that is left until success hangs, and with 503 if it was too late for it", async () => {
    let done = 0;
    const hangs = () => new Promise<void>(() => undefined);
    const late = call({
      run: async ({ call: { onSuccess } }) => {
        onSuccess?.(async () => void done++);
        await hangs();
      },
    });
    const hanging = call({ run: async ({ call: { onSuccess } }) => onSuccess?.(hangs) });
    const ended = await endsWithin(CLIENT_LEAVES_AFTER_MS, async () => {
      expect((await hanging).status).toBe(204);
      expect((await late).status).toBe(503);
    });
    expect({ ended, done }).toEqual({ ended: true, done: 0 });
  });

  test("returns unauthorized for a revoked bearer token whatever its reads return, without running the method", async () => {
    const { access_token, refresh_token } = await nest.signIn();
    await nest.call(`${V2}revoke_token`, { client_id: MAC, refresh_token });
    let runs = 0;
    const reply = await call(
      {
        reads: () => Promise.reject(new NestError("access_denied")),
        run: async () => void runs++,
      },
      access_token,
    );
    expect({ code: reply.body.code, runs }).toEqual({ code: "unauthorized", runs: 0 });
  });
});

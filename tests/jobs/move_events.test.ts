import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DAY } from "#core/clock.ts";
import type { AuditLog } from "#core/repositories/audit_logs.ts";
import type { Outbox } from "#core/repositories/outbox.ts";
import { type JobFunction, serveJob } from "#entry/job.ts";
import { handler } from "#jobs/move_events.ts";
import { crashAt } from "#tests/support/crash.ts";
import { lambdaContext } from "#tests/support/lambda_event.ts";
import { startTestStack } from "#tests/support/local_stack.ts";
import { linkRequest, startNest, type TestNest, V1, V2 } from "#tests/support/nest.ts";

const EVENT = { job: "move_events" };

describe("the function", () => {
  let nest: TestNest;
  let serve: JobFunction;
  beforeEach(async () => {
    nest = await startNest();
    serve = serveJob(handler.declaration, nest.gateway);
  });
  afterEach(() => nest.stop());

  const run = (leftMs = 60_000) =>
    serve(EVENT, { ...lambdaContext("r1"), getRemainingTimeInMillis: () => leftMs });
  const rows = () =>
    nest.collection("audit_logs").find().toArray() as Promise<unknown> as Promise<AuditLog[]>;
  const sessions = () =>
    nest.collection("sessions").find().toArray() as Promise<unknown> as Promise<(Outbox & { _id: string })[]>;
  /** Signs people in and out. @returns the ids of their sessions */
  async function signOut(count: number): Promise<string[]> {
    for (let index = 0; index < count; index++) {
      const { client_id, refresh_token } = await nest.signIn(`person${index}@example.com`);
      await nest.call(`${V2}revoke_token`, { client_id, refresh_token });
    }
    return (await sessions()).map(({ _id }) => _id);
  }
  const revoked = async () =>
    (await rows()).filter(({ action }) => action === "session.revoked").map(({ target }) => target.id);

  test("moves each event into one row, and leaves no trace of it on the document", async () => {
    const ids = await signOut(3);
    expect((await sessions()).flatMap(({ events = [] }) => events)).toHaveLength(3);
    expect(await run()).toMatchObject({ pending: 0, failed: 0 });
    expect((await revoked()).sort()).toEqual(ids.sort());
    for (const session of await sessions())
      expect([session.events, session.eventsDueAt]).toEqual([undefined, undefined]);
    expect(await run()).toEqual({ done: 0, pending: 0, failed: 0 });
  });

  test("logs counts without an address or id of a person", async () => {
    await signOut(1);
    nest.logLines.splice(0);
    await run();
    expect(nest.logged("job")).toMatchObject([{ job: EVENT.job, outcome: "done" }]);
    expect(nest.logLines.join()).not.toMatch(/@|user_|session_/);
  });

  test("adds each row once when five runs overlap, and no run fails", async () => {
    const ids = await signOut(5);
    const runs = await Promise.all([run(), run(), run(), run(), run()]);
    expect(runs.map(({ failed }) => failed)).toEqual([0, 0, 0, 0, 0]);
    expect((await revoked()).sort()).toEqual(ids.sort());
  });

  test("adds each row once when a run crashes after it added rows, and the next run moves the events again", async () => {
    const ids = await signOut(2);
    const crashed = Promise.withResolvers<void>();
    // The first write removes origins, the second adds the rows.
    const { open, settled } = crashAt(nest.gateway, { at: 2, when: "after" }, () => crashed.resolve());
    // It never returns; its own time limit ends it.
    void serveJob(handler.declaration, open)(EVENT, lambdaContext("r0")).catch(() => undefined);
    await crashed.promise;
    await settled();
    expect(await revoked()).toHaveLength(2);
    expect((await sessions()).flatMap(({ events = [] }) => events)).toHaveLength(2);
    await run();
    expect((await revoked()).sort()).toEqual(ids.sort());
    expect((await sessions()).flatMap(({ events = [] }) => events)).toEqual([]);
  });

  test("keeps an event that is recorded while the job moves the others of its document", async () => {
    const [id = ""] = await signOut(1);
    const { outboxes } = await openedParts();
    const pending = (await outboxes.list("9999", 10)).find(({ documentId }) => documentId === id);
    if (!pending) throw new Error("the session has no event");
    const [first] = pending.events;
    const late = { ...first, id: "event_late" };
    await nest.collection("sessions").updateOne({ _id: id } as object, { $push: { events: late } as object });
    await outboxes.remove(pending);
    expect(await sessions()).toMatchObject([
      { events: [{ id: "event_late" }], eventsDueAt: expect.any(String) },
    ]);
    await outboxes.remove({ ...pending, events: [late as never] });
    expect((await sessions())[0]).not.toHaveProperty("eventsDueAt");
  });

  test("reads no further page after its deadline, and logs how many documents wait", async () => {
    await signOut(2);
    expect(await run(10_000)).toMatchObject({ done: 0, failed: 0, pending: expect.any(Number) });
    expect(await revoked()).toEqual([]);
    await run();
    expect(await revoked()).toHaveLength(2);
  });

  test("removes IP address and user agent after 90 days, and keeps the row until auditDays are over", async () => {
    await signOut(1);
    await run();
    const origin = { ip: "203.0.113.9", userAgent: "" };
    expect(await rows()).toContainEqual(expect.objectContaining({ action: "session.revoked", origin }));
    nest.clock.advance(89 * DAY);
    await run();
    expect(await rows()).toContainEqual(expect.objectContaining({ action: "session.revoked", origin }));
    nest.clock.advance(2 * DAY);
    await run();
    for (const row of await rows()) {
      expect(row).not.toHaveProperty("origin");
      expect(row).not.toHaveProperty("originUntil");
      expect(row.purgeAt.getTime() - Date.parse(row.occurredAt)).toBe(400 * DAY * 1000);
    }
  });

  async function openedParts() {
    const { outboxes } = await import("#core/parts.ts");
    return { outboxes: nest.gateway.part(outboxes) };
  }
});

describe("the local stack", () => {
  test("runs the job by hand", async () => {
    await using stack = await startTestStack();
    await stack.ask("POST", `${V1}send_magic_link`, linkRequest());
    const { status, body } = await stack.ask("POST", "/dev/jobs/move_events");
    expect({ status, body }).toMatchObject({ status: 200, body: { pending: 0, failed: 0 } });
  });
});

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Claim, runJourneys } from "#tests/faults/journey.ts";
import { startNest, type TestNest } from "#tests/support/nest.ts";
import { reportSuite } from "#tests/support/suite_options.ts";
import { findDatabase } from "#tools/local/database/find_database.ts";
import type { FoundDatabase } from "#tools/local/database/found_database.ts";
import { serverOf } from "#tools/local/database/uri.ts";
import { type FaultProxy, mongoProtocol, startFaultProxy } from "#tools/machine/fault_proxy.ts";

const PEOPLE = 12;
/** Accepted calls before the kill, and again after the restart. */
const ACCEPTED = 150;

/** Each engine's PID file in its data folder. */
const PID_FILES = ["documentdb/postgres/postmaster.pid", "mongod/mongod.lock"];

async function servingProcess(folder: string): Promise<number> {
  for (const file of PID_FILES) {
    const text = await readFile(join(folder, file), "utf8").catch(() => "");
    const pid = Number.parseInt(text, 10);
    if (pid > 0) return pid;
  }
  throw new Error("no process serves the data folder");
}

let folder: string;
let database: FoundDatabase;
let proxy: FaultProxy;
let nest: TestNest;
const start = async () => {
  database = await findDatabase({ dataDirectory: folder, say: () => undefined });
  proxy.forwardTo(serverOf(database.uri));
};
/** A test run does not kill a database server that it did not start. */
const isOurs = !process.env.MONGODB_URI;

beforeAll(async () => {
  if (!isOurs) return;
  folder = await mkdtemp(join(tmpdir(), "nest-killed-"));
  proxy = await startFaultProxy(mongoProtocol);
  await start();
  nest = await startNest({
    environment: {
      MONGODB_URI: `mongodb://127.0.0.1:${proxy.port}/nest?directConnection=true&maxPoolSize=16`,
      LIMIT_LINKS_PER_KNOWN_DEVICE: "0",
      LIMIT_MAILS_PER_HOUR: "0",
    },
  });
});
afterAll(async () => {
  if (!isOurs) return;
  await nest.stop();
  await proxy.close();
  await database.stop();
  await rm(folder, { recursive: true, force: true });
});

test.runIf(isOurs)(
  "keeps every accepted write, and recovers without a restart, when the database's process is killed under load",
  async () => {
    const claims: Claim[] = [];
    const answers = new Map<string, number>();
    let isOver = false;
    let waiting: (() => void) | null = null;
    let wanted = ACCEPTED;
    const accepted = () =>
      new Promise<void>((resolve) => {
        waiting = resolve;
      });
    const note = (answer: string, claim: Claim | null) => {
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
      if (claim) claims.push(claim);
      if (claims.length >= wanted) waiting?.();
    };
    const journeys = Array.from({ length: PEOPLE }, (_, number) =>
      runJourneys(nest, `person${number}`, note, () => isOver),
    );

    await accepted();
    const before = claims.length;
    const pid = await servingProcess(folder);
    // Like a power loss: refuse connections, so that the server in front of the engine can't report the crash.
    process.kill(pid, "SIGKILL");
    proxy.refuse();
    await database.died;
    // Stops the server in front of the engine.
    await database.stop();
    wanted = claims.length + ACCEPTED;
    await start();
    proxy.clear();
    await accepted();
    isOver = true;
    await Promise.all(journeys);

    const counts = [...answers].map(([answer, count]) => `${answer} ×${count}`).join(", ");
    await reportSuite({
      suite: "killed_database",
      summary:
        `${database.engine}: ${before} calls accepted before the kill and ${claims.length - before} after it ` +
        `were checked. Responses: ${counts}.`,
    });
    const lost: string[] = [];
    for (const { says, holds } of claims) if (!(await holds())) lost.push(says);
    expect(lost).toEqual([]);
    expect([...answers.keys()].filter((answer) => answer.includes("unknown"))).toEqual([]);
  },
  180_000,
);

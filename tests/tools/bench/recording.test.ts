import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { linkRequest, startNest, type TestNest, V1 } from "#tests/support/nest.ts";
import { warmConnections } from "#tests/support/trips.ts";
import { explainQueries } from "#tools/bench/query_plans.ts";
import { recordTrips, type Trips, writtenCollections } from "#tools/bench/recording.ts";
import { takeSnapshot } from "#tools/bench/snapshot.ts";
import { openTarget } from "#tools/bench/targets/bare.ts";

describe("the recorded database commands of a call", () => {
  let nest: TestNest;
  let recorded: Trips;
  let snapshot: Awaited<ReturnType<typeof takeSnapshot>>;

  beforeAll(async () => {
    nest = await startNest({ isDatabaseNew: true, environment: { LIMIT_LINKS_PER_NETWORK: "1000" } });
    await nest.signIn();
    await warmConnections(nest.gateway.mongo.client, 16);
    snapshot = await takeSnapshot(nest.gateway.mongo.database);
    recorded = await recordTrips(nest.gateway.mongo.client, () =>
      nest.call(`${V1}send_magic_link`, linkRequest()),
    );
  });
  afterAll(() => nest.stop());

  const namesOf = (trips: Trips) =>
    trips.map((trip) => trip.map((command) => Object.keys(command)[0]).sort());

  test("are grouped by round trip, and name the written collections", () => {
    expect(recorded).toHaveLength(2);
    expect(namesOf(recorded)[1]).toContain("insert");
    expect(writtenCollections([recorded])).toContain("authorizations");
    expect(writtenCollections([recorded])).not.toContain("identifiers");
  });

  test("have the same effect when they are replayed", async () => {
    const written = await nest.collection("authorizations").find().toArray();
    await snapshot.restore(writtenCollections([recorded]));
    expect(await nest.collection("authorizations").countDocuments()).toBe(written.length - 1);
    const bare = await openTarget({ MONGODB_URI: nest.mongoUri });
    await bare.invoke(recorded);
    await bare.close();
    expect(await nest.collection("authorizations").find().toArray()).toEqual(written);
  });

  test("use an index, and a query without one is reported", async () => {
    const { database } = nest.gateway.mongo;
    for (const { query, index } of await explainQueries(database, [recorded])) {
      expect(index, query).toEqual(expect.any(String));
    }
    const scan: Trips = [[{ find: "sessions", filter: { userAgent: "Beak/1.0" } }]];
    expect(await explainQueries(database, [scan])).toEqual([{ query: "sessions {userAgent}", index: null }]);
  });
});

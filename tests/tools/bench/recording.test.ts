import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { linkRequest, startNest, type TestNest, V1 } from "#tests/support/nest.ts";
import { warmConnections } from "#tests/support/trips.ts";
import { explainQueries } from "#tools/bench/query_plans.ts";
import { recordTrips, type Trips, writtenCollections } from "#tools/bench/recording.ts";
import { takeSnapshot } from "#tools/bench/snapshot.ts";
import { openTarget } from "#tools/bench/targets/bare.ts";

describe("what a call asked of the database", () => {
  let nest: TestNest;
  let asked: Trips;
  let snapshot: Awaited<ReturnType<typeof takeSnapshot>>;

  beforeAll(async () => {
    nest = await startNest();
    await nest.signIn();
    await warmConnections(nest.gateway.mongo.client, 16);
    snapshot = await takeSnapshot(nest.gateway.mongo.database);
    asked = await recordTrips(nest.gateway.mongo.client, () =>
      nest.call(`${V1}send_magic_link`, linkRequest()),
    );
  });
  afterAll(() => nest.stop());

  const namesOf = (trips: Trips) =>
    trips.map((trip) => trip.map((command) => Object.keys(command)[0]).sort());

  test("is kept trip by trip, and names what it wrote to", () => {
    expect(asked).toHaveLength(2);
    expect(namesOf(asked)[1]).toContain("insert");
    expect(writtenCollections([asked])).toContain("authorizations");
    expect(writtenCollections([asked])).not.toContain("identifiers");
  });

  test("is asked again by the bare driver calls: the same commands in the same trips, with the same outcome", async () => {
    const written = await nest.collection("authorizations").find().toArray();
    await snapshot.restore(writtenCollections([asked]));
    expect(await nest.collection("authorizations").countDocuments()).toBe(written.length - 1);
    const bare = await openTarget({ MONGODB_URI: nest.mongoUri });
    await bare.invoke(asked);
    await bare.close();
    expect(await nest.collection("authorizations").find().toArray()).toEqual(written);
  });

  test("is found by an index, and what no index narrows is told", async () => {
    const { database } = nest.gateway.mongo;
    for (const { query, index } of await explainQueries(database, [asked])) {
      expect(index, query).toEqual(expect.any(String));
    }
    const scan: Trips = [[{ find: "sessions", filter: { userAgent: "Beak/1.0" } }]];
    expect(await explainQueries(database, [scan])).toEqual([{ query: "sessions {userAgent}", index: null }]);
  });
});

import { type AnyBulkWriteOperation, BSON, type Collection, type Db, type Document } from "mongodb";
import { DAY, plusSeconds } from "#core/clock.ts";
import { type DeviceDocuments, DeviceLife, issueTimes, type Usage } from "#tools/bench/device_life.ts";
import type { BenchEnvironment } from "#tools/bench/environment.ts";
import { numbers } from "#tools/bench/fill_database.ts";
import { round } from "#tools/bench/statistics.ts";
import type { FigureTable } from "#tools/bench/tables.ts";

/** Target for the bytes of one device, documents and indexes together. */
const STORAGE_BUDGET_BYTES = 400_000;

/** The age of the devices at which the database is measured. */
const AGE_DAYS = 365;
/** The ages for which the documents of one device are computed. */
const COMPUTED_AGES_DAYS = [7, 36, 90, AGE_DAYS] as const;

export const USAGES: readonly Usage[] = [
  { name: "tokens of 10 days, 8 hours a day", accessTokenLifetimeSeconds: 10 * DAY, hoursADay: 8 },
  { name: "tokens of 1 hour, 8 hours a day", accessTokenLifetimeSeconds: 3600, hoursADay: 8 },
  { name: "tokens of 1 hour, never closed", accessTokenLifetimeSeconds: 3600, hoursADay: 24 },
];

export interface StorageOptions {
  /** A usage of 24 hours a day gets a tenth of them, because each machine stores more. */
  machines: number;
  /** Days before the measurement that are written as the service writes them: inserts, updates and deletions. */
  writtenDays: number;
}

/** The storage of one device. Each figure in bytes and documents is of one device. */
export interface StorageRow {
  usage: string;
  machines: number;
  refreshesADay: number;
  refreshTokens: number;
  accessTokens: number;
  /** Bytes of the documents as BSON, by age in days. */
  bsonBytes: Record<number, number>;
  /** The collections' files as the server reports them (`storageSize`), with what updates and deletions left behind. */
  dataBytes: number;
  indexBytes: number;
  budget: number;
}

/** Measures the storage of devices that were used for a year. */
export async function measureStorage(
  bench: BenchEnvironment,
  options: StorageOptions,
): Promise<StorageRow[]> {
  const rows: StorageRow[] = [];
  for (const usage of USAGES) rows.push(await measureUsage(bench, usage, options));
  return rows;
}

async function measureUsage(
  bench: BenchEnvironment,
  usage: Usage,
  { machines: mostMachines, writtenDays }: StorageOptions,
): Promise<StorageRow> {
  const machines = usage.hoursADay === 24 ? mostMachines / 10 : mostMachines;
  const place = await bench.openDatabase("storage");
  try {
    const now = new Date();
    const devices = devicesOf(usage, machines, plusSeconds(now, -AGE_DAYS * DAY));
    const from = plusSeconds(now, -writtenDays * DAY);
    await insertDocuments(place.database, devices, from);
    for (const day of numbers(writtenDays))
      await writeDay(place.database, devices, plusSeconds(from, day * DAY));
    const [device] = devices;
    const documents = device?.documentsAt(now);
    return {
      usage: usage.name,
      machines,
      refreshesADay: round((issueTimes(usage, AGE_DAYS).length - 1) / AGE_DAYS, 2),
      refreshTokens: documents?.["refresh-tokens"].length ?? 0,
      accessTokens: documents?.access_tokens.length ?? 0,
      bsonBytes: Object.fromEntries(COMPUTED_AGES_DAYS.map((days) => [days, bsonBytesAt(usage, days)])),
      ...(await sizesOf(place.database, machines)),
      budget: STORAGE_BUDGET_BYTES,
    };
  } finally {
    await place.drop();
  }
}

/** Devices that sign in within one minute, so that their documents mix as those of a fleet do. */
function devicesOf(usage: Usage, count: number, signedInAt: Date): DeviceLife[] {
  return numbers(count).map(
    (number) => new DeviceLife(usage, number, plusSeconds(signedInAt, -60 * (number / count)), AGE_DAYS + 1),
  );
}

/** The bytes of one device's documents as BSON, at an age in days. */
export function bsonBytesAt(usage: Usage, days: number): number {
  const signedInAt = new Date("2026-01-01T00:00:00.000Z");
  const documents = new DeviceLife(usage, 0, signedInAt, days + 1).documentsAt(
    plusSeconds(signedInAt, days * DAY),
  );
  return Object.values(documents)
    .flat()
    .reduce((sum, document) => sum + BSON.calculateObjectSize(document), 0);
}

const NAMES = ["sessions", "access_tokens", "refresh-tokens"] as const;
const BATCH = 2_000;

async function insertDocuments(database: Db, devices: readonly DeviceLife[], at: Date): Promise<void> {
  const waiting: Record<string, Document[]> = {};
  for (const [index, device] of devices.entries()) {
    const documents: DeviceDocuments = device.documentsAt(at);
    const isLast = index === devices.length - 1;
    for (const name of NAMES) {
      const batch = [...(waiting[name] ?? []), ...documents[name]];
      const isFull = batch.length >= BATCH || isLast;
      if (isFull && batch.length > 0)
        await database.collection(name).insertMany(batch as Document[], { ordered: false });
      waiting[name] = isFull ? [] : batch;
    }
  }
}

/** Writes what one day of use writes, and deletes what the TTL index deletes in it. */
async function writeDay(database: Db, devices: readonly DeviceLife[], from: Date): Promise<void> {
  const to = plusSeconds(from, DAY);
  const sessions: AnyBulkWriteOperation[] = [];
  const accessTokens: AnyBulkWriteOperation[] = [];
  const refreshTokens: AnyBulkWriteOperation[] = [];
  for (const device of devices)
    for (const generation of device.issuedBetween(from, to)) {
      const { _id: sessionId, ...session } = device.session(generation);
      const used = device.usedRefreshToken(generation - 1);
      const filter = { _id: used._id as never };
      sessions.push({ updateOne: { filter: { _id: sessionId as never }, update: { $set: session } } });
      accessTokens.push({ insertOne: { document: device.accessToken(generation) as Document } });
      refreshTokens.push(
        { insertOne: { document: device.refreshToken(generation) as Document } },
        { updateOne: { filter, update: { $set: { usedAt: used.usedAt, rotation: used.rotation } } } },
        { updateOne: { filter, update: { $min: { purgeAt: used.purgeAt } } } },
      );
    }
  await writeAll(database.collection("sessions"), sessions);
  await writeAll(database.collection("access_tokens"), accessTokens);
  await writeAll(database.collection("refresh-tokens"), refreshTokens);
  for (const name of NAMES) await database.collection(name).deleteMany({ purgeAt: { $lte: to } });
}

async function writeAll(collection: Collection, operations: AnyBulkWriteOperation[]): Promise<void> {
  for (let from = 0; from < operations.length; from += BATCH)
    await collection.bulkWrite(operations.slice(from, from + BATCH));
}

/** What the server reports about the collections, divided by the devices. */
async function sizesOf(database: Db, machines: number) {
  let [dataBytes, indexBytes] = [0, 0];
  for (const name of NAMES) {
    const stats = await database.command({ collStats: name });
    dataBytes += Number(stats.storageSize);
    indexBytes += Number(stats.totalIndexSize);
  }
  return { dataBytes: Math.round(dataBytes / machines), indexBytes: Math.round(indexBytes / machines) };
}

const kb = (bytes: number) => round(bytes / 1000, 3);

export function describeStorage(rows: readonly StorageRow[]): FigureTable {
  const [first] = rows;
  const ages = Object.keys(first?.bsonBytes ?? {});
  return {
    title: "Storage of one machine",
    explanation: `Machines after a year of daily use: documents, and kB of one machine. BSON is computed from the documents by
the machine's age in days; data and indexes are what the server reports, with what updates and deletions left behind.`,
    rows: [
      [
        "use",
        "machines",
        "refreshes a day",
        "refresh tokens",
        "access tokens",
        ...ages.map((days) => `BSON, day ${days}`),
        "data",
        "indexes",
        "data and indexes",
        "target",
        "met",
      ],
      ...rows.map((row) => [
        row.usage,
        row.machines,
        row.refreshesADay,
        row.refreshTokens,
        row.accessTokens,
        ...ages.map((days) => kb(row.bsonBytes[Number(days)] ?? 0)),
        kb(row.dataBytes),
        kb(row.indexBytes),
        kb(row.dataBytes + row.indexBytes),
        kb(row.budget),
        row.dataBytes + row.indexBytes <= row.budget ? "yes" : "no",
      ]),
    ],
  };
}

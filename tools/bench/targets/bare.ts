import { type AnyBulkWriteOperation, type Db, type Document, MongoServerError } from "mongodb";
import { openMongo } from "#core/services/mongo.ts";
import type { Trips } from "#tools/bench/recording.ts";
import type { OpenTarget } from "#tools/bench/target.ts";

const DUPLICATE_KEY = 11000;

/**
 * Replays the database commands of recorded calls through the same driver with the same settings. The commands of a round
 * trip run in parallel.
 */
export const openTarget: OpenTarget<Trips> = async ({ MONGODB_URI = "" }) => {
  const { client, database } = openMongo(MONGODB_URI);
  return {
    async invoke(trips) {
      for (const commands of trips) await Promise.all(commands.map((command) => send(database, command)));
      return { status: 200 };
    },
    close: () => client.close(),
  };
};

/** Sends a command as the code does. Ignores a duplicate key, since the recorded call may have had one too. */
async function send(database: Db, command: Document): Promise<void> {
  try {
    await asDriverCall(database, command);
  } catch (error) {
    if (!(error instanceof MongoServerError && error.code === DUPLICATE_KEY)) throw error;
  }
}

function asDriverCall(database: Db, command: Document): Promise<unknown> {
  const [name = "", collectionName = ""] = Object.entries(command)[0] ?? [];
  const collection = database.collection(collectionName);
  const { filter, projection, sort, limit, query } = command;
  switch (name) {
    case "find":
      return limit === 1
        ? collection.findOne(filter, { projection, sort })
        : collection.find(filter, { projection, sort, limit }).toArray();
    case "insert":
      return collection.insertOne({ ...command.documents[0] });
    case "update": {
      const [{ q, u, multi, upsert = false }, ...others] = command.updates;
      if (others.length > 0) return collection.bulkWrite(command.updates.map(asBulkUpdate));
      return multi ? collection.updateMany(q, u, { upsert }) : collection.updateOne(q, u, { upsert });
    }
    case "delete": {
      const [{ q, limit: most }] = command.deletes;
      return most === 1 ? collection.deleteOne(q) : collection.deleteMany(q);
    }
    case "findAndModify":
      return collection.findOneAndUpdate(query, command.update, {
        upsert: command.upsert === true,
        returnDocument: command.new ? "after" : "before",
      });
    case "aggregate":
      return collection.aggregate(command.pipeline).toArray();
    default:
      throw new Error(`No driver call is known for the command ${name}. Add it to asDriverCall.`);
  }
}

const asBulkUpdate = ({ q: filter, u: update, multi, upsert = false }: Document): AnyBulkWriteOperation =>
  multi ? { updateMany: { filter, update, upsert } } : { updateOne: { filter, update, upsert } };

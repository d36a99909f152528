/** A bundle that holds only the database driver: the baseline of loading. */
export { MongoClient } from "mongodb";

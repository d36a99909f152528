/** What a function that only holds the database's driver loads: the floor that functions are compared with. */
export { MongoClient } from "mongodb";

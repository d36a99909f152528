/** All of MongoDB's driver, bundled as functions are, to compare it with itself. */
export * from "mongodb";

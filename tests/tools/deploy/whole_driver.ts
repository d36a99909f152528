/** The whole MongoDB driver: a test bundles it as functions are bundled, and compares the two. */
export * from "mongodb";

// Runs one function as Lambda does: loads its file, then passes it one event after another. Plain JavaScript without
// imports, so that any version of Node can run it from a folder that holds nothing but the unpacked zip.
const { join } = require("node:path");

const { handler } = require(join(process.argv[2], "index.js"));

process.on("message", async ({ id, event, requestId }) => {
  const context = {
    awsRequestId: requestId,
    functionName: "function",
    getRemainingTimeInMillis: () => 60_000,
  };
  try {
    process.send({ id, answer: await handler(event, context) });
  } catch (error) {
    process.send({ id, failure: error instanceof Error ? error.message : String(error) });
  }
});
process.send({ id: 0 });

// Runs one function the way Lambda does: loads its file, then hands it one event after another. Plain JavaScript on its
// own, so that it runs on whatever Node is named, beside a folder where the unpacked zip is all there is.
const { join } = require("node:path");

const { handler } = require(join(process.argv[2], "index.js"));

process.on("message", async ({ id, event, requestId }) => {
  const context = { awsRequestId: requestId, functionName: "function", getRemainingTimeInMillis: () => 6000 };
  try {
    process.send({ id, answer: await handler(event, context) });
  } catch (error) {
    process.send({ id, failure: error instanceof Error ? error.message : String(error) });
  }
});
process.send({ id: 0 });

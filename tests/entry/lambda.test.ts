import { expect, test } from "vitest";
import { runProgram } from "#tests/support/program.ts";

/** Loads a function in a process of its own, as Lambda does, and invokes it once. */
const INVOKE = `
  const { handler } = await import(process.argv[1]);
  const http = { method: "POST", path: "/health", sourceIp: "203.0.113.1" };
  const event = { rawPath: "/health", headers: {}, requestContext: { http } };
  console.log(JSON.stringify(await handler(event, { awsRequestId: "r-1" })));
`;

test.each([
  ["a method", "#methods/2021-10-06/get_user.ts"],
  ["the webhook", "#callbacks/stripe_webhook.ts"],
  ["the JWKS", "#entry/jwks.ts"],
  ["$default", "#entry/unmatched.ts"],
])("%s without its variables answers in the error shape and names them in the log", async (_name, module) => {
  for (const runtime of ["", "127.0.0.1:9001"]) {
    const environment = { AWS_LAMBDA_RUNTIME_API: runtime, STAGE: "", MONGODB_URI: "" };
    const args = ["-e", INVOKE, module];
    const { status, printed } = await runProgram("--input-type=module", args, environment).ended;
    expect(status).toBe(0);
    const lines = printed
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ level: "error", event: "function_not_opened" });
    expect(lines[0].why).toContain("STAGE");
    expect(lines[1]).toMatchObject({
      statusCode: 500,
      headers: {
        "content-type": "application/json",
        "request-id": "r-1",
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "strict-transport-security": "max-age=63072000; includeSubDomains",
        vary: "origin",
      },
    });
    expect(JSON.parse(lines[1].body)).toEqual({ code: "unknown", meta: { request_id: "r-1" } });
  }
});

import { expect, test } from "vitest";
import { runProgram } from "#tests/support/program.ts";

const MODULES = [
  "#methods/2021-10-06/get_user.ts",
  "#callbacks/stripe_webhook.ts",
  "#entry/jwks.ts",
  "#entry/unmatched.ts",
];

const SECRET = "hunter2";
const headers = { Host: "x", Authorization: `bearer ${SECRET}` };

/** Events of other services, as AWS documents them. */
const FOREIGN: Record<string, [event: unknown, why: RegExp]> = {
  "payload format 1.0 of an HTTP API": [
    {
      version: "1.0",
      resource: "/my/path",
      path: "/my/path",
      httpMethod: "POST",
      headers,
      queryStringParameters: null,
      requestContext: { identity: { sourceIp: "203.0.113.9" }, httpMethod: "POST", stage: "$default" },
      body: SECRET,
      isBase64Encoded: false,
    },
    /payload format 1\.0; set PayloadFormatVersion of the integration to 2\.0/,
  ],
  "a REST API": [
    { resource: "/{proxy+}", path: "/x", httpMethod: "GET", headers: null, requestContext: {}, body: null },
    /payload format 1\.0/,
  ],
  "a load balancer": [
    {
      requestContext: { elb: { targetGroupArn: "arn:aws:elasticloadbalancing:x" } },
      httpMethod: "GET",
      path: "/",
      headers,
      body: "",
      isBase64Encoded: false,
    },
    /load balancer/,
  ],
  "a WebSocket API": [
    { requestContext: { routeKey: "$connect", connectionId: "c", eventType: "CONNECT" } },
    /WebSocket/,
  ],
  "a queue": [{ Records: [{ eventSource: "aws:sqs", body: SECRET }] }, /records of a queue/],
  "a schedule": [
    { version: "0", source: "aws.events", "detail-type": "Scheduled Event", detail: {} },
    /scheduled event or a warm-up ping/,
  ],
  "a warm-up plugin": [{ source: "serverless-plugin-warmup" }, /warm-up ping/],
  "an empty direct invocation": [{}, /direct invocation/],
  "a direct invocation without a payload": [null, /direct invocation/],
  "a direct invocation with text": [SECRET, /direct invocation/],
  "a request without its context": [
    { version: "2.0", rawPath: "/", headers, body: SECRET },
    /direct invocation/,
  ],
  "a request without its caller": [
    { version: "2.0", rawPath: "/", requestContext: { http: { method: "GET", path: "/" } } },
    /direct invocation/,
  ],
};

test.each(MODULES)(
  "%s answers an event of another service in the error shape and logs what is wrong with the deployment",
  async (module) => {
    const events = Object.values(FOREIGN).map(([event]) => event);
    const program = `
      const { handler } = await import(process.argv[1]);
      for (const event of JSON.parse(process.argv[2])) {
        const answer = await handler(event, { awsRequestId: "r-1" }).catch(({ message }) => ({ threw: message }));
        console.log(JSON.stringify(answer));
      }
      process.exit();`;
    const environment = { STAGE: "prod", MONGODB_URI: "" };
    const args = ["-e", program, module, JSON.stringify(events)];
    const { printed } = await runProgram("--input-type=module", args, environment).ended;
    expect(printed).not.toContain(SECRET);
    const lines = printed
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(events.length * 2);
    for (const [index, [name, [, why]]] of Object.entries(FOREIGN).entries()) {
      const [logged, answer] = lines.slice(index * 2);
      expect(logged, name).toMatchObject({ level: "error", event: "foreign_event", request_id: "r-1" });
      expect(logged.why, name).toMatch(why);
      expect(answer, name).toMatchObject({
        statusCode: 500,
        headers: { "content-type": "application/json", "request-id": "r-1", "cache-control": "no-store" },
      });
      expect(JSON.parse(answer.body), name).toEqual({ code: "unknown", meta: { request_id: "r-1" } });
    }
  },
);

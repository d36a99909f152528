import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import { V2 } from "#tests/support/nest.ts";
import { toEvent } from "#tools/local/gateway.ts";

/** The event that API Gateway passes to a function for a POST with a JSON body. */
function toPost(path: string, body: string, more: Record<string, string> = {}): APIGatewayProxyEventV2 {
  const headers = { "content-type": "application/json", ...more };
  const incoming = { method: "POST", path, headers, body: Buffer.from(body), ip: "203.0.113.9" };
  return toEvent(incoming, `POST ${path}`);
}

/** The event of a method's function. @param path such as `/1/2021-10-06/get_user` */
export const toMethodEvent = toPost;

/** The event of the Stripe webhook's function for a signed body. */
export function toWebhookEvent(body: string, signature: string): APIGatewayProxyEventV2 {
  return toPost("/1/webhook/stripe", body, { "stripe-signature": signature });
}

/** The event of the function that starts trials. */
export function toTrialEvent(body: string): APIGatewayProxyEventV2 {
  return toPost(`${V2}create_trial_and_magic_link`, body);
}

/** The invocation context of a function that a test calls in its own process. */
export function lambdaContext(awsRequestId = "request"): Context {
  return {
    awsRequestId,
    callbackWaitsForEmptyEventLoop: false,
    functionName: "test",
    functionVersion: "$LATEST",
    invokedFunctionArn: "arn:aws:lambda:eu-central-1:000000000000:function:test",
    memoryLimitInMB: "256",
    logGroupName: "/aws/lambda/test",
    logStreamName: "test",
    getRemainingTimeInMillis: () => 30_000,
    done: () => undefined,
    fail: () => undefined,
    succeed: () => undefined,
  };
}

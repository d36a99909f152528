import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import { ConfigError } from "#core/config.ts";
import { NestError } from "#core/errors.ts";
import { failure, type Result } from "#entry/answer.ts";

export type Handler = (event: APIGatewayProxyEventV2, context: Context) => Promise<Result>;

/**
 * An HTTP function that can't be opened, say for a variable that is missing, answers in the error shape and says why in
 * the log.
 */
export function httpLambda(open: () => Handler): Handler {
  return lambda(() => {
    try {
      return open();
    } catch (error) {
      const why = error instanceof ConfigError ? error.message : (error as Error).name;
      process.stdout.write(`${JSON.stringify({ level: "error", event: "function_not_opened", why })}\n`);
      return async (event, { awsRequestId: requestId }) => {
        const oauthClients = { allowsOrigin: () => false };
        const stage = process.env.STAGE ?? "unknown";
        return failure({ event, requestId, now: new Date(), stage, oauthClients }, new NestError("unknown"));
      };
    }
  });
}

/**
 * A Lambda handler that opens what it needs once: in Lambda at module load, so that connecting overlaps the rest of the
 * cold start; elsewhere with the first call, so that a tool can read declarations without an environment.
 */
export function lambda<Served extends (event: never, context: Context) => Promise<unknown> = Handler>(
  open: () => Served,
): Served {
  let opened: Served | undefined = process.env.AWS_LAMBDA_RUNTIME_API ? open() : undefined;
  return ((event: never, context: Context) => {
    opened ??= open();
    return opened(event, context);
  }) as Served;
}

import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import type { Result } from "#entry/answer.ts";

export type Handler = (event: APIGatewayProxyEventV2, context: Context) => Promise<Result>;

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

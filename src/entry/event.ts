import middy from "@middy/core";
import type { Context } from "aws-lambda";
import { type output, safeParse, type ZodMiniType } from "zod/mini";
import { type Core, coreVariables, type OpenCore, openCore } from "#core/core.ts";
import { describeFailure } from "#core/log.ts";
import { readParameters } from "#core/parameters.ts";
import { toNestError } from "#entry/answer.ts";
import { type Deployed, eventLambda, needsOf } from "#entry/lambda.ts";

/** The EventBridge events that a function receives. */
export interface EventSource {
  source: string;
  detailTypes: readonly string[];
}

/** The declaration of a function that AWS invokes asynchronously with an event. */
export interface EventDeclaration<Payload extends ZodMiniType = ZodMiniType> {
  name: string;
  /** One sentence for the reference. */
  summary: string;
  source: EventSource;
  payload: Payload;
  /** Must be idempotent: events are delivered at least once. */
  run(asked: { core: Core; payload: output<Payload> }): Promise<void>;
}

export type EventFunction = (payload: unknown, context: Context) => Promise<void>;
export type EventHandler = Deployed<EventFunction> & { declaration: EventDeclaration };

/** Creates the Lambda handler of an event function from its declaration. */
export function event<Payload extends ZodMiniType>(declaration: EventDeclaration<Payload>): EventHandler {
  const general = declaration as unknown as EventDeclaration;
  const handler = eventLambda<EventFunction>(
    needsOf(coreVariables),
    (environment) => serveEvent(general, openCore(environment)),
    readParameters,
  );
  return Object.assign(handler, { declaration: general });
}

/**
 * Creates an event handler that uses an opened core. An event of another shape is logged and dropped, because a retry
 * would fail again; any other failure is thrown, so that Lambda retries.
 */
export function serveEvent(declaration: EventDeclaration, { core }: Pick<OpenCore, "core">): EventFunction {
  return middy(async (payload: unknown, context: Context) => {
    const startedAt = Date.now();
    const note = (outcome: "done" | "dropped" | "failed", error?: unknown) =>
      core.log[outcome === "done" ? "info" : "error"]("event", {
        function: declaration.name,
        outcome,
        duration_ms: Date.now() - startedAt,
        request_id: context.awsRequestId,
        ...(error === undefined ? {} : { code: toNestError(error).code, ...describeFailure(error) }),
      });
    const parsed = safeParse(declaration.payload, payload);
    if (!parsed.success) return note("dropped");
    try {
      await declaration.run({ core, payload: parsed.data });
      note("done");
    } catch (error) {
      note("failed", error);
      throw new Error(`${declaration.name} failed`);
    }
  }) as unknown as EventFunction;
}

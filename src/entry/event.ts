import middy from "@middy/core";
import type { Context } from "aws-lambda";
import { type output, safeParse, type ZodMiniType } from "zod/mini";
import { type Core, coreVariables, type OpenCore, openCore } from "#core/core.ts";
import { describeFailure } from "#core/log.ts";
import { readParameters } from "#core/parameters.ts";
import { type Deployed, eventLambda, needsOf } from "#entry/lambda.ts";

/** Which events of EventBridge a function takes. */
export interface EventSource {
  source: string;
  detailTypes: readonly string[];
}

/** A function that AWS calls with an event and from which nobody awaits an answer. */
export interface EventDeclaration<Payload extends ZodMiniType = ZodMiniType> {
  name: string;
  /** One line for people. */
  summary: string;
  source: EventSource;
  payload: Payload;
  /** Must be safe to repeat: events arrive at least once. */
  run(asked: { core: Core; payload: output<Payload> }): Promise<void>;
}

export type EventFunction = (payload: unknown, context: Context) => Promise<void>;
export type EventHandler = Deployed<EventFunction> & { declaration: EventDeclaration };

/** Makes a Lambda handler from the declaration of an event's function. */
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
 * An event's handler over an opened core. What is not the expected event is logged and dropped, since trying again
 * would not help; a failure is thrown, since trying again may.
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
        ...(error === undefined ? {} : describeFailure(error)),
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

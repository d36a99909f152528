import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import { ConfigError, type Environment, readConfig, type Variables } from "#core/config.ts";
import type { AwsAction, Part } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { failure, type Result } from "#entry/answer.ts";

/** What Lambda tells of an invocation, and when it began: opening is part of a call's time. */
export interface Invocation extends Context {
  /** Epoch ms. */
  startedAt?: number;
}

export type Handler = (event: APIGatewayProxyEventV2, context: Invocation) => Promise<Result>;

/** What a function reads and does: its environment and its role are made from this. */
export interface Needs {
  variables: Variables;
  awsActions: readonly AwsAction[];
}

/** Completes an environment, with the values of parameters for one; not bundled where a function has no secrets. */
export type ReadEnvironment = (environment: Environment, names: readonly string[]) => Promise<Environment>;

const takeAsIs: ReadEnvironment = async (environment) => environment;

/** A Lambda handler that says what it needs. */
export type Deployed<Served> = Served & { needs: Needs };

/** What parts need in all. Where two read one variable, the later decides in which form it is given. */
export function needsOf(variables: Variables, ...groups: Readonly<Record<string, Part<unknown>>>[]): Needs {
  const parts = groups.flatMap((group) => Object.values(group));
  return {
    variables: Object.assign({}, variables, ...parts.map((part) => part.variables)),
    awsActions: [...new Set(parts.flatMap((part) => part.awsActions ?? []))],
  };
}

/**
 * The Lambda handler of an HTTP function. One that can't be opened answers in the error shape and says why in the log:
 * `unknown` for a variable that is missing or bad, `unavailable` while SSM can't be reached.
 */
export function httpLambda(
  needs: Needs,
  open: (environment: Environment) => Handler,
  read: ReadEnvironment = takeAsIs,
): Deployed<Handler> {
  const opened = openOnce(needs, open, read);
  const handler: Handler = async (event, context) => {
    const startedAt = Date.now();
    try {
      return await (await opened())(event, { ...context, startedAt });
    } catch (error) {
      if (!(error instanceof NotOpened)) throw error;
      return answerNotOpened(error, event, context.awsRequestId);
    }
  };
  return Object.assign(handler, { needs });
}

/** The Lambda handler of a function that AWS calls with an event: one that can't be opened fails, and is called again. */
export function eventLambda<Served extends (event: unknown, context: Context) => Promise<void>>(
  needs: Needs,
  open: (environment: Environment) => Served,
  read: ReadEnvironment,
): Deployed<Served> {
  const opened = openOnce(needs, open, read);
  const handler = async (event: unknown, context: Context) => (await opened())(event, context);
  return Object.assign(handler as Served, { needs });
}

/** A function could not be opened; why is in the log. */
class NotOpened extends Error {
  readonly code: "unknown" | "unavailable";
  constructor(code: "unknown" | "unavailable") {
    super("the function could not be opened");
    this.code = code;
  }
}

/**
 * Opens once: in Lambda from module load on, so that reading secrets and connecting overlap the rest of the cold start;
 * elsewhere with the first call, so that a tool can read declarations without an environment. What could not be reached
 * is tried again by the next call; what is missing or bad stays so, as an instance's environment does.
 */
function openOnce<Served>(
  needs: Needs,
  open: (environment: Environment) => Served,
  read: ReadEnvironment,
): () => Promise<Served> {
  let opening: Promise<Served> | undefined;
  const begin = () => {
    const attempt = openNow(needs, open, read);
    attempt.catch((error: NotOpened) => {
      if (error.code === "unavailable") opening = undefined;
    });
    opening = attempt;
    return attempt;
  };
  if (process.env.AWS_LAMBDA_RUNTIME_API) begin();
  return async () => {
    const earlier = opening;
    try {
      return await (earlier ?? begin());
    } catch (error) {
      // Lambda may have frozen the instance between module load and this call, and the attempt's time ran out.
      if (earlier === undefined || (error as NotOpened).code === "unknown") throw error;
      return await (opening ?? begin());
    }
  };
}

/** @throws NotOpened */
async function openNow<Served>(
  needs: Needs,
  open: (environment: Environment) => Served,
  read: ReadEnvironment,
): Promise<Served> {
  try {
    const environment = await read(process.env, Object.keys(needs.variables));
    // All at once, so that one line names everything that is missing.
    readConfig(needs.variables, environment);
    return open(environment);
  } catch (error) {
    const isUnavailable = error instanceof NestError && error.code === "unavailable";
    const why = error instanceof ConfigError ? error.message : isUnavailable ? error.detail : nameOf(error);
    process.stdout.write(`${JSON.stringify({ level: "error", event: "function_not_opened", why })}\n`);
    throw new NotOpened(isUnavailable ? "unavailable" : "unknown");
  }
}

const nameOf = (error: unknown) => (error instanceof Error ? error.name : typeof error);

/** As any failure answers, with no origin allowed: which clients there are could not be read. */
function answerNotOpened({ code }: NotOpened, event: APIGatewayProxyEventV2, requestId: string): Result {
  const oauthClients = { allowsOrigin: () => false };
  const stage = process.env.STAGE ?? "unknown";
  return failure({ event, requestId, now: new Date(), stage, oauthClients }, new NestError(code));
}

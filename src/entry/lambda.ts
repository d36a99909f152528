import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import { ConfigError, type Environment, readConfig, type Variables } from "#core/config.ts";
import type { AwsAction, Part } from "#core/core.ts";
import { NestError } from "#core/errors.ts";
import { type Fields, functionName } from "#core/log.ts";
import { failure, type Result } from "#entry/answer.ts";
import { describeForeignEvent, isHttpEvent } from "#entry/http_event.ts";
import { type Once, once } from "#entry/once.ts";

/** Lambda's context and when the invocation began. Opening the function counts as part of the call's time. */
export interface Invocation extends Context {
  /** Epoch ms. */
  startedAt?: number;
}

export type Handler = (event: APIGatewayProxyEventV2, context: Invocation) => Promise<Result>;

/** The variables a function reads and the AWS actions it calls. Its environment and its role are generated from this. */
export interface Needs {
  variables: Variables;
  awsActions: readonly AwsAction[];
}

/** Adds values to an environment, such as those of SSM parameters. Functions without secrets do not bundle it. */
export type ReadEnvironment = (environment: Environment, names: readonly string[]) => Promise<Environment>;

const unchanged: ReadEnvironment = async (environment) => environment;

/** A Lambda handler together with its needs. */
export type Deployed<Served> = Served & { needs: Needs };

/** The combined needs of parts. Where two parts read the same variable, the schema of the later part wins. */
export function needsOf(variables: Variables, ...groups: Readonly<Record<string, Part<unknown>>>[]): Needs {
  const parts = groups.flatMap((group) => Object.values(group));
  return {
    variables: Object.assign({}, variables, ...parts.map((part) => part.variables)),
    awsActions: [...new Set(parts.flatMap((part) => part.awsActions ?? []))],
  };
}

/**
 * Creates the Lambda handler of an HTTP function. A function that can't be opened returns an error in the API's shape:
 * `unknown` for a missing or invalid variable, `unavailable` while SSM can't be reached. An event that is no HTTP request in
 * payload format 2.0 returns `unknown` too. The log names the cause.
 */
export function httpLambda(
  needs: Needs,
  open: (environment: Environment) => Handler,
  read: ReadEnvironment = unchanged,
): Deployed<Handler> {
  const opened = openOnce(needs, open, read);
  const handler: Handler = async (event, context) => {
    const startedAt = Date.now();
    if (!isHttpEvent(event)) return refuseForeignEvent(event, context.awsRequestId);
    try {
      return await (await opened())(event, { ...context, startedAt });
    } catch (error) {
      if (!(error instanceof NotOpened)) throw error;
      return answerWithoutCore(error.code, event, context.awsRequestId);
    }
  };
  return Object.assign(handler, { needs });
}

/**
 * Creates the Lambda handler of an asynchronous event. A function that can't be opened fails, so that Lambda retries
 * it.
 */
export function eventLambda<Served extends (event: unknown, context: Context) => Promise<unknown>>(
  needs: Needs,
  open: (environment: Environment) => Served,
  read: ReadEnvironment,
): Deployed<Served> {
  const opened = openOnce(needs, open, read);
  const handler = async (event: unknown, context: Context) => (await opened())(event, context);
  return Object.assign(handler as Served, { needs });
}

/** Opening the function failed; the log line `function_not_opened` names the cause. */
class NotOpened extends Error {
  readonly code: "unknown" | "unavailable";
  constructor(code: "unknown" | "unavailable") {
    super("the function could not be opened");
    this.code = code;
  }
}

/**
 * Opens the function once per process. In Lambda opening starts at module load, so that reading secrets and connecting
 * overlap the rest of the cold start; elsewhere it starts with the first call, so that a tool can import a declaration
 * without an environment.
 */
function openOnce<Served>(
  needs: Needs,
  open: (environment: Environment) => Served,
  read: ReadEnvironment,
): () => Promise<Served> {
  const opening = once(
    () => openNow(needs, open, read),
    (error) => error instanceof NotOpened && error.code === "unavailable",
  );
  if (process.env.AWS_LAMBDA_RUNTIME_API) startWhenLoaded(opening);
  return opening.get;
}

let createdLast: Once<unknown> | null = null;

/**
 * Starts to open the deployed function once all modules are loaded. An adapter imports methods, whose handlers are created before
 * its own; only the handler that is created last is deployed.
 */
function startWhenLoaded(opening: Once<unknown>): void {
  if (createdLast === null)
    queueMicrotask(() => {
      createdLast?.start();
      createdLast = null;
    });
  createdLast = opening;
}

/** @throws NotOpened */
async function openNow<Served>(
  needs: Needs,
  open: (environment: Environment) => Served,
  read: ReadEnvironment,
): Promise<Served> {
  try {
    requireCertificateChecks(process.env);
    const environment = await read(process.env, Object.keys(needs.variables));
    // Checks every variable together, so that one log line names all that are missing.
    readConfig(needs.variables, environment);
    return open(environment);
  } catch (error) {
    const isUnavailable = error instanceof NestError && error.code === "unavailable";
    const why = error instanceof ConfigError ? error.message : isUnavailable ? error.detail : nameOf(error);
    writeError("function_not_opened", { why });
    throw new NotOpened(isUnavailable ? "unavailable" : "unknown");
  }
}

/**
 * @throws ConfigError outside `local` if Node's switch turns off certificate checks. It would expose the database, Stripe
 * and AWS (contract 1.7).
 */
function requireCertificateChecks({ STAGE, NODE_TLS_REJECT_UNAUTHORIZED }: Environment): void {
  if (STAGE !== "local" && NODE_TLS_REJECT_UNAUTHORIZED === "0")
    throw new ConfigError(["NODE_TLS_REJECT_UNAUTHORIZED"], "turns off certificate checks; remove it");
}

const nameOf = (error: unknown) => (error instanceof Error ? error.name : typeof error);

/** Answers an event that another service sent, because the deployment is wrong. A retry would fail again. */
function refuseForeignEvent(event: unknown, requestId: string): Result {
  writeError("foreign_event", { why: describeForeignEvent(event), request_id: requestId });
  return answerWithoutCore("unknown", {}, requestId);
}

function writeError(event: string, fields: Fields): void {
  const line = { level: "error", event, time: new Date().toISOString(), function: functionName, ...fields };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/**
 * The error response of a function whose core could not be opened. It allows no origin, because the list of clients was
 * not read.
 */
function answerWithoutCore(
  code: "unknown" | "unavailable",
  event: Pick<APIGatewayProxyEventV2, "headers"> | Record<string, never>,
  requestId: string,
): Result {
  const oauthClients = { allowsCookies: () => false, allowsOrigin: () => false };
  const stage = process.env.STAGE ?? "unknown";
  const answer = { event: event as APIGatewayProxyEventV2, requestId, now: new Date(), stage, oauthClients };
  return failure(answer, new NestError(code));
}

import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GetFunctionConfigurationCommand, type LambdaClient } from "@aws-sdk/client-lambda";
import { unzipSync } from "fflate";
import type { Result } from "#entry/answer.ts";
import type { LiveStack } from "#tools/deploy/live_stack.ts";
import type { Template } from "#tools/deploy/template.ts";
import { type FunctionProcess, startFunction } from "#tools/deploy/verify/function_process.ts";
import { toEvent } from "#tools/local/gateway.ts";

/** Serves a deployment over HTTP, as API Gateway and Lambda do. moto does neither. */
export interface ApiDouble {
  url: string;
  /** Invokes a function as EventBridge does, by its name in AWS. */
  invoke(functionName: string, event: unknown): Promise<unknown>;
  close(): Promise<void>;
}

interface DoubleOptions {
  stack: LiveStack;
  lambda: LambdaClient;
  /** Added to each function's environment: what Lambda sets, and the addresses of the doubles. */
  environment: Readonly<Record<string, string>>;
}

/** The IP address of every caller. */
const CALLER = "203.0.113.24";

/**
 * Serves what is deployed in moto: the routes of the deployed template, the code of the deployment bucket, and the
 * environments of moto's Lambda. moto runs functions in Docker only, and its CloudFormation has no HTTP APIs.
 */
export async function startApiDouble(options: DoubleOptions): Promise<ApiDouble> {
  const folder = await mkdtemp(join(tmpdir(), "nest-api-double-"));
  const functions = new RunningFunctions(folder, options);
  const server = createServer(async (request, response) => {
    try {
      const { statusCode = 200, headers = {}, body = "" } = await answer(request, options.stack, functions);
      response.writeHead(statusCode, headers as Record<string, string>).end(body);
    } catch (error) {
      // This is API Gateway's response if a function crashes.
      response.writeHead(500, { "content-type": "application/json" });
      response.end(JSON.stringify({ message: (error as Error).message }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async invoke(functionName, event) {
      const template = await options.stack.template();
      const [id = ""] =
        Object.entries(template.Resources).find(
          ([, { Properties }]) => Properties?.FunctionName === functionName,
        ) ?? [];
      return (await functions.open(template, id)).invoke(event);
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await functions.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Invokes the function of the request's route in the deployed template. */
async function answer(
  request: IncomingMessage,
  stack: LiveStack,
  functions: RunningFunctions,
): Promise<Result> {
  const template = await stack.template();
  const { pathname, search } = new URL(request.url ?? "/", "http://api");
  const method = request.method ?? "GET";
  const routes = routesOf(template);
  const route = routeOf([...routes.keys()], method, pathname);
  const served = await functions.open(template, routes.get(route) ?? "");
  const call = {
    method,
    path: pathname,
    query: search.slice(1),
    headers: request.headers as Record<string, string>,
    body: await readAll(request),
    ip: CALLER,
  };
  return (await served.invoke(toEvent(call, route))) as Result;
}

/** The deployed functions that were called, each in a process of its own. */
class RunningFunctions {
  readonly #folder: string;
  readonly #options: DoubleOptions;
  readonly #running = new Map<string, Promise<FunctionProcess>>();

  constructor(folder: string, options: DoubleOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Returns a function by its logical id, started with the code and environment that are deployed now. */
  async open(template: Template, id: string): Promise<FunctionProcess> {
    const { FunctionName, Code } = template.Resources[id]?.Properties ?? {};
    const live = await this.#options.lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const variables = { ...live.Environment?.Variables, AWS_LAMBDA_FUNCTION_NAME: String(FunctionName) };
    // Lambda starts new instances when the code or the environment changes.
    const key = createHash("sha256")
      .update(JSON.stringify([Code.S3Key, variables]))
      .digest("hex");
    const started = this.#running.get(key) ?? this.#start(Code.S3Key, join(this.#folder, key), variables);
    this.#running.set(key, started);
    return started;
  }

  async close(): Promise<void> {
    for (const started of this.#running.values()) await (await started.catch(() => null))?.close();
  }

  async #start(zip: string, folder: string, variables: Record<string, string>): Promise<FunctionProcess> {
    await mkdir(folder, { recursive: true });
    for (const [name, content] of Object.entries(unzipSync(await this.#options.stack.artifact(zip))))
      await writeFile(join(folder, name), content);
    return startFunction(folder, { ...variables, ...this.#options.environment });
  }
}

/**
 * Chooses a route as API Gateway does: an exact path, then a path with parameters, then a greedy path.
 * @param routes the route keys, such as `GET /1/oauth/{provider}/callback`
 */
export function routeOf(routes: readonly string[], method: string, path: string): string {
  const exact = `${method} ${path}`;
  const greedy = `ANY /${path.split("/")[1]}/{proxy+}`;
  const fits = (route: string) => new RegExp(`^${route.replace(/\{\w+\}/g, "[^/]+")}$`).test(exact);
  const chosen = [exact, routes.find((route) => /\{\w+\}/.test(route) && fits(route)), greedy];
  return chosen.find((route) => route !== undefined && routes.includes(route)) ?? "$default";
}

/** Returns the logical id of each route's function. */
function routesOf({ Resources }: Template): ReadonlyMap<string, string> {
  return new Map(
    Object.values(Resources).flatMap(({ Type, Properties }) => {
      if (Type !== "AWS::ApiGatewayV2::Route") return [];
      const integration = Resources[Properties.Target["Fn::Join"][1][1].Ref];
      return [[Properties.RouteKey, integration?.Properties.IntegrationUri["Fn::GetAtt"][0]] as const];
    }),
  );
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

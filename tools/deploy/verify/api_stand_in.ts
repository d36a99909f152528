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
export interface ApiStandIn {
  url: string;
  /** Returns every line that the functions printed. */
  printed(): string;
  close(): Promise<void>;
}

interface StandInOptions {
  stack: LiveStack;
  lambda: LambdaClient;
  /** Added to each function's environment: what Lambda sets, and the addresses of the doubles. */
  environment: Readonly<Record<string, string>>;
}

/**
 * Serves what is deployed in moto: the routes of the deployed template, the code of the deployment bucket, and the
 * environments of moto's Lambda. moto runs functions in Docker only, and its CloudFormation has no HTTP APIs.
 */
export async function startApiStandIn({ stack, lambda, environment }: StandInOptions): Promise<ApiStandIn> {
  const folder = await mkdtemp(join(tmpdir(), "nest-stand-in-"));
  const running = new Map<string, Promise<FunctionProcess>>();

  const open = async (template: Template, id: string) => {
    const { FunctionName, Code } = template.Resources[id]?.Properties ?? {};
    const live = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const own = live.Environment?.Variables ?? {};
    // Lambda starts new instances when the code or the environment changes.
    const key = createHash("sha256")
      .update(JSON.stringify([Code.S3Key, own]))
      .digest("hex");
    let started = running.get(key);
    if (!started) {
      const variables = { ...own, AWS_LAMBDA_FUNCTION_NAME: String(FunctionName) };
      started = start(Code.S3Key, join(folder, key), variables);
      running.set(key, started);
    }
    return started;
  };
  const start = async (key: string, at: string, own: Record<string, string>) => {
    await mkdir(at, { recursive: true });
    for (const [name, content] of Object.entries(unzipSync(await stack.artifact(key))))
      await writeFile(join(at, name), content);
    return startFunction(at, { ...own, ...environment });
  };

  const server = createServer(async (request, response) => {
    try {
      const template = await stack.template();
      const url = new URL(request.url ?? "/", "http://stand-in");
      const exact = `${request.method} ${url.pathname}`;
      const routes = routesOf(template);
      const route = routes.has(exact) ? exact : "$default";
      const served = await open(template, routes.get(route) ?? "");
      const event = toEvent(
        {
          method: request.method ?? "GET",
          path: url.pathname,
          query: url.search.slice(1),
          headers: request.headers as Record<string, string>,
          body: await readAll(request),
          ip: "203.0.113.24",
        },
        route,
      );
      const { statusCode = 200, headers = {}, body = "" } = (await served.invoke(event)) as Result;
      response.writeHead(statusCode, headers as Record<string, string>).end(body);
    } catch (error) {
      // API Gateway answers so if a function crashes.
      response.writeHead(500, { "content-type": "application/json" });
      response.end(JSON.stringify({ message: (error as Error).message }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  let printed = "";
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    printed: () => printed,
    async close() {
      server.close();
      server.closeAllConnections();
      for (const started of running.values()) {
        const process = await started.catch(() => null);
        printed += process?.printed() ?? "";
        await process?.close();
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
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

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { unzipSync } from "fflate";
import type { Result } from "#entry/answer.ts";
import { type FunctionProcess, startFunction } from "#tools/deploy/verify/function_process.ts";

/** Returns a recorded event of API Gateway with another route, headers and body. */
export async function recordedEvent(
  route: string,
  {
    path = route.split(" ")[1] ?? "/",
    query = "",
    verb = route.split(" ")[0] ?? "GET",
    headers = {},
    body,
  }: EventChange = {},
) {
  const recorded = JSON.parse(
    await readFile(new URL("../tools/deploy/api_gateway_event.json", import.meta.url), "utf8"),
  );
  const { requestContext } = recorded;
  return {
    ...recorded,
    routeKey: route,
    rawPath: path,
    rawQueryString: query,
    headers: { ...recorded.headers, ...headers },
    requestContext: {
      ...requestContext,
      routeKey: route,
      http: { ...requestContext.http, method: verb, path },
    },
    ...(body === undefined ? {} : { body }),
  };
}
interface EventChange {
  path?: string;
  query?: string;
  verb?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** Unpacks a zip into a folder. */
export async function unpack(zip: Uint8Array, folder: string): Promise<void> {
  for (const [name, content] of Object.entries(unzipSync(zip))) {
    const file = join(folder, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
}

/** The unpacked functions of a deployment. Each runs in a process of its own, which its first call starts. */
export class ZippedFunctions {
  readonly #folder: string;
  readonly #node: string;
  readonly #environments: ReadonlyMap<string, Record<string, string>>;
  readonly #running = new Map<string, Promise<FunctionProcess>>();

  /** @param folder contains a folder for each function */
  constructor(folder: string, node: string, environments: ReadonlyMap<string, Record<string, string>>) {
    this.#folder = folder;
    this.#node = node;
    this.#environments = environments;
  }

  get called(): string[] {
    return [...this.#running.keys()].sort();
  }

  async invoke(name: string, event: unknown): Promise<unknown> {
    let running = this.#running.get(name);
    if (!running) {
      const environment = this.#environments.get(name);
      if (!environment) throw new Error(`There is no function ${name}.`);
      const variables = { ...environment, AWS_LAMBDA_FUNCTION_NAME: `nest-nonprod-${name}` };
      running = startFunction(join(this.#folder, name), variables, this.#node);
      this.#running.set(name, running);
    }
    return (await running).invoke(event);
  }

  /** Calls a method with a JSON body. */
  async call(name: string, path: string, body: unknown, headers: Record<string, string> = {}) {
    const event = await recordedEvent(`POST ${path}`, { headers, body: JSON.stringify(body) });
    const answer = (await this.invoke(name, event)) as Result;
    return { status: answer.statusCode, body: answer.body ? JSON.parse(answer.body) : undefined };
  }

  /** Returns everything that the functions printed. */
  async printed(): Promise<string> {
    return (await Promise.all(this.#running.values())).map((running) => running.printed()).join("");
  }

  async close(): Promise<void> {
    for (const running of this.#running.values()) await (await running).close();
  }
}

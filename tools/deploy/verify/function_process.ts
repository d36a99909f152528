import { fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";

const HOST = fileURLToPath(new URL("./function_host.cjs", import.meta.url));

interface Message {
  id: number;
  answer?: unknown;
  failure?: string;
}

/** A deployed function that runs in a process of its own. */
export interface FunctionProcess {
  /** @throws Error if the function throws or its process has ended */
  invoke(event: unknown): Promise<unknown>;
  /** Returns every line that the function printed. */
  printed(): string;
  close(): Promise<void>;
}

/**
 * Starts a function from its unpacked zip.
 * @param folder where the zip was unpacked
 * @param environment the function's variables; Lambda's own are added
 * @param node the path of the Node that runs it
 */
export async function startFunction(
  folder: string,
  environment: Readonly<Record<string, string>>,
  node = process.execPath,
): Promise<FunctionProcess> {
  const child = fork(HOST, [folder], {
    execPath: node,
    execArgv: [],
    cwd: folder,
    // With these variables a function opens its core when it is loaded, as in Lambda.
    env: {
      AWS_LAMBDA_RUNTIME_API: "127.0.0.1:9001",
      AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
      ...environment,
    },
    silent: true,
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
    });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const expect = (id: number) => {
    const answer = Promise.withResolvers<unknown>();
    waiting.set(id, answer);
    return answer.promise;
  };
  child.on("message", ({ id, answer, failure }: Message) => {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (failure === undefined) asked?.resolve(answer);
    else asked?.reject(new Error(failure));
  });
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => {
      for (const { reject } of waiting.values())
        reject(new Error(`the process of the function has ended:\n${printed}`));
      resolve();
    });
  });
  let lastId = 0;
  await expect(lastId);
  return {
    invoke(event) {
      const id = ++lastId;
      const answer = expect(id);
      child.send({ id, event, requestId: randomUUID() });
      return answer;
    },
    printed: () => printed,
    async close() {
      child.kill();
      await ended;
    },
  };
}

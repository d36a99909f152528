import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startServer } from "#tools/machine/child_process.ts";

const PROGRAM = fileURLToPath(new URL("./moto_server.py", import.meta.url));
const START_LIMIT_MS = 60_000;

export interface Moto {
  url: string;
  /** Returns the resource types that moto's CloudFormation ignored, since it has no model of them. */
  ignoredTypes(): string[];
  stop(): Promise<void>;
}

/**
 * Starts moto, a double of AWS on loopback.
 * @param tools the folder of the Python environment's programs
 */
export async function startMoto(tools: string): Promise<Moto> {
  const server = startServer(join(tools, "python"), [PROGRAM]);
  let printed = "";
  const listening = Promise.withResolvers<string>();
  const keep = (chunk: Buffer) => {
    printed += chunk.toString();
    const port = /listening on (\d+)/.exec(printed)?.[1];
    if (port) listening.resolve(port);
  };
  server.process.stdout?.on("data", keep);
  server.process.stderr?.on("data", keep);
  void server.died.then(() => listening.reject(new Error(`moto stopped: ${server.lastOutput()}`)));
  const timer = setTimeout(
    () => listening.reject(new Error(`moto did not start within ${START_LIMIT_MS / 1000} s`)),
    START_LIMIT_MS,
  );
  try {
    const port = await listening.promise;
    return {
      url: `http://127.0.0.1:${port}`,
      ignoredTypes() {
        const types = [...printed.matchAll(/No Moto CloudFormation support for (\S+)/g)].map(
          ([, type]) => type ?? "",
        );
        return [...new Set(types)].sort();
      },
      stop: () => server.stop(),
    };
  } catch (error) {
    await server.stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

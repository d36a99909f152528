import type { Environment } from "#core/config.ts";
import { AwsError, AwsService } from "#core/services/aws.ts";

/** `GetParameters` takes no more names at once. */
const NAMES_PER_CALL = 10;
const SHORTEST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 250;

interface GetParametersOutput {
  Parameters?: { Name?: string; Version?: number; Value?: string }[];
}

/** SSM's Parameter Store, for reading values. */
export class Ssm {
  readonly #service: AwsService;

  /** @throws ConfigError without credentials, unless SSM is a server on this machine */
  constructor(environment: Environment) {
    this.#service = new AwsService("ssm", environment);
  }

  /**
   * Reads parameters, decrypted. Calls go out side by side. Reading is safe to repeat, so what is throttled or fails on
   * the way is tried again while there is time: many functions that start at once share one limit of SSM.
   * @param names names, each with or without `:version`
   * @returns values by the name they were asked for; what SSM does not have is left out
   * @throws AwsError
   */
  async getParameters(names: readonly string[], limitMs: number): Promise<ReadonlyMap<string, string>> {
    const deadline = Date.now() + limitMs;
    const calls: Promise<[string, string][]>[] = [];
    for (let start = 0; start < names.length; start += NAMES_PER_CALL)
      calls.push(this.#getWhileTime(names.slice(start, start + NAMES_PER_CALL), deadline));
    return new Map((await Promise.all(calls)).flat());
  }

  async #getWhileTime(names: readonly string[], deadline: number): Promise<[string, string][]> {
    for (;;) {
      try {
        return await this.#get(names, deadline - Date.now());
      } catch (error) {
        const waitMs = SHORTEST_WAIT_MS + Math.random() * (LONGEST_WAIT_MS - SHORTEST_WAIT_MS);
        if (!mayPass(error) || Date.now() + waitMs >= deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  }

  async #get(names: readonly string[], limitMs: number): Promise<[string, string][]> {
    const answer = (await this.#service.post({
      path: "/",
      headers: {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": "AmazonSSM.GetParameters",
      },
      body: JSON.stringify({ Names: names, WithDecryption: true }),
      limitMs,
    })) as GetParametersOutput;
    return names.flatMap((asked) => {
      const [name, version] = asked.split(":");
      const found = answer.Parameters?.find(
        ({ Name, Version }) => Name === name && (version === undefined || String(Version) === version),
      );
      return found?.Value === undefined ? [] : [[asked, found.Value] as [string, string]];
    });
  }
}

/** Throttling, a fault of SSM, or one of the network, rather than a refusal that would be the same again. */
function mayPass(error: unknown): boolean {
  return (
    error instanceof AwsError && (error.status === null || error.status >= 500 || /Throttl/.test(error.name))
  );
}

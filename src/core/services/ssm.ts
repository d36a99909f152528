import type { Environment } from "#core/config.ts";
import { AwsError, AwsService } from "#core/services/aws.ts";

/** The maximum of `GetParameters`. */
const NAMES_PER_CALL = 10;
const SHORTEST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 250;

interface GetParametersOutput {
  Parameters?: { Name?: string; Version?: number; Value?: string }[];
}

/** Reads parameters from SSM Parameter Store. */
export class Ssm {
  readonly #service: AwsService;

  /** @throws ConfigError without credentials, unless the SSM endpoint is on loopback */
  constructor(environment: Environment) {
    this.#service = new AwsService("ssm", environment);
  }

  /**
   * Reads and decrypts parameters, in concurrent batches. Throttled and failed requests are retried until the time is up,
   * because functions that start at the same time share one SSM rate limit.
   * @param names parameter names, each with or without `:version`
   * @param limitMs time for all requests together, in milliseconds
   * @returns values by requested name, without the parameters that do not exist
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
        if (!isRetryable(error) || Date.now() + waitMs >= deadline) throw error;
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

/** Whether a retry can succeed: throttling, a server error or a network error, not a rejection of the request. */
function isRetryable(error: unknown): boolean {
  return (
    error instanceof AwsError && (error.status === null || error.status >= 500 || /Throttl/.test(error.name))
  );
}

import { vi } from "vitest";
import { startRecordingServer } from "#tests/support/recording_server.ts";

interface Put {
  Name: string;
  Type: string;
  KeyId?: string;
}

/**
 * Starts a double of SSM with `GetParameters` and `PutParameter`. A parameter has versions: `name` is the newest, `name:1`
 * the first.
 */
export async function startSsmDouble(parameters: Record<string, string | string[]> = {}) {
  const stored = new Map(Object.entries(parameters).map(([name, values]) => [name, [values].flat()]));
  const faults: ("throttled" | "hang" | "reset" | "denied")[] = [];
  const asked: string[][] = [];
  const puts: Put[] = [];
  const server = await startRecordingServer((response, { headers, body }) => {
    const refuse = (status: number, type: string) =>
      response.writeHead(status).end(JSON.stringify({ __type: type, message: "refused" }));
    if (!headers.authorization?.includes("/ssm/aws4_request"))
      return refuse(400, "MissingAuthenticationToken");
    const call = JSON.parse(body);
    if (headers["x-amz-target"] === "AmazonSSM.PutParameter") {
      puts.push(call as Put);
      const versions = [...(stored.get(call.Name) ?? []), call.Value];
      stored.set(call.Name, versions);
      return response.end(JSON.stringify({ Version: versions.length, Tier: "Standard" }));
    }
    if (headers["x-amz-target"] !== "AmazonSSM.GetParameters")
      return refuse(400, "UnknownOperationException");
    const { Names, WithDecryption } = call as { Names: string[]; WithDecryption: boolean };
    if (Names.length > 10 || !WithDecryption) return refuse(400, "ValidationException");
    asked.push(Names);
    const fault = faults.shift();
    if (fault === "hang") return;
    if (fault === "reset") return response.socket?.destroy();
    if (fault === "throttled") return refuse(400, "com.amazonaws.ssm#ThrottlingException");
    if (fault === "denied") return refuse(400, "AccessDeniedException");
    const found = Names.map((asked) => {
      const [name = "", version] = asked.split(":");
      const versions = stored.get(name) ?? [];
      const number = version === undefined ? versions.length : Number(version);
      const selector = version === undefined ? {} : { Selector: `:${version}` };
      return { asked, answer: { Name: name, Version: number, Value: versions[number - 1], ...selector } };
    });
    const has = ({ answer }: (typeof found)[number]) => answer.Value !== undefined;
    response.end(
      JSON.stringify({
        Parameters: found.filter(has).map(({ answer }) => answer),
        InvalidParameters: found.filter((one) => !has(one)).map(({ asked }) => asked),
      }),
    );
  });
  return {
    url: server.url,
    /** The names of each call. */
    asked,
    /** The written parameters, oldest first. */
    puts,
    /** Returns the newest value of each parameter. */
    stored: () => new Map([...stored].map(([name, versions]) => [name, versions.at(-1) ?? ""])),
    /** Makes the next calls fail, in this order. */
    fault: (...next: typeof faults) => void faults.push(...next),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** Makes the AWS SDK of this process and of its child processes use this server, until `vi.unstubAllEnvs`. */
export function stubAws(url: string): void {
  vi.stubEnv("AWS_ENDPOINT_URL", url);
  vi.stubEnv("AWS_REGION", "eu-west-2");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "a");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "b");
}

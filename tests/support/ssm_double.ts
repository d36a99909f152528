import { startRecordingServer } from "#tests/support/recording_server.ts";

/**
 * SSM's `GetParameters` over HTTP, as far as we use it. A parameter has versions: `name` is the newest, `name:1` the
 * first.
 */
export async function startSsmDouble(parameters: Record<string, string | string[]> = {}) {
  const stored = new Map(Object.entries(parameters).map(([name, values]) => [name, [values].flat()]));
  const faults: ("throttled" | "hang" | "reset" | "denied")[] = [];
  const asked: string[][] = [];
  const server = await startRecordingServer((response, { headers, body }) => {
    const refuse = (status: number, type: string) =>
      response.writeHead(status).end(JSON.stringify({ __type: type, message: "refused" }));
    if (!headers.authorization?.includes("/ssm/aws4_request"))
      return refuse(400, "MissingAuthenticationToken");
    if (headers["x-amz-target"] !== "AmazonSSM.GetParameters")
      return refuse(400, "UnknownOperationException");
    const { Names, WithDecryption } = JSON.parse(body) as { Names: string[]; WithDecryption: boolean };
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
      const value = versions[(version === undefined ? versions.length : Number(version)) - 1];
      return { asked, Name: name, Value: value, Selector: version && `:${version}` };
    });
    response.end(
      JSON.stringify({
        Parameters: found
          .filter(({ Value }) => Value !== undefined)
          .map(({ asked: _asked, ...rest }) => rest),
        InvalidParameters: found.filter(({ Value }) => Value === undefined).map(({ asked }) => asked),
      }),
    );
  });
  return {
    url: server.url,
    /** The names of each call. */
    asked,
    put: (name: string, value: string) => void stored.set(name, [...(stored.get(name) ?? []), value]),
    /** Arms the next calls, in order. */
    fault: (...next: typeof faults) => void faults.push(...next),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** The answers of all providers are far below it. */
const ANSWER_LIMIT_BYTES = 256 * 1024;

export type Fetch = (url: string, options: RequestInit) => Promise<Response>;

/** A `fetch` whose answers are bounded in size and time, and that follows no redirect. */
export function limitedFetch(limitMs: number): Fetch {
  return async (url, options) => {
    const signal = AbortSignal.timeout(limitMs);
    const response = await fetch(url, { ...options, redirect: "manual", signal });
    const body = await readAtMost(response, ANSWER_LIMIT_BYTES);
    const { status, headers } = response;
    const isEmpty = [101, 204, 205, 304].includes(status);
    const plain = new Headers(headers);
    // These headers describe the body before `fetch` decoded it.
    for (const name of ["content-encoding", "content-length", "transfer-encoding"]) plain.delete(name);
    return new Response(isEmpty ? null : body, { status, headers: plain });
  };
}

/** @throws Error if the body is larger than the limit */
async function readAtMost(response: Response, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > limit) throw new Error("the answer is too large");
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** An answer with its body read. */
export interface Answer {
  status: number;
  body: unknown;
}

export interface Asked {
  body?: unknown;
  bearer?: string;
  verb?: string;
}

/** A step did not hold; the message says which and how. */
export class StepFailed extends Error {}

const LONGEST = 44;

/** A value in short: long strings (tokens, codes, mails) lose their middle, lists all but their first. */
export function inShort(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === "string" && part.length > LONGEST) return `${part.slice(0, 24)}…${part.slice(-6)}`;
    if (Array.isArray(part) && part.length > 1) return [part.at(-1), `and ${part.length - 1} more`];
    return part;
  });
}

/** Calls a Nest over HTTP and shows each call with its answer in short. */
export class Trace {
  readonly #url: string;
  readonly #say: (line: string) => void;
  #steps = 0;

  constructor(url: string, say: (line: string) => void) {
    this.#url = url.replace(/\/$/, "");
    this.#say = say;
  }

  /** Begins a step, in words. */
  step(words: string): void {
    this.#steps++;
    this.#say(`\n${this.#steps}. ${words}`);
  }

  note(line: string): void {
    this.#say(`   ${line}`);
  }

  /**
   * Sends one request and holds its answer against what is promised.
   * @param expected the status, and for an error its code
   * @throws StepFailed if the answer is another one, or none comes
   */
  async ask(path: string, asked: Asked, expected: { status: number; code?: string }): Promise<Answer> {
    const verb = asked.verb ?? "POST";
    const shownBody = asked.body === undefined ? "" : ` ${inShort(asked.body)}`;
    this.#say(`   ${verb} ${path}${asked.bearer ? " (bearer)" : ""}${shownBody}`);
    const response = await this.#send(path, asked);
    const raw = await response.text();
    const body: unknown = raw === "" ? undefined : JSON.parse(raw);
    this.#say(`   → ${response.status}${body === undefined ? "" : ` ${inShort(body)}`}`);
    const code = (body as { code?: unknown } | undefined)?.code;
    if (response.status !== expected.status || (expected.code !== undefined && code !== expected.code)) {
      const promised = [expected.status, expected.code].filter(Boolean).join(" ");
      throw new StepFailed(`${verb} ${path}: expected ${promised}, got ${response.status} ${code ?? ""}`);
    }
    return { status: response.status, body };
  }

  /** Sends one request again and again, without a word, until its status is the expected one or `looks` are over. */
  async until(
    path: string,
    asked: Asked,
    status: number,
    { looks, pause }: { looks: number; pause: () => Promise<unknown> },
  ): Promise<void> {
    for (let look = 1; look < looks; look++) {
      const response = await this.#send(path, asked);
      await response.arrayBuffer();
      if (response.status === status) return;
      await pause();
    }
  }

  async #send(path: string, asked: Asked): Promise<Response> {
    const verb = asked.verb ?? "POST";
    return fetch(`${this.#url}${path}`, {
      method: verb,
      headers: {
        "content-type": "application/json",
        ...(asked.bearer === undefined ? {} : { authorization: `bearer ${asked.bearer}` }),
      },
      ...(asked.body === undefined ? {} : { body: JSON.stringify(asked.body) }),
      signal: AbortSignal.timeout(10_000),
    }).catch((cause: unknown) => {
      throw new StepFailed(`${verb} ${path}: nothing answers at ${this.#url}`, { cause });
    });
  }

  /** Answers what must be there. @throws StepFailed if it is not */
  must<Value>(value: Value | undefined, promise: string): Value {
    if (value === undefined) throw new StepFailed(`did not hold: ${promise}`);
    this.#say(`   ✓ ${promise}`);
    return value;
  }

  /** @throws StepFailed unless it holds */
  require(holds: boolean, promise: string): void {
    if (!holds) throw new StepFailed(`did not hold: ${promise}`);
    this.#say(`   ✓ ${promise}`);
  }
}

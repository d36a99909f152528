import { isClientError } from "#client/index.ts";

/** A step did not hold; the message says which and how. */
export class StepFailed extends Error {}

const LONGEST = 44;

/** A value in short: long strings (tokens, codes, mails) lose their middle, lists all but their last. */
export function inShort(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === "string" && part.length > LONGEST) return `${part.slice(0, 24)}…${part.slice(-6)}`;
    if (Array.isArray(part) && part.length > 1) return [part.at(-1), `and ${part.length - 1} more`];
    return part;
  });
}

/** JSON in short, and what is none as it is. */
function shown(text: string): string {
  try {
    return ` ${inShort(JSON.parse(text))}`;
  } catch {
    return text === "" ? "" : ` ${text.slice(0, LONGEST)}`;
  }
}

/** Shows what is asked of a Nest and what it answers, in short, step by step. */
export class Trace {
  readonly url: string;
  /** The paths that were asked, in order. */
  readonly asked: string[] = [];
  readonly #say: (line: string) => void;
  #steps = 0;
  #isQuiet = false;

  constructor(url: string, say: (line: string) => void) {
    this.url = url.replace(/\/$/, "");
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
   * `fetch`, which shows each request and its answer.
   * @throws StepFailed if nothing answers
   */
  readonly fetch: typeof fetch = async (input, init) => {
    const { method = "GET", headers, body } = init ?? {};
    const path = String(input).slice(this.url.length);
    this.asked.push(path);
    const bearer = new Headers(headers).has("authorization") ? " (bearer)" : "";
    const response = await fetch(input, init).catch((cause: unknown) => {
      throw new StepFailed(`${method} ${path}: nothing answers at ${this.url}`, { cause });
    });
    const answer = await response.clone().text();
    if (this.#isQuiet) return response;
    this.#say(`   ${method} ${path}${bearer}${shown(String(body ?? ""))}`);
    this.#say(`   → ${response.status}${shown(answer)}`);
    return response;
  };

  /** Does something without showing what is asked. */
  async quietly(work: () => Promise<void>): Promise<void> {
    this.#isQuiet = true;
    await work().finally(() => {
      this.#isQuiet = false;
    });
  }

  /** Asks the local stack itself. @throws StepFailed if it is not answered with 2xx */
  async askStack(method: string, path: string, body?: unknown): Promise<unknown> {
    const request = body === undefined ? { method } : { method, body: JSON.stringify(body) };
    const response = await this.fetch(`${this.url}${path}`, request);
    if (!response.ok) throw new StepFailed(`${method} ${path}: answered ${response.status}`);
    return response.json();
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

  /**
   * Waits for a call that must fail.
   * @param expected the code of the answer, or the kind of failure where there is none
   * @throws StepFailed if it does not, or in another way
   */
  async requireRefused(expected: string, call: Promise<unknown>): Promise<void> {
    const error = await call.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    const seen = isClientError(error) ? (error.code ?? error.kind) : "answered";
    this.require(seen === expected, `refused: ${expected}${seen === expected ? "" : `, but it was ${seen}`}`);
  }
}

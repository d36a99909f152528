import { isClientError, memoryStore, NestClient, type NestClientOptions, type Store } from "#client/index.ts";
import type { TestStack } from "#tests/support/local_stack.ts";
import { linkIn, MAC, REDIRECT } from "#tests/support/nest.ts";

/** A `fetch` that records the called methods and runs test code around requests. */
export interface Network {
  fetch: typeof fetch;
  asked: string[];
  count(method: string): number;
  /** Runs work once, before the next request of a method is sent. */
  before(method: string, work: () => unknown): void;
  /** Runs work once, after the next request of a method got its response. */
  after(method: string, work: () => unknown): void;
  /** Answers the next request of a method once, as something between the client and Nest does: Nest is not called. */
  instead(method: string, status: number, body: string | null, headers?: Record<string, string>): void;
  /** Forgets what is planned for a method, or for all methods. */
  reset(method?: string): void;
}

/** A `fetch` that no timeout ends: however slow the machine is, only a client's wait for a lock times out. */
export const withoutTimeouts: typeof fetch = (input, init) => fetch(input, { ...init, signal: null });

/** Creates a recorded network. */
export function watchedNetwork(send: typeof fetch = fetch): Network {
  const asked: string[] = [];
  const planned: { when: "before" | "after"; method: string; work: () => unknown }[] = [];
  const replies: { method: string; response: Response }[] = [];
  const run = async (when: string, method: string) => {
    const at = planned.findIndex((plan) => plan.when === when && plan.method === method);
    if (at >= 0) await planned.splice(at, 1)[0]?.work();
  };
  return {
    asked,
    count: (method) => asked.filter((name) => name === method).length,
    before: (method, work) => void planned.push({ when: "before", method, work }),
    after: (method, work) => void planned.push({ when: "after", method, work }),
    instead: (method, status, body, headers = {}) =>
      void replies.push({ method, response: new Response(body, { status, headers }) }),
    reset(method) {
      for (const list of [planned, replies] as { method: string }[][])
        list.splice(0, list.length, ...list.filter((plan) => method !== undefined && plan.method !== method));
    },
    fetch: async (input, init) => {
      const method = String(input).split("/").at(-1) ?? "";
      asked.push(method);
      await run("before", method);
      const reply = replies.findIndex((planned) => planned.method === method);
      if (reply >= 0) return replies.splice(reply, 1)[0]?.response as Response;
      const response = await send(input, init);
      await run("after", method);
      return response;
    },
  };
}

/** Creates a client with its own store and recorded network. */
export function clientOf(
  where: { url: string },
  { send = fetch, ...options }: Partial<NestClientOptions> & { send?: typeof fetch } = {},
) {
  const network = watchedNetwork(send);
  const store = options.store ?? memoryStore();
  const nest = new NestClient({
    url: where.url,
    clientId: MAC,
    redirectUri: REDIRECT,
    store,
    fetch: network.fetch,
    // Long enough for a busy machine.
    timeoutMs: 30_000,
    ...options,
  });
  return { nest, network, store };
}

/** The link in the newest mail that has one. A trial's welcome mail, which has none, may be newer. */
export function newestLink(stack: TestStack): URL {
  const mail = stack.ses.inbox.findLast(({ text }) => text.includes(`${REDIRECT}?code=`));
  if (!mail) throw new Error("No mail with a link was sent.");
  return linkIn(mail);
}

let userCount = 0;

/** Signs a new user in. Returns the client, whose record of requests is empty. */
export async function signedIn(stack: TestStack, options: Partial<NestClientOptions> = {}) {
  const made = clientOf(stack.api, options);
  const address = `client${++userCount}@example.com`;
  await made.nest.sendMagicLink(address);
  const who = await made.nest.finishSignIn(newestLink(stack));
  made.network.asked.length = 0;
  return { ...made, who, address };
}

/** An asynchronous store without a lock. */
export function plainStore(): Store {
  const values = new Map<string, string>();
  const soon = () => new Promise((resolve) => setImmediate(resolve));
  return {
    async get(name) {
      await soon();
      return values.get(name) ?? null;
    },
    async set(name, value) {
      await soon();
      values.set(name, value);
    },
    async delete(name) {
      await soon();
      values.delete(name);
    },
  };
}

/** The outcome of a call: `answered`, or the code or kind of its error. */
export async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "answered";
  } catch (error) {
    if (isClientError(error)) return error.code ?? error.kind;
    return `thrown: ${(error as Error).message}`;
  }
}

export interface StoredTokens {
  access_token: string;
  refresh_token: string;
}

/** The tokens in a store, or null if no user is signed in. */
export async function storedTokens(store: Store): Promise<StoredTokens | null> {
  return JSON.parse((await store.get("tokens")) ?? "null");
}

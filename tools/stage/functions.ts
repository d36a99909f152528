import { readdir } from "node:fs/promises";
import { CALL_LIMIT_MS, WEBHOOK_LIMIT_MS } from "#core/call.ts";
import type { EventHandler, EventSource } from "#entry/event.ts";
import { handler as jwks } from "#entry/jwks.ts";
import type { Needs } from "#entry/lambda.ts";
import { handler as unmatched } from "#entry/unmatched.ts";
import type { WebhookHandler } from "#entry/webhook.ts";
import { loadMethods } from "#routes.ts";

const CALLBACKS = new URL("../../src/callbacks/", import.meta.url);

/** Beside the time that the function gives itself: room to answer, and for a cold start that Lambda counts in. */
const MARGIN_SECONDS = 2;
/** The longest that a function without a time of its own waits: for SSM when it starts, and twice for the database. */
const OTHER_LIMIT_MS = 8_000;

/** One Lambda of a deployment, as far as it follows from the code. */
export interface DeployedFunction {
  /** Its key in serverless.yml, and the name of its zip. */
  name: string;
  /** Its file, from the root of the repository. */
  source: string;
  summary: string;
  /** Routes of the HTTP API, `$default` as `*`. */
  routes: readonly string[];
  /** The events of EventBridge that it takes. */
  events: EventSource | null;
  needs: Needs;
  memoryMb: number;
  timeoutSeconds: number;
}

/** Every function that a deployment has, from the method files, the callbacks and the two of the door. */
export async function listFunctions(): Promise<DeployedFunction[]> {
  const methods = (await loadMethods()).map(({ source, handler: { declaration, needs }, paths }) => ({
    name: `${declaration.name}-${declaration.version}`,
    source,
    summary: declaration.summary,
    routes: paths.map((path) => `POST ${path}`),
    needs,
    limitMs: CALL_LIMIT_MS,
  }));
  const door = [
    {
      name: "jwks",
      source: "src/entry/jwks.ts",
      summary: "Publishes the keys that verify our tokens.",
      routes: ["GET /.well-known/jwks.json"],
      needs: jwks.needs,
    },
    {
      name: "unmatched",
      source: "src/entry/unmatched.ts",
      summary: "Answers every path and verb that nothing else has, preflights and /health.",
      routes: ["*"],
      needs: unmatched.needs,
    },
  ];
  return [...methods, ...(await listCallbacks()), ...door].map(complete);
}

async function listCallbacks() {
  const files = (await readdir(CALLBACKS)).filter((file) => file.endsWith(".ts")).sort();
  return Promise.all(
    files.map(async (file) => {
      const { handler } = (await import(new URL(file, CALLBACKS).href)) as {
        handler: WebhookHandler | EventHandler;
      };
      const { declaration, needs } = handler;
      const common = {
        name: file.replace(/\.ts$/, ""),
        source: `src/callbacks/${file}`,
        summary: declaration.summary,
        needs,
      };
      return "source" in declaration
        ? { ...common, routes: [], events: declaration.source }
        : { ...common, routes: [`POST /1/webhook/${declaration.name}`], limitMs: WEBHOOK_LIMIT_MS };
    }),
  );
}

type Listed = Omit<DeployedFunction, "events" | "memoryMb" | "timeoutSeconds"> & {
  events?: EventSource | null;
  limitMs?: number;
};

function complete({ limitMs = OTHER_LIMIT_MS, events = null, ...listed }: Listed): DeployedFunction {
  return {
    ...listed,
    events,
    // Lambda gives CPU by memory. With a database a cold start is TLS and key derivation: more memory costs it less.
    memoryMb: "MONGODB_URI" in listed.needs.variables ? 1024 : 256,
    timeoutSeconds: Math.ceil(limitMs / 1000) + MARGIN_SECONDS,
  };
}

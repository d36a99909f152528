import { readdir } from "node:fs/promises";
import { CALL_LIMIT_MS, REDIRECT_LIMIT_MS, WEBHOOK_LIMIT_MS } from "#core/call.ts";
import type { AdapterDeclaration } from "#entry/adapter_declaration.ts";
import type { EventHandler, EventSource } from "#entry/event.ts";
import type { JobEvent } from "#entry/job.ts";
import { JWKS_ROUTES, handler as jwks } from "#entry/jwks.ts";
import type { Needs } from "#entry/lambda.ts";
import type { OAuthEndpointHandler } from "#entry/oauth_endpoint.ts";
import type { RedirectHandler } from "#entry/redirect.ts";
import { handler as unmatched } from "#entry/unmatched.ts";
import type { WebhookHandler } from "#entry/webhook.ts";
import { loadMethods } from "#routes.ts";
import { loadAdapters } from "#tools/stage/adapters.ts";
import { loadJobs } from "#tools/stage/jobs.ts";

const CALLBACKS = new URL("../../src/callbacks/", import.meta.url);

/** Added to the function's own time limit: time to respond, and a cold start, which Lambda's timeout includes. */
const MARGIN_SECONDS = 2;
/** For functions without their own time limit. They wait for SSM at the start, and at most twice for the database. */
const OTHER_LIMIT_MS = 8_000;

/** A rule of EventBridge that sends one event at fixed times. */
interface Schedule {
  /** In UTC. */
  expression: string;
  event: JobEvent;
}

/** A Lambda function of a deployment, as the code declares it. */
export interface DeployedFunction {
  /** Its key in serverless.yml and the name of its zip. */
  name: string;
  /** The path of its file from the root of the repository. */
  source: string;
  summary: string;
  /** Its routes in the HTTP API; `*` is the default route. */
  routes: readonly string[];
  /** The EventBridge events that call it. */
  events: EventSource | null;
  /** When EventBridge calls it, and with which event. */
  schedule: Schedule | null;
  /** The adapter that it serves, and what its clients need; null for every other function. */
  adapter: Pick<AdapterDeclaration, "name" | "grants" | "settings" | "clientHeader" | "passesCaptcha"> | null;
  needs: Needs;
  memoryMb: number;
  timeoutSeconds: number;
}

/**
 * Returns every function that a deployment can have: one for each method, callback, job and adapter, the JWKS, and the
 * default route. `functionsOn` leaves out the adapters that a stage does not list.
 */
export async function listFunctions(): Promise<DeployedFunction[]> {
  const methods = (await loadMethods()).map(({ source, handler: { declaration, needs }, paths }) => ({
    name: `${declaration.name}-${declaration.version}`,
    source,
    summary: declaration.summary,
    routes: paths.map((path) => `POST ${path}`),
    needs,
    limitMs: CALL_LIMIT_MS,
  }));
  const others = [
    {
      name: "jwks",
      source: "src/entry/jwks.ts",
      summary: "Publishes the public keys that verify tokens, and the metadata that names them.",
      routes: JWKS_ROUTES,
      needs: jwks.needs,
    },
    {
      name: "unmatched",
      source: "src/entry/unmatched.ts",
      summary: "Serves unknown paths and HTTP methods, CORS preflights and /health.",
      routes: ["*"],
      needs: unmatched.needs,
    },
  ];
  return [
    ...methods,
    ...(await listCallbacks()),
    ...(await listJobs()),
    ...(await listAdapters()),
    ...others,
  ].map(complete);
}

async function listCallbacks() {
  const files = (await readdir(CALLBACKS)).filter((file) => file.endsWith(".ts")).sort();
  return Promise.all(
    files.map(async (file) => {
      const { handler } = (await import(new URL(file, CALLBACKS).href)) as {
        handler: WebhookHandler | EventHandler | OAuthEndpointHandler | RedirectHandler;
      };
      const { declaration, needs } = handler;
      const common = {
        name: file.replace(/\.ts$/, ""),
        source: `src/callbacks/${file}`,
        summary: declaration.summary,
        needs,
      };
      if ("route" in declaration) return { ...common, routes: [declaration.route], limitMs: CALL_LIMIT_MS };
      if ("path" in declaration) {
        const routes = ["GET", "POST"].map((verb) => `${verb} ${declaration.path}`);
        return { ...common, routes, limitMs: REDIRECT_LIMIT_MS };
      }
      return "source" in declaration
        ? { ...common, routes: [], events: declaration.source }
        : { ...common, routes: [`POST /1/webhook/${declaration.name}`], limitMs: WEBHOOK_LIMIT_MS };
    }),
  );
}

async function listJobs() {
  return (await loadJobs()).map(({ source, handler: { declaration, needs } }) => ({
    name: declaration.name,
    source,
    summary: declaration.summary,
    routes: [],
    schedule: { expression: declaration.schedule, event: { job: declaration.name } },
    needs,
    // The job itself stops before Lambda's timeout.
    timeoutSeconds: declaration.limitSeconds,
  }));
}

async function listAdapters() {
  return (await loadAdapters()).map(({ source, handler: { declaration, needs } }) => ({
    name: declaration.name,
    source,
    summary: declaration.summary,
    // One route, since unknown paths and HTTP methods get the errors of the other API too.
    routes: [`ANY /${declaration.name}/{proxy+}`],
    adapter: declaration,
    needs,
    limitMs: CALL_LIMIT_MS,
  }));
}

type Listed = Omit<DeployedFunction, "events" | "schedule" | "adapter" | "memoryMb" | "timeoutSeconds"> &
  Partial<Pick<DeployedFunction, "events" | "schedule" | "adapter" | "timeoutSeconds">> & {
    limitMs?: number;
  };

function complete({ limitMs = OTHER_LIMIT_MS, ...listed }: Listed): DeployedFunction {
  return {
    events: null,
    schedule: null,
    adapter: null,
    timeoutSeconds: Math.ceil(limitMs / 1000) + MARGIN_SECONDS,
    ...listed,
    // Lambda gives CPU in proportion to memory. TLS and key derivation for the database dominate a cold start.
    memoryMb: "MONGODB_URI" in listed.needs.variables ? 1024 : 256,
  };
}

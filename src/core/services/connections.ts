import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";

/**
 * How long an idle connection is kept for reuse. The server, or a gateway in between, drops idle connections. Lambda
 * may freeze the process in the meantime. A request on a dropped connection would fail, and requests are never retried.
 */
const IDLE_MS = 4_000;
/** Node starts the time limit of a request only when its connection is established. */
const CONNECT_MS = 2_000;

const options = { keepAlive: true, timeout: IDLE_MS };
let http: HttpAgent | undefined;
let https: HttpAgent | undefined;

/**
 * The connections of this process to HTTP services. Clients share them, so that each service needs one TLS handshake.
 * @param protocol as in `URL`: `http:` or `https:`
 */
export function connectionsFor(protocol: string): HttpAgent {
  if (protocol === "http:") {
    http ??= limitConnecting(new HttpAgent(options));
    return http;
  }
  https ??= limitConnecting(new HttpsAgent(options));
  return https;
}

/** Limits the time for establishing a connection. */
function limitConnecting(agent: HttpAgent): HttpAgent {
  const create = agent.createConnection.bind(agent);
  agent.createConnection = (target, callback) => create({ ...target, timeout: CONNECT_MS }, callback);
  return agent;
}

import { isIPv4 } from "node:net";
import { MongoClient } from "mongodb";

/** Options of the driver that replace how a certificate is checked. A connection string can set them under these names. */
const REPLACES_A_CHECK = [
  "checkServerIdentity",
  "ciphers",
  "secureContext",
  "secureProtocol",
  "servername",
] as const;

/**
 * Says why a database connection would not be protected by verified TLS (contract 1.7). The driver parses the string, so
 * the answer holds for every spelling that the driver accepts. A TXT record of `mongodb+srv` can't change it: the driver
 * takes only `authSource`, `replicaSet` and `loadBalanced` from there.
 * @param uri a connection string of MongoDB
 * @returns the reason, which quotes no part of the string; null with verified TLS, or if every host is this machine
 */
export function tlsRefusal(uri: string): string | null {
  let options: MongoClient["options"];
  try {
    options = new MongoClient(uri).options;
  } catch {
    return "can't be parsed";
  }
  const { hosts, srvHost, tls, rejectUnauthorized } = options;
  if (srvHost === undefined && hosts.every(isThisMachine)) return null;
  if (tls !== true) return "has no TLS; set tls=true";
  const isVerified = rejectUnauthorized === undefined || rejectUnauthorized === true;
  const replaced = REPLACES_A_CHECK.some((name) => (options as Record<string, unknown>)[name] !== undefined);
  return isVerified && !replaced ? null : "does not verify the certificate of the database";
}

/** Whether a host can be reached only from this machine: a loopback address (127.0.0.0/8, ::1) or a Unix socket. */
function isThisMachine({ host, socketPath }: MongoClient["options"]["hosts"][number]): boolean {
  if (socketPath !== undefined) return true;
  if (host === undefined) return false;
  return host === "localhost" || host === "::1" || (isIPv4(host) && host.startsWith("127."));
}

import { Resolver } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import { isPublicAddress } from "#core/services/public_address.ts";

/** Why a URL can't receive messages. */
export const URL_PROBLEMS = [
  "not_a_url",
  "not_https",
  "credentials",
  "port",
  "ip_address",
  "unresolvable",
  "not_public",
] as const;
export type UrlProblem = (typeof URL_PROBLEMS)[number];

/** Returns every address of a name. */
export type Resolve = (hostname: string) => Promise<string[]>;

const PORTS = ["", "443", "8443"];
const DNS_MS = 2_000;

/** A connection was refused before it began, because of the addresses of its host. */
export class RefusedHost extends Error {
  readonly problem: "unresolvable" | "not_public";
  constructor(problem: "unresolvable" | "not_public") {
    super(problem);
    this.problem = problem;
  }
}

/**
 * Asks the name servers, and not `/etc/hosts`. `dns.lookup` would do all lookups of a process in four threads, so that one slow
 * name server delays every receiver.
 */
async function askNameServers(hostname: string): Promise<string[]> {
  const resolver = new Resolver({ timeout: DNS_MS, tries: 2 });
  const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  return answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
}

/** Decides which hosts get messages: public ones only, checked when a URL is stored and at every connection (SSRF). */
export class ReceiverHosts {
  readonly #allowed: readonly string[];
  readonly #resolve: Resolve;

  /**
   * @param allowed hosts with their port, such as `127.0.0.1:4000`, that get messages whatever their address and scheme. For tests
   * @param resolve returns the addresses of a name
   */
  constructor(allowed: readonly string[] = [], resolve: Resolve = askNameServers) {
    this.#allowed = allowed;
    this.#resolve = resolve;
  }

  /** Whether a host may have any address and scheme. */
  isAllowed({ host }: URL): boolean {
    return this.#allowed.includes(host);
  }

  /**
   * Judges a URL before it is stored. The addresses of its host may be others at the next connection, so `lookup` checks them again.
   * @returns null for a URL that can receive messages
   */
  async judge(text: string): Promise<UrlProblem | null> {
    if (!URL.canParse(text)) return "not_a_url";
    const url = new URL(text);
    const isExempt = this.isAllowed(url) && ["http:", "https:"].includes(url.protocol);
    if (!isExempt && url.protocol !== "https:") return "not_https";
    if (url.username !== "" || url.password !== "") return "credentials";
    if (isExempt) return null;
    if (!PORTS.includes(url.port)) return "port";
    // The parser has made one form of every notation: decimal, octal, hexadecimal, short.
    if (isIP(url.hostname.replace(/^\[|\]$/g, "")) !== 0) return "ip_address";
    try {
      await this.#publicAddresses(url.hostname);
      return null;
    } catch (error) {
      if (error instanceof RefusedHost) return error.problem;
      throw error;
    }
  }

  /** Resolves the host of a connection. The connection goes to an address that was checked here, so no later answer matters. */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.#publicAddresses(hostname).then(
      (addresses) => {
        const found = addresses.map((address) => ({ address, family: isIP(address) }));
        if (options.all) return callback(null, found);
        const [first = { address: "", family: 0 }] = found;
        return callback(null, first.address, first.family);
      },
      (error: Error) => callback(error, []),
    );
  };

  /** @throws RefusedHost if the host has no address, or one that is not public */
  async #publicAddresses(hostname: string): Promise<string[]> {
    const addresses = await this.#resolve(hostname).catch(() => []);
    if (addresses.length === 0) throw new RefusedHost("unresolvable");
    if (!addresses.every(isPublicAddress)) throw new RefusedHost("not_public");
    return addresses;
  }
}

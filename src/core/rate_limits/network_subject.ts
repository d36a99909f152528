import { networkOf } from "#core/network.ts";
import type { Subject } from "#core/rate_limits/limits.ts";

/** The network of an IP address, as a subject. One document counts its links, trial requests and new trials. */
export const networkSubject = (ip: string): Subject => ["links_per_network", networkOf(ip)];

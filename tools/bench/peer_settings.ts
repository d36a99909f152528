/** What of better-auth is configured: the library, its database adapter and its plugins. */
type Part = "betterAuth" | "mongodbAdapter" | "magicLink" | "stripe";

/** One option of better-auth that the benchmark sets. */
interface PeerSetting {
  part: Part;
  /** The path of the option, such as `rateLimit.max`. */
  option: string;
  value: boolean | number | string | object;
  /** The reason for the value, for the generated table. */
  why: string;
  /** The measurements that use it. Absent if all do. */
  only?: "limits off" | "refresh";
}

const PLENTY = 100_000_000;
const NEVER_REFUSED = "No call of the benchmark may be refused. Nest's limits are as high";

/** Every option that better-auth runs with. All others have its defaults. A later setting replaces an earlier one. */
export const PEER_SETTINGS: readonly PeerSetting[] = [
  { part: "betterAuth", option: "rateLimit.enabled", value: true, why: "Nest's limits are on" },
  {
    part: "betterAuth",
    option: "rateLimit.storage",
    value: "database",
    why: "All instances share it, as Nest's",
  },
  { part: "betterAuth", option: "rateLimit.window", value: 60, why: "`rateLimit.max` needs it. In seconds" },
  { part: "betterAuth", option: "rateLimit.max", value: PLENTY, why: NEVER_REFUSED },
  { part: "magicLink", option: "rateLimit", value: { window: 60, max: PLENTY }, why: NEVER_REFUSED },
  {
    part: "betterAuth",
    option: "rateLimit.enabled",
    value: false,
    why: "For the rows without its rate limit",
    only: "limits off",
  },
  {
    part: "betterAuth",
    option: "session.updateAge",
    value: 0,
    why: "Renews the session at each read, which is the closest to a refresh",
    only: "refresh",
  },
  {
    part: "betterAuth",
    option: "session.cookieCache.enabled",
    value: false,
    why: "Its default. Otherwise a revoked session remains valid until its copy in the cookie expires",
  },
  {
    part: "betterAuth",
    option: "advanced.database.joins",
    value: false,
    why: "Its default. With `true`, reading a session takes one command less, with a `$lookup`",
  },
  { part: "mongodbAdapter", option: "transaction", value: false, why: "The database has none" },
  { part: "magicLink", option: "storeToken", value: "hashed", why: "Nest stores hashes too" },
  {
    part: "betterAuth",
    option: "logger.disabled",
    value: true,
    why: "Nest builds its log lines and discards them",
  },
  {
    part: "betterAuth",
    option: "telemetry.enabled",
    value: false,
    why: "The benchmark must not call other servers",
  },
  { part: "stripe", option: "createCustomerOnSignUp", value: false, why: "No flow calls Stripe" },
  { part: "stripe", option: "subscription.enabled", value: true, why: "For the flow `subscription status`" },
  {
    part: "stripe",
    option: "subscription.plans",
    value: [{ name: "pro", priceId: "price_bench" }],
    why: "The plugin needs a plan",
  },
];

/** Indexes for the queries of better-auth's adapter. It creates those of user, session and verification by itself. */
export const PEER_INDEXES = {
  user: [{ key: { email: 1 }, unique: true }],
  session: [{ key: { token: 1 }, unique: true }, { key: { userId: 1 } }],
  verification: [{ key: { identifier: 1 } }],
  subscription: [{ key: { referenceId: 1 } }],
  rateLimit: [{ key: { key: 1 }, unique: true }],
};

type Options = { [option: string]: unknown };

/**
 * Builds the options of better-auth.
 * @param uses which settings apply in addition to those of all measurements
 */
export function peerOptions(uses: readonly PeerSetting["only"][]): Record<Part, Options> {
  const options: Record<Part, Options> = { betterAuth: {}, mongodbAdapter: {}, magicLink: {}, stripe: {} };
  for (const { part, option, value, only } of PEER_SETTINGS) {
    if (only !== undefined && !uses.includes(only)) continue;
    const path = option.split(".");
    const last = path.pop() ?? "";
    let place = options[part];
    for (const name of path) {
      place[name] ??= {};
      place = place[name] as Options;
    }
    place[last] = value;
  }
  return options;
}

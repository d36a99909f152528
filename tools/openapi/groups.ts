import { readdir } from "node:fs/promises";
import { basename } from "node:path";
import type { Version } from "#core/versions.ts";

const METHODS = new URL("../../src/methods/", import.meta.url);

/** A group of methods in the reference. */
interface Group {
  /** As OpenAPI's `tags` name it. */
  name: string;
  description: string;
}

/**
 * The groups in the order of the reference. The key is the folder of a method's file (`src/methods/<date>/<group>/`).
 * `webhook` and `service` have no method files.
 */
export const GROUPS = {
  sign_in: {
    name: "Sign-in",
    description: "Send a magic link or a code, exchange it for tokens, refresh tokens, sign out.",
  },
  oauth: {
    name: "OAuth providers",
    description: "Sign in with an account at a provider such as Google, and link such accounts to a user.",
  },
  passwords: { name: "Passwords", description: "Choose a new password." },
  mfa: {
    name: "Second factors",
    description: "Add, present and remove second factors, and recovery codes.",
  },
  sessions: { name: "Sessions", description: "List and revoke a user's sessions." },
  identifiers: {
    name: "Identifiers",
    description: "Add, verify and remove the email addresses and phone numbers of a user.",
  },
  account: { name: "Account", description: "A user's identifiers and marketing consent." },
  accounts: {
    name: "Accounts",
    description: "Accounts that several users share: their members, and the roles of members.",
  },
  users: {
    name: "Users",
    description: "What administrators see and change of users.",
  },
  roles: {
    name: "Roles",
    description: "Define what users may do beyond their own account, and give roles to users.",
  },
  audit: { name: "Audit log", description: "Who did what, and when." },
  webhooks: {
    name: "Webhooks",
    description: "URLs that get events of the app, and what was delivered to them.",
  },
  subscription: {
    name: "Subscription",
    description: "Plans, checkout, trials, and the status of a subscription.",
  },
  news: { name: "News", description: "News items that the app shows." },
  webhook: { name: "Webhook", description: "Endpoints that other services call." },
  service: { name: "Service", description: "Public keys and the health check." },
} as const satisfies Readonly<Record<string, Group>>;

export type GroupKey = keyof typeof GROUPS;

/** The groups of the methods whose files lie directly in their date's folder, as those of the first two dates do. */
const GROUP_OF_FLAT_METHOD: Readonly<Record<string, GroupKey>> = {
  send_magic_link: "sign_in",
  authenticate_user: "sign_in",
  revoke_token: "sign_in",
  list_sessions: "sessions",
  revoke_session: "sessions",
  get_user: "account",
  get_marketing_consent: "account",
  set_marketing_consent: "account",
  enrol_alpha_user: "account",
  create_trial_and_magic_link: "subscription",
  get_subscription_status: "subscription",
  list_news_items: "news",
};

/**
 * Finds the source file of a method.
 * @returns its path below `src/methods/`: `<date>/<method>.ts` or `<date>/<group>/<method>.ts`
 * @throws Error if there is none
 */
export async function findMethodFile(version: Version, name: string): Promise<string> {
  const files = await readdir(new URL(`${version}/`, METHODS), { recursive: true });
  const file = files.find((path) => basename(path) === `${name}.ts`);
  if (!file) throw new Error(`src/methods/${version} has no file ${name}.ts.`);
  return `${version}/${file.replaceAll("\\", "/")}`;
}

/** The URL of a method's source file. @param path below `src/methods/` */
export const methodFileUrl = (path: string): URL => new URL(path, METHODS);

/**
 * The group of a method: the folder of its file, or, for a file that lies directly in its date's folder, its entry in the table.
 * @param path of the method's file, below `src/methods/`
 * @throws Error if the folder is no group, or the method is not in the table
 */
export function groupOf(path: string): GroupKey {
  const parts = path.replace(/\.ts$/, "").split("/");
  const name = parts.at(-1) ?? "";
  const group = parts.length === 3 ? parts[1] : GROUP_OF_FLAT_METHOD[name];
  if (!group || !Object.hasOwn(GROUPS, group))
    throw new Error(
      `src/methods/${path} belongs to no group of tools/openapi/groups.ts. Add the group there.`,
    );
  return group as GroupKey;
}

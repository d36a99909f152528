import type { Responses } from "#client/index.ts";
import { capital, time } from "#tools/console/page/format.ts";

type Event = Responses["get_sign_in_history"]["events"][number];
type Block = Responses["get_sign_in_history"]["blocks"][number];

/** The request of a link or message, and its redemption. */
const REDEEMED: Readonly<Record<string, string>> = {
  link_requested: "link_redeemed",
  code_requested: "code_redeemed",
};

/**
 * Makes one row of a request and its redemption, at the time of the redemption, so that the sign-ins which worked take less
 * room than those which did not.
 * @param events the newest first
 */
export function foldRedeemed(events: readonly Event[]): Event[] {
  const keyOf = ({ about }: Event, code: string | undefined) => `${code} ${about}`;
  const redeemed = new Set(events.map((event) => keyOf(event, event.code)));
  const requests = new Map(
    events
      .filter((event) => event.code in REDEEMED)
      .map((event) => [keyOf(event, REDEEMED[event.code]), event] as const),
  );
  return events.flatMap((event) => {
    if (event.code in REDEEMED && redeemed.has(keyOf(event, REDEEMED[event.code]))) return [];
    const request = requests.get(keyOf(event, event.code));
    return [request === undefined ? event : { ...event, text: `${request.text}, and redeemed it` }];
  });
}

interface EventMark {
  tone: "warn" | "bad" | "over";
  text: string;
}

/** A word for events that answer why a user is signed out or can't sign in; null for the others. */
export function markOf({ code }: Pick<Event, "code">): EventMark | null {
  if (code === "user.sign_in_failed" || code === "step_up_failed") return { tone: "bad", text: "Refused" };
  if (code === "link_blocked" || code === "code_attempts_used_up") return { tone: "bad", text: "Blocked" };
  if (code.startsWith("second_factor_")) return { tone: "bad", text: "Not signed in" };
  if (code === "mail_returned") return { tone: "bad", text: "Not delivered" };
  if (code === "session_expired") return { tone: "over", text: "Signed out" };
  if (code.startsWith("session_") && code !== "session_refreshed")
    return { tone: "warn", text: "Signed out" };
  return /_(expired|replaced|revoked)$/.test(code) ? { tone: "over", text: "Not used" } : null;
}

/** What support staff can do about a block. */
const ADVICE: Readonly<Record<string, string>> = {
  user_disabled:
    'The row "User disabled" of the audit trail shows when, and by whom. An administrator can make the user active again.',
  user_deleted: "What is stored is erased 30 days after the deletion.",
  password_locked: "Ask the user to reset the password in the app.",
  passwords_paused: "Ask the user to wait until then, or to reset the password in the app.",
  mail_suppressed: "Ask the user for another address, or whether the mailbox is full.",
};

/** A block in words: the address that it is about, what it is, until when, and what to do. @param address null: it is about the user */
export function describeBlock(
  { code, text, until }: Pick<Block, "code" | "text" | "until">,
  address: string | null,
): string {
  const what = address === null ? capital(text) : `${address}: ${text}`;
  const end = until === null ? "" : ` This ends by itself at ${time(until)}.`;
  return `${what}.${end}${ADVICE[code] === undefined ? "" : ` ${ADVICE[code]}`}`;
}

/** The mark of an active user whom a block affects, so that the mark agrees with the box below it. */
const BLOCKED: Readonly<Record<string, string>> = {
  password_locked: "Active, password locked",
  passwords_paused: "Active, passwords paused",
  mail_suppressed: "Active, mail refused",
};

/** The status of an active user whom something keeps from signing in; null if nothing does. */
export const blockedStatus = (blocks: readonly Pick<Block, "code">[]): string | null =>
  blocks.map(({ code }) => BLOCKED[code]).find((text) => text !== undefined) ?? null;

/** What a user's password is, beside what blocks it. */
export function describePassword(
  hasPassword: boolean,
  blocks: readonly Pick<Block, "code" | "until">[],
): string {
  if (!hasPassword) return "None: signs in by link, code, passkey or linked account";
  if (blocks.some(({ code }) => code === "password_locked"))
    return "Locked: links, codes, passkeys and linked accounts still work";
  const paused = blocks.find(({ code }) => code === "passwords_paused");
  return paused?.until ? `Paused until ${time(paused.until)}` : "Set";
}

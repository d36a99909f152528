import { randomBytes } from "node:crypto";
import { memoryStore, NestClient, type Store } from "#client/index.ts";
import type { Trace } from "#tools/local/demo/trace.ts";
import type { SentMail } from "#tools/local/ses_double.ts";

/** Beak for macOS. */
const CLIENT_ID = "client_000000C2kdCzNlbL1BqR5FeMatItU";
const REDIRECT_URI = "https://magic.getbeak.app/";

export const newAddress = () => `demo-${randomBytes(4).toString("hex")}@example.com`;

/** A machine, as the app describes it. */
export const machine = (name: string) => ({ platform: "mac", beak_id: name, fingerprint: name }) as const;

/** The typed client, whose calls are shown, and what it keeps. */
export function openClient(trace: Trace): { nest: NestClient; store: Store } {
  const store = memoryStore();
  const { url, fetch } = trace;
  return {
    nest: new NestClient({ url, clientId: CLIENT_ID, redirectUri: REDIRECT_URI, store, fetch }),
    store,
  };
}

/** The newest mail to an address, of those that are wanted. @throws StepFailed if there is none */
export async function readMail(
  trace: Trace,
  address: string,
  isWanted: (mail: SentMail) => boolean = () => true,
): Promise<SentMail> {
  const inbox = (await trace.askStack("GET", "/dev/inbox")) as SentMail[];
  return trace.must(
    inbox.findLast((mail) => mail.to === address && isWanted(mail)),
    `a mail to ${address} has arrived`,
  );
}

/**
 * The link in the newest mail to an address that has one: a welcome may have come after it.
 * @throws StepFailed if there is none
 */
export async function readLink(trace: Trace, address: string): Promise<URL> {
  const linkOf = ({ text }: SentMail) => text.split("\n").find((line) => line.startsWith(REDIRECT_URI));
  const mail = await readMail(trace, address, (sent) => linkOf(sent) !== undefined);
  const link = new URL(linkOf(mail) ?? "about:blank");
  trace.note(`${mail.subject} — ${link.href.slice(0, 60)}…`);
  const code = link.searchParams.get("code") ?? "";
  trace.require(/^authzcode_[0-9A-Za-z]{27}\.[0-9a-f]{64}$/.test(code), "the link holds a code");
  return link;
}

import { createHash, randomBytes } from "node:crypto";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { parseCookie, stringifySetCookie } from "cookie";
import { NestError } from "#core/errors.ts";
import type { BegunVisit, BrowserVisit, ForeignBody } from "#entry/adapter_declaration.ts";
import { failedUrl } from "#entry/adapter_pages.ts";
import { headerOf, toNestError } from "#entry/answer.ts";

/** How long a person may take at a provider, as `start_oauth` allows. */
const VISIT_SECONDS = 600;

/** Begins a visit with new secrets, of 256 bits each. */
export const beginVisit = ({ intent, clientId }: Pick<BrowserVisit, "intent" | "clientId">): BegunVisit =>
  withChallenge({
    ...{ intent, clientId },
    state: randomBytes(32).toString("base64url"),
    verifier: randomBytes(32).toString("base64url"),
  });

const withChallenge = (visit: BrowserVisit): BegunVisit => ({
  ...visit,
  challenge: createHash("sha256").update(visit.verifier).digest("base64url"),
});

/**
 * The visit that a browser continues.
 * @param state that of the request; undefined: the request has none, since it comes from the client's own page
 * @throws NestError verification_not_found if the browser has not begun it, or has begun another one since
 */
export function requireBrowserVisit(
  adapter: string,
  event: APIGatewayProxyEventV2,
  { intent, state }: { intent?: BrowserVisit["intent"]; state?: string | undefined },
): BegunVisit {
  const visit = readVisit(adapter, event);
  const isSame = visit && (intent === undefined ? visit.state === state : visit.intent === intent);
  if (!isSame) throw new NestError("verification_not_found");
  return withChallenge(visit);
}

/** `__Host-`: no other domain can set this cookie. `lax`: browsers send it when the provider redirects back from its own site. */
const attributes = (adapter: string) =>
  ({
    ...{ name: `__Host-${adapter}_oauth`, path: "/", httpOnly: true, secure: true },
    sameSite: "lax",
  }) as const;

/** The `Set-Cookie` value that stores a visit. */
export const visitCookie = (adapter: string, { intent, state, verifier, clientId }: BrowserVisit): string =>
  stringifySetCookie({
    ...attributes(adapter),
    value: `${intent}.${state}.${verifier}.${clientId}`,
    maxAge: VISIT_SECONDS,
  });

/** The `Set-Cookie` value that removes a visit. */
export const expiredVisitCookie = (adapter: string): string =>
  stringifySetCookie({ ...attributes(adapter), value: "", maxAge: 0 });

/** The client of the visit in the browser's cookie; null if there is no such cookie, or two. */
export const clientOfVisit = (adapter: string, event: APIGatewayProxyEventV2): string | null =>
  readVisit(adapter, event)?.clientId ?? null;

/** The visit in the browser's cookie; null if there is no such cookie, or two. */
function readVisit(adapter: string, event: APIGatewayProxyEventV2): BrowserVisit | null {
  const { name } = attributes(adapter);
  const header = headerOf(event, "cookie");
  const values = (event.cookies ?? (header === null ? [] : [header]))
    .flatMap((field) => field.split(";"))
    .flatMap((pair) => Object.entries(parseCookie(pair)).filter(([key]) => key === name));
  const [[, value = ""] = []] = values;
  const [intent, state, verifier, ...named] = value.split(".");
  const clientId = named.join(".");
  if (values.length !== 1 || !state || !verifier || !clientId) return null;
  return intent === "sign_in" || intent === "link" ? { intent, state, verifier, clientId } : null;
}

/** A visit whose browser has come back from the provider. */
interface ReturnedVisit {
  adapter: string;
  visit: BrowserVisit;
  asked: { code?: string; error?: string; provider?: string };
  /** The client's own page. */
  page: string;
}

/**
 * Ends a visit: signs the person in and sends the browser to the client's page. A visit that links an account sends it there with the
 * code, because only the user's session may use it.
 * @param signIn calls the method of the route
 * @throws NestError for failures that a retry can recover; other failures go to the client's page as `error`
 */
export async function endVisit(
  signIn: () => Promise<unknown>,
  { adapter, visit, asked, page }: ReturnedVisit,
): Promise<ForeignBody> {
  const go = (location: string, setCookies: string[]) => ({ ...EMPTY, location, setCookies });
  const forget = [expiredVisitCookie(adapter)];
  const { code = "", error, provider = "" } = asked;
  if (error !== undefined) return go(pageWith(page, { error }), forget);
  if (visit.intent === "link") return go(pageWith(page, { code, provider }), []);
  try {
    await signIn();
    return go(page, forget);
  } catch (failure) {
    const known = toNestError(failure);
    if (known.status >= 500) throw known;
    return go(failedUrl(page, known), forget);
  }
}

const EMPTY = { contentType: "text/plain; charset=utf-8", body: "" };

function pageWith(page: string, parameters: Record<string, string>): string {
  const url = new URL(page);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

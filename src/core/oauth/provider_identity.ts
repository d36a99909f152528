import type { ProviderProfile } from "#core/oauth/presets.ts";

/** Whom a provider says a person is. */
export interface ProviderIdentity {
  issuer: string;
  /** The person's id at the provider. It never changes, unlike the address. */
  subject: string;
  /** As the provider wrote it; null if it named none. */
  email: string | null;
  /** Whether the provider says that the person proved the address. */
  emailVerified: boolean;
  /** The domain of the organization whose accounts the provider hosts; null if the account is of none. Only Google says it. */
  hostedDomain: string | null;
  name: string | null;
  picture: string | null;
}

/** Longest value that is kept of what a provider says. */
const LONGEST = 512;

const textOf = (value: unknown): string | null =>
  typeof value === "string" && value !== "" && value.length <= LONGEST && value.isWellFormed() ? value : null;

/**
 * The subject as text. Providers without OpenID Connect have numbers (`id`).
 * @returns null if there is none that can be stored
 */
function subjectOf({ sub, id }: Readonly<Record<string, unknown>>): string | null {
  const subject = sub ?? id;
  return typeof subject === "number" && Number.isSafeInteger(subject) ? String(subject) : textOf(subject);
}

/**
 * Reads the claims of an ID token, or the answer of `userinfo`.
 * @returns null if they name nobody
 */
export function readClaims(
  issuer: string,
  claims: Readonly<Record<string, unknown>>,
): ProviderIdentity | null {
  const subject = subjectOf(claims);
  if (subject === null) return null;
  const { email, email_verified: verified, hd, name, picture } = claims;
  return {
    ...{ issuer, subject, email: textOf(email) },
    // Apple sends a string.
    emailVerified: textOf(email) !== null && (verified === true || verified === "true"),
    ...{ hostedDomain: textOf(hd), name: textOf(name), picture: textOf(picture) },
  };
}

/** Whether the provider's word proves that the person has the address, without I/O. @param identity with the address normalized */
export function provesAddress(
  { trustEmail, provesHostedOnly }: Pick<ProviderProfile, "trustEmail" | "provesHostedOnly">,
  { email, emailVerified, hostedDomain }: Pick<ProviderIdentity, "email" | "emailVerified" | "hostedDomain">,
): boolean {
  if (!trustEmail || !emailVerified || email === null) return false;
  return !provesHostedOnly || hostedDomain !== null || email.endsWith("@gmail.com");
}

/** The primary address of a list of GitHub's form, if it is verified; else no address. */
export function withPrimaryEmail(identity: ProviderIdentity, list: unknown): ProviderIdentity {
  const entries = (Array.isArray(list) ? list : []) as {
    email?: unknown;
    primary?: unknown;
    verified?: unknown;
  }[];
  const found = entries.find((entry) => entry?.primary === true && entry.verified === true);
  const email = textOf(found?.email);
  return { ...identity, email, emailVerified: email !== null };
}

/** The name that Apple posts at the first consent only, in the form's field `user`. */
export function nameInForm(user: string | null): string | null {
  if (user === null || user.length > 4 * LONGEST) return null;
  try {
    const { name } = JSON.parse(user) as { name?: { firstName?: unknown; lastName?: unknown } };
    const parts = [textOf(name?.firstName), textOf(name?.lastName)].filter((part) => part !== null);
    return textOf(parts.join(" "));
  } catch {
    return null;
  }
}

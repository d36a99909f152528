import { _default, array, enum as oneOf, record, refine, strictObject, string } from "zod/mini";
import { MFA_FACTORS, MFA_POLICIES } from "#core/app/mfa_settings.ts";

/** A string that follows a rule. The message states the rule and how to correct the value. */
const rule = (isKept: (value: string) => boolean, message: string) => string().check(refine(isKept, message));

/** A string of this shape. */
export const matches = (shape: RegExp, message: string) => rule((value) => shape.test(value), message);

/** Line breaks, control characters, and characters that change the direction of the text around them. */
const UNSAFE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/u;
const VISIBLE = /[^\p{C}\p{Z}]/u;

/** A text that a person reads. It has one line, because subjects and headers of mails contain it. */
export const filled = () =>
  rule((value) => VISIBLE.test(value) && value.length <= 512, "must have 1 to 512 characters").check(
    refine((value) => !UNSAFE.test(value), "must have no line break and no control character"),
  );

export const localized = () => record(string(), filled());

/** Variation selectors, and characters that join several emoji into one. */
const JOINERS = /[\u200D\uFE0F\u{E0020}-\u{E007F}]/gu;

export const emoji = () =>
  rule(
    (value) => value.length <= 32 && !/[\p{L}\p{C}\p{Z}<>&]/u.test(value.replaceAll(JOINERS, "")),
    "must be one emoji, or empty",
  );

/**
 * Printable ASCII without a backslash, with a scheme, and with `//` and a host if it is on the web. URL parsers disagree about
 * other characters, so a comparison with the URL that a client sends could fail.
 */
const isPlainUrl = (value: string) => {
  if (!/^[a-z][a-z0-9+.-]*:[!-[\]-~]+$/.test(value) || !URL.canParse(value)) return false;
  const { username, password } = new URL(value);
  return username === "" && password === "" && !/^https?:(?!\/\/[^/])/.test(value);
};

const isWebUrl = (value: string) => {
  if (!isPlainUrl(value)) return false;
  const { protocol, hostname } = new URL(value);
  return (
    protocol === "https:" || (protocol === "http:" && ["localhost", "127.0.0.1", "[::1]"].includes(hostname))
  );
};

/** Schemes of links that run a script, read a file or open another program. */
const FOREIGN =
  /^(?:about|blob|chrome|data|file|filesystem|ftp|https?|intent|javascript|mailto|sms|tel|vbscript|view-source|wss?):/;

const hasOwnScheme = (value: string) => isPlainUrl(value) && !FOREIGN.test(value);

export const webUrl = () =>
  rule(isWebUrl, "must be a URL that begins with https:// and has no spaces and no password");

/** A page to which a query and a fragment can be added. */
export const pageUrl = () =>
  webUrl().check(
    refine(
      (value) => !/[?#]/.test(value),
      "must have no query and no fragment, because a checkout may add them. Remove the part from the ? or # on",
    ),
  );

/** Over plain HTTP somebody could read an authorization code; on this machine nobody can. */
export const redirectUri = () =>
  rule(
    (value) => isWebUrl(value) || hasOwnScheme(value),
    "must be a URL that begins with https://, or a scheme of your own such as acme://",
  ).check(
    refine(
      (value) => !/[?#]/.test(value),
      "must have no query and no fragment, because Nest adds code and state as the query. Remove the part from the ? or # on",
    ),
  );

export const deepLink = () =>
  rule(
    (value) => hasOwnScheme(value) && !/[?#]/.test(value),
    "must be a URL with a scheme of your own and without a query, such as acme://sign-in",
  );

const isOrigin = (value: string) => isWebUrl(value) && new URL(value).origin === value;

export const origin = () =>
  rule(
    isOrigin,
    "must be an origin: scheme, host and port only, such as https://acme.example. Remove the path and the trailing slash",
  );

export const apiUrl = () =>
  rule(
    isOrigin,
    "must be the origin of the API, such as https://nest.acme.example, without a trailing slash",
  );

/** ASCII, as SES needs it; a `?` or a comma would end it in a `mailto:` link. */
const ADDRESS = String.raw`[A-Za-z0-9.!#$%&'*+/=^_\x60{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+`;

export const address = () =>
  matches(new RegExp(`^${ADDRESS}$`), "must be an email address, such as help@acme.example");

const MAILBOX = new RegExp(`^(?:[^<>@"]+<${ADDRESS}>|${ADDRESS})$`);

export const mailbox = () =>
  rule(
    (value) => MAILBOX.test(value) && !UNSAFE.test(value),
    "must be a sender, such as `Acme <no-reply@acme.example>`",
  );

export const color = () => matches(/^#[0-9a-f]{6}$/i, "must be a color such as #1d4ed8");

export const currency = () =>
  rule(
    (value) => /^[a-z]{3}$/.test(value) && Intl.supportedValuesOf("currency").includes(value.toUpperCase()),
    "must be a currency in lower case, such as gbp",
  );

export const locale = () =>
  rule((value) => {
    try {
      return Intl.getCanonicalLocales(value)[0] === value;
    } catch {
      return false;
    }
  }, "must be a language tag such as en or pt-BR");

const POLICY = "optional";
const FACTORS = ["totp" as const, "sms" as const];

/** Whose sign-ins need a second factor, and the factors that users can add. */
export const mfaSettings = () =>
  _default(
    strictObject({
      policy: _default(oneOf(MFA_POLICIES), POLICY),
      factors: _default(array(oneOf(MFA_FACTORS)), FACTORS),
    }),
    { policy: POLICY, factors: FACTORS },
  );

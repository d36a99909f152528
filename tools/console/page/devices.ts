/** Names for what a program says of itself. They are guesses for people: any program can send any text. */
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/iPhone/, "iPhone"],
  [/iPad/, "iPad"],
  [/Android/, "Android"],
  [/Windows/, "Windows"],
  [/CrOS/, "ChromeOS"],
  [/Mac OS X|Macintosh/, "Mac"],
  [/Linux/, "Linux"],
];

/** In this order, because most browsers also send the names of others. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/Edg(e|A|iOS)?\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\/|FxiOS\//, "Firefox"],
  [/Chrome\/|CriOS\//, "Chrome"],
  [/Safari\//, "Safari"],
];

const nameIn = (text: string, names: readonly (readonly [RegExp, string])[]) =>
  names.find(([pattern]) => pattern.test(text))?.[1];

/** A short name of a user agent, such as `Safari on iPhone`. @param agent a User-Agent header (RFC 9110, section 10.1.5) */
export function programOf(agent: string): string {
  // A program that is no browser names itself first.
  const [product = agent] = agent.split(/[ (]/);
  const program = nameIn(agent, BROWSERS) ?? product.replace("/", " ").slice(0, 40);
  const system = nameIn(agent, SYSTEMS);
  return system === undefined ? program : `${program} on ${system}`;
}

const PLATFORMS: Readonly<Record<string, string>> = { mac: "Mac", windows: "Windows" };

/** The platform that an app names at the sign-in. */
export const platformOf = (name: string) => PLATFORMS[name] ?? name;

/** What a session started with, by the values of `amr` (RFC 8176, and Nest's own). */
const METHODS: Readonly<Record<string, string>> = {
  link: "a magic link",
  otp: "a code",
  pwd: "a password",
  sms: "a code by SMS",
  pop: "a passkey",
  fed: "an account at a provider",
  test: "a token for tests",
};

/** @param amr as in a session. `mfa` says that there are two, which the others show */
export const methodsOf = (amr: readonly string[]) =>
  amr
    .filter((name) => name !== "mfa")
    .map((name) => METHODS[name] ?? name)
    .join(" and ");

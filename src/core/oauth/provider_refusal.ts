/** The provider's answer can't be accepted. `name` is a code of the library, a network error, or one of our own. */
export class ProviderRefusal extends Error {
  /** Whether the provider could not be asked. */
  readonly isUnavailable: boolean;
  constructor(name: string, cause: unknown, isUnavailable = false) {
    super(name, { cause });
    this.name = name;
    this.isUnavailable = isUnavailable;
  }
}

/**
 * Runs requests to a provider, and names what failed without the provider's own words: they may contain what a person typed.
 * @throws ProviderRefusal
 */
export async function refusing<Value>(ask: () => Promise<Value>): Promise<Value> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ProviderRefusal) throw error;
    const { code, name = "UnknownError", cause } = Object(error) as Partial<Failure>;
    // The library's own errors have codes; fetch throws a TypeError without one if there is no connection.
    const isUnconnected = error instanceof TypeError && code === undefined;
    const isLate = code === "OAUTH_TIMEOUT" || code === "OAUTH_ABORT" || name === "TimeoutError";
    const isUnavailable = isUnconnected || isLate || (cause instanceof Response && cause.status >= 500);
    throw new ProviderRefusal(typeof code === "string" ? code : name, error, isUnavailable);
  }
}

interface Failure {
  code: unknown;
  name: string;
  cause: unknown;
}

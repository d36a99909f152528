/** The provider did not answer, or its answer can't be accepted. `name` is a code of the library, of a network error, or of Nest. */
export class ProviderRefusal extends Error {
  /** Whether the provider could not be reached, timed out, or failed with a status of 500 or above. */
  readonly isUnavailable: boolean;
  constructor(name: string, cause: unknown, isUnavailable = false) {
    super(name, { cause });
    this.name = name;
    this.isUnavailable = isUnavailable;
  }
}

/**
 * Runs requests to a provider. A failure becomes a `ProviderRefusal` with a code, without the provider's text: it may contain what a
 * person typed.
 * @throws ProviderRefusal
 */
export async function askProvider<Value>(ask: () => Promise<Value>): Promise<Value> {
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

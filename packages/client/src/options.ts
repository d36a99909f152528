import type { Store } from "./store.ts";

/** The options of a client. */
export interface NestClientOptions<IsCamel extends boolean = false> {
  /** The URL of Nest, such as `https://nest.getbeak.app`. */
  url: string;
  /** The id of this program's OAuth client. */
  clientId: string;
  /** Where mailed links lead. Must be a redirect URI of the OAuth client. */
  redirectUri: string;
  /** Where tokens are stored. Default: in memory. */
  store?: Store;
  /** The timeout of each request, and of the wait for the store's lock, in milliseconds. Default: 5,000. */
  timeoutMs?: number;
  /**
   * Names the fields of requests and responses in camelCase, also in the types. Default: as on the wire. Errors keep the
   * names of the wire.
   */
  camelCase?: IsCamel;
  /**
   * Keeps the tokens in cookies of a browser, out of reach of scripts, if the OAuth client has cookies. The store then has ids only.
   * Page and Nest must be of one site. Default: false.
   */
  cookies?: boolean;
  /** Replaces the global `fetch`, for example with Electron's `net.fetch`. */
  fetch?: typeof fetch;
}

/** The part of `oidc-provider` that `oidc_provider.ts` uses. The package has no types, and those of the registry need a web framework's. */
declare module "oidc-provider" {
  import type { RequestListener } from "node:http";

  interface Account {
    accountId: string;
    claims(): Record<string, unknown>;
  }

  export default class Provider {
    constructor(
      issuer: string,
      configuration: {
        findAccount(context: unknown, sub: string): Account;
        [setting: string]: unknown;
      },
    );
    callback(): RequestListener;
  }
}

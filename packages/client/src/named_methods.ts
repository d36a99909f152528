import { type Camel, type Cased, toCamel } from "./casing.ts";
import { METHODS, type Method, type Requests, type Responses } from "./methods.ts";
import type { CallArguments } from "./requests.ts";

/** A function for each method of the API: `getUser` calls `get_user`. `sendMagicLink` is one of the client's own functions. */
export type NamedMethods<IsCamel extends boolean> = {
  [M in keyof Requests as Camel<Exclude<M, "send_magic_link">>]: (
    ...args: CallArguments<M, IsCamel>
  ) => Promise<Cased<Responses[M], IsCamel>>;
};

interface Caller {
  call(method: Method, ...args: unknown[]): unknown;
}

/** Creates the base class of the client. It has the named methods and no state. */
export function baseWithNamedMethods() {
  class Named {}
  for (const method of Object.keys(METHODS) as Method[])
    Object.defineProperty(Named.prototype, toCamel(method), {
      value(this: Caller, ...args: unknown[]) {
        return this.call(method, ...args);
      },
    });
  return Named as unknown as new <IsCamel extends boolean>() => NamedMethods<IsCamel>;
}

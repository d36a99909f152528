import { toCamel } from "./casing.ts";
import { METHODS, type Method } from "./methods.ts";
import type { NamedMethods } from "./named_methods.ts";

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

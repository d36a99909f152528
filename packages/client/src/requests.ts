import type { Cased } from "./casing.ts";
import type { Method, Requests } from "./methods.ts";
import type { CallOptions } from "./transport.ts";

/** Fields that the client fills in. */
export type FilledIn = "client_id" | "redirect_uri" | "user_id";
/** Unlike with `Omit`, editors show the comments of the fields. */
type Optional<Fields, Names> = { [Name in keyof Fields as Exclude<Name, Names>]: Fields[Name] } & {
  [Name in keyof Fields as Extract<Name, Names>]?: Fields[Name];
};

/** The request of a method. Fields that the client fills in are optional. */
export type MethodRequest<M extends Method, IsCamel extends boolean = false> = Cased<
  Optional<Requests[M], FilledIn>,
  IsCamel
>;

/** The arguments of `call` after the method. The request is optional if all of its fields are. */
export type CallArguments<M extends Method, IsCamel extends boolean = false> =
  Record<never, never> extends MethodRequest<M, IsCamel>
    ? [request?: MethodRequest<M, IsCamel>, options?: CallOptions]
    : [request: MethodRequest<M, IsCamel>, options?: CallOptions];

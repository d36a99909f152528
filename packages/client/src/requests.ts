import type { Cased } from "./casing.ts";
import type { METHODS, Method, Requests } from "./methods.ts";
import type { CallOptions } from "./transport.ts";

/** Fields that the client fills in. */
export type FilledIn = "client_id" | "redirect_uri" | "user_id";
type Words<Text> = Text extends `${infer First} ${infer Rest}` ? First | Words<Rest> : Text;
/** Unlike with `Omit`, editors show the comments of the fields. */
type Prepared<Fields, Filled, Needed> = {
  [Name in keyof Fields as Exclude<Name, Filled | Needed>]: Fields[Name];
} & { [Name in keyof Fields as Extract<Name, Filled>]?: Fields[Name] } & {
  [Name in keyof Fields as Extract<Name, Needed>]-?: Fields[Name];
};
type PreparedRequests = {
  [M in Method]: Prepared<Requests[M], Words<(typeof METHODS)[M]["fills"]>, (typeof METHODS)[M]["needs"]>;
};

/**
 * The request of a method. Fields that the client fills in are optional. If a method can change another user than the signed-in
 * one, `user_id` is required.
 */
export type MethodRequest<M extends Method, IsCamel extends boolean = false> = Cased<
  PreparedRequests[M],
  IsCamel
>;

/** The request of a method as an argument. It is optional if all of its fields are. */
export type RequestArgument<M extends Method, IsCamel extends boolean = false> =
  Record<never, never> extends MethodRequest<M, IsCamel>
    ? [request?: MethodRequest<M, IsCamel>]
    : [request: MethodRequest<M, IsCamel>];

/** The arguments of `call` after the method. The request is optional if all of its fields are. */
export type CallArguments<M extends Method, IsCamel extends boolean = false> =
  Record<never, never> extends MethodRequest<M, IsCamel>
    ? [request?: MethodRequest<M, IsCamel>, options?: CallOptions]
    : [request: MethodRequest<M, IsCamel>, options?: CallOptions];

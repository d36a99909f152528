export type { CamelKeys } from "./casing.ts";
export { type Entitlement, type KeySet, verifyEntitlement } from "./entitlement.ts";
export {
  CallFailure,
  type ClientError,
  ErrorAnswer,
  type ErrorCode,
  type FailureKind,
  isClientError,
} from "./errors.ts";
export type { Device, Method, Requests, Responses } from "./methods.ts";
export { NestClient } from "./nest_client.ts";
export type { NestClientOptions } from "./options.ts";
export { codeChallenge, randomString } from "./pkce.ts";
export type { MethodRequest } from "./requests.ts";
export type { SignedIn } from "./session.ts";
export { memoryStore, type Store, type StringStorage, webStore } from "./store.ts";
export type { CallOptions } from "./transport.ts";

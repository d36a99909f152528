/**
 * MongoDB server codes after which a retry can succeed (`error_codes.yml` of the server): the categories RetriableError,
 * SystemOverloadedError, Interruption, ExceededTimeLimitError, NotPrimaryError and StaleShardVersionError, and single
 * codes of temporary states, such as an election, a write conflict, a full disk, or a login that is refused while an
 * operator replaces the database user (13, 18, 391, and 8000 of Atlas).
 */
const PASSING_CODES = new Set([
  6, 7, 13, 18, 24, 43, 50, 64, 89, 91, 112, 133, 134, 145, 150, 175, 189, 202, 203, 216, 237, 249, 262, 264,
  279, 317, 355, 365, 371, 384, 391, 402, 407, 433, 449, 450, 453, 462, 8000, 9001, 10107, 11600, 11601,
  11602, 13388, 13435, 13436, 14031, 46841, 91331, 10045600,
]);
/** Labels of the server and the driver that recommend a retry. */
const RETRYABLE_LABELS = ["RetryableWriteError", "RetryableError", "SystemOverloadedError"];
/**
 * Errors of the driver: no connection, or a connection, session or client that closed during the operation. Matched by
 * name, so that functions without a database do not bundle the driver.
 */
const PASSING_NAMES =
  /^(Mongo(ServerSelection|Network|NetworkTimeout|PoolCleared|PoolClosed|ServerClosed|WaitQueueTimeout|NotConnected|TopologyClosed|OperationTimeout|ClientClosed|StalePrimary|ExpiredSession|UnexpectedServerResponse)|(Mongo)?PoolClearedOnNetwork)Error$/;
/** Socket errors that the driver passes on unwrapped when a connection is cut during a write. */
const SOCKET_CODES = /^(EPIPE|E(CONN|HOST|NET)\w+|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|ERR_STREAM_DESTROYED)$/;

/** The fields of errors from the driver, and of socket and DNS errors that it passes on unwrapped. */
interface DatabaseError extends Error {
  code?: unknown;
  errorLabels?: readonly string[];
  /** Set by a failed `mongodb+srv` lookup: querySrv or queryTxt. */
  syscall?: string;
}

/** Whether a failure means that the database can't be reached, is overloaded or ended the operation (contract 1.7). */
export function isDatabaseUnavailable(error: Error): boolean {
  const { name, code, errorLabels, syscall } = error as DatabaseError;
  if (PASSING_NAMES.test(name) || syscall?.startsWith("query")) return true;
  if (typeof code === "string" && SOCKET_CODES.test(code)) return true;
  if (!name.startsWith("Mongo")) return false;
  // The driver wraps the error of a lost connection here, which has no code of the server.
  if (name === "MongoBulkWriteError" && code === undefined) return true;
  return RETRYABLE_LABELS.some((label) => errorLabels?.includes(label)) || PASSING_CODES.has(code as number);
}

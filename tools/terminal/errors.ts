/** An expected failure. Its message is one sentence for the operator; the program exits with status 1. */
export class CommandError extends Error {}

/** A check failed and the command has already reported it; the program exits with status 1. */
export class CheckFailed extends Error {}

/** The command line is wrong; the program prints the message and exits with status 2. */
export class UsageError extends Error {}

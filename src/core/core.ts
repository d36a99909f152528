import { enum as oneOf } from "zod/mini";
import currentApp from "#app";
import type { App, Stage } from "#core/app/app.ts";
import { type Clock, systemClock } from "#core/clock.ts";
import { type Environment, readConfig, type Variables } from "#core/config.ts";
import { createLog, type Log } from "#core/log.ts";
import { openRepositories, type Repositories } from "#core/repositories/all.ts";
import { randomNumber } from "#core/secrets.ts";
import { type Mongo, mongoVariables, openMongo } from "#core/services/mongo.ts";

/** Variables of every function with a core. Parts add further variables. */
export const coreVariables = {
  STAGE: oneOf(["local", "nonprod", "prod"]),
  ...mongoVariables,
} satisfies Variables;

/** The shared library of one process, opened once and used by every call. Domain functions take the fields they use. */
export interface Core extends Repositories {
  stage: Stage;
  app: App;
  clock: Clock;
  /** A number from 0 to below 1, for decisions that need no secrecy. */
  random: () => number;
  log: Log;
}

/** A dependency of some functions only. It is bundled, configured and opened where a method declares it. */
export interface Part<Opened> {
  variables: Variables;
  /** AWS actions it calls. A function's role allows the actions of its parts and no others. */
  awsActions?: readonly AwsAction[];
  open(environment: Environment, on: Foundation): Opened;
}

export type AwsAction = "ses:SendEmail" | "sns:Publish";

/** The arguments with which a part is opened. */
export type Foundation = Pick<OpenCore, "core" | "mongo">;

/** An opened core. `part` opens each part once. */
export interface OpenCore {
  core: Core;
  mongo: Mongo;
  /** Multiplies the time limits of a call and of its commands to the database. */
  slowdown: number;
  part<Opened>(part: Part<Opened>): Opened;
}

export interface CoreOptions {
  /** Replaces the app of this process. */
  app?: App;
  clock?: Clock;
  random?: () => number;
  /** Writes a finished log line. */
  write?: (line: string) => void;
  monitorCommands?: boolean;
  /** Multiplies the time limits. Tests with many concurrent calls raise it, because they run on a busy machine. */
  slowdown?: number;
}

/**
 * Opens the shared library from an environment. The database connection is established in the background.
 * @throws ConfigError naming every variable that is missing or invalid
 */
export function openCore(environment: Environment, options: CoreOptions = {}): OpenCore {
  const {
    app = currentApp,
    clock = systemClock,
    random = randomNumber,
    write = (line) => process.stdout.write(`${line}\n`),
    monitorCommands = false,
    slowdown = 1,
  } = options;
  const config = readConfig(coreVariables, environment);
  const isTlsOptional = config.STAGE === "local";
  const mongo = openMongo(config.MONGODB_URI, { monitorCommands, isTlsOptional, slowdown });
  const log = createLog(write, () => clock.now());
  const core: Core = {
    stage: config.STAGE,
    app,
    clock,
    random,
    log,
    ...openRepositories(mongo.database),
  };
  const opened = new Map<Part<unknown>, unknown>();
  return {
    core,
    mongo,
    slowdown,
    part<Opened>(part: Part<Opened>): Opened {
      if (!opened.has(part)) opened.set(part, part.open(environment, { core, mongo }));
      return opened.get(part) as Opened;
    },
  };
}

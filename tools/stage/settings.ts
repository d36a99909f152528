import { readFile } from "node:fs/promises";
import { parseDocument } from "yaml";
import {
  array,
  email,
  maximum,
  minimum,
  nullable,
  number,
  enum as oneOf,
  optional,
  type output,
  record,
  refine,
  regex,
  safeParse,
  strictObject,
  string,
} from "zod/mini";
import app from "#app";
import { appFolder } from "#app/load_app.ts";
import { CommandError } from "#tools/terminal/errors.ts";

/** The stages that can be deployed. */
export const STAGES = ["nonprod", "prod"] as const;
export type StageName = (typeof STAGES)[number];

const filled = string().check(refine((value) => value.trim() !== ""));
const filledOrNull = nullable(filled);
const numberBetween = (least: number, most: number) => number().check(minimum(least), maximum(most));

/** What CloudWatch Logs accepts; another number fails in the middle of a deployment (PutRetentionPolicy). */
const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** A stage file, `app/<name>/stages/<stage>.yml`. */
const stageFile = strictObject({
  region: string().check(regex(/^[a-z]{2}(-[a-z]+)+-\d$/)),
  domain: strictObject({
    name: nullable(string().check(regex(/^[a-z0-9.-]+$/))),
    certificateArn: nullable(string().check(regex(/^arn:aws[a-z-]*:acm:/))),
    hostedZoneId: filledOrNull,
  }),
  // Version 0.1 had the name of the sender here.
  mail: strictObject({ name: optional(filled), address: email(), identity: filled }),
  // Lambda takes strings only, and YAML reads an unquoted 14 as a number.
  variables: record(string(), nullable(string())),
  secrets: strictObject({ kmsKeyId: filled }),
  throttle: strictObject({ requestsPerSecond: numberBetween(1, 10_000), burst: numberBetween(1, 5_000) }),
  adapters: optional(array(string())),
  reservedConcurrency: record(string(), numberBetween(1, 1_000)),
  database: optional(
    strictObject({
      connections: nullable(numberBetween(1, 1_000_000)),
      poolSize: numberBetween(1, 1_000),
      accountConcurrency: numberBetween(1, 1_000_000),
    }),
  ),
  tracing: oneOf(["Active", "PassThrough"]),
  logRetentionDays: number().check(refine((days) => RETENTION_DAYS.includes(days))),
  alarms: strictObject({ topicArn: optional(filledOrNull), email: optional(nullable(email())) }),
});

export type StageSettings = output<typeof stageFile>;

/** A stage file can't be used. The message names the places and never a value. */
export class SettingsError extends CommandError {}

/** Returns the path of a stage file of the app, from the root of the repository. */
export const settingsPath = (stage: StageName) => `${appFolder}/stages/${stage}.yml`;

/**
 * Reads a stage file.
 * @throws SettingsError if the file can't be read, or naming every place that does not fit the schema
 */
export async function readSettings(path: string): Promise<StageSettings> {
  const text = await readFile(path, "utf8").catch(() => {
    throw new SettingsError(`${path} can't be read. Check the path and --stage.`);
  });
  const document = parseDocument(text);
  const [mistake] = document.errors;
  if (mistake)
    throw new SettingsError(`${path} is not valid YAML: see line ${mistake.linePos?.[0].line ?? 1}.`);
  const parsed = safeParse(stageFile, document.toJS());
  if (parsed.success) return parsed.data;
  const places = parsed.error.issues.map(({ path: at }) => at.join(".") || "the file");
  throw new SettingsError(
    `${path} has missing or wrong settings: ${[...new Set(places)].join(", ")}. See docs/deploy.md.`,
  );
}

/** Returns which settings of a stage file contradict each other or the app file, a sentence each. */
export function contradictions(settings: StageSettings, stage: StageName): string[] {
  const { domain, mail, variables } = settings;
  const from = variables.MAIL_FROM ?? app.mail.from[stage];
  const sender = /<([^<>]+)>$/.exec(from)?.[1] ?? from;
  const issuer = variables.ISSUER;
  const domainOfSender = mail.address.slice(mail.address.lastIndexOf("@") + 1);
  const isSenderVerified =
    [mail.address, domainOfSender].includes(mail.identity) || domainOfSender.endsWith(`.${mail.identity}`);
  return [
    ...(domain.name && !domain.certificateArn
      ? ["domain.certificateArn: missing in the stage file; domain.name needs a certificate"]
      : []),
    ...(!domain.name && domain.certificateArn
      ? ["domain.name: missing in the stage file, but domain.certificateArn is set"]
      : []),
    ...(!domain.name && domain.hostedZoneId
      ? ["domain.name: missing in the stage file, but domain.hostedZoneId is set"]
      : []),
    ...(domain.name && issuer && issuer !== `https://${domain.name}`
      ? [`variables.ISSUER: must be https://${domain.name}, the address of domain.name`]
      : []),
    ...(mail.name === undefined ? [] : ["mail.name: remove it; the sender is `mail.from` of the app file"]),
    ...(sender === mail.address
      ? []
      : [`mail.address: must be ${sender}, the address of \`mail.from\` in the app file`]),
    ...(isSenderVerified ? [] : ["mail.identity: mail.address does not belong to it"]),
  ];
}

import { readFile } from "node:fs/promises";
import { parseDocument } from "yaml";
import {
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
import { CommandError } from "#tools/terminal/errors.ts";

/** The stages that a deployment can have; `local` is not one. */
export const STAGES = ["nonprod", "prod"] as const;
export type StageName = (typeof STAGES)[number];

const filled = string().check(refine((value) => value.trim() !== ""));
const maybe = nullable(filled);
const count = (least: number, most: number) => number().check(minimum(least), maximum(most));

/** A file of `deploy/stages`. */
const stageFile = strictObject({
  region: string().check(regex(/^[a-z]{2}(-[a-z]+)+-\d$/)),
  domain: strictObject({
    name: nullable(string().check(regex(/^[a-z0-9.-]+$/))),
    certificateArn: nullable(string().check(regex(/^arn:aws[a-z-]*:acm:/))),
    hostedZoneId: maybe,
  }),
  mail: strictObject({ name: filled, address: email(), identity: filled }),
  // YAML reads some values as numbers; Lambda wants strings.
  variables: record(string(), nullable(string())),
  secrets: strictObject({ kmsKeyId: filled }),
  throttle: strictObject({ requestsPerSecond: count(1, 10_000), burst: count(1, 5_000) }),
  reservedConcurrency: record(string(), count(1, 1_000)),
  tracing: oneOf(["Active", "PassThrough"]),
  logRetentionDays: number(),
  alarms: strictObject({ topicArn: optional(maybe), email: optional(nullable(email())) }),
});

export type StageSettings = output<typeof stageFile>;

/** A stage file is not one; says where, and no value. */
export class SettingsError extends CommandError {}

/** Where a stage's settings are, from the root of the repository. */
export const settingsPath = (stage: StageName) => `deploy/stages/${stage}.yml`;

/**
 * Reads a stage file.
 * @throws SettingsError if it can't be read, or naming every place that does not fit
 */
export async function readSettings(path: string): Promise<StageSettings> {
  const text = await readFile(path, "utf8").catch(() => {
    throw new SettingsError(`${path} can't be read.`);
  });
  const document = parseDocument(text);
  const [mistake] = document.errors;
  if (mistake) throw new SettingsError(`${path} is no YAML in line ${mistake.linePos?.[0].line ?? 1}.`);
  const parsed = safeParse(stageFile, document.toJS());
  if (parsed.success) return parsed.data;
  const places = parsed.error.issues.map(({ path: at }) => at.join(".") || "the file");
  throw new SettingsError(`${path} does not fit at: ${[...new Set(places)].join(", ")}.`);
}

/** What a stage still lacks, or what in it does not agree, in words for the person at the terminal. */
export function missingSettings(settings: StageSettings): string[] {
  const { domain, mail, variables } = settings;
  const issuer = variables.ISSUER;
  const address = mail.address.slice(mail.address.lastIndexOf("@") + 1);
  const identities = [mail.address, address];
  const isOwn = identities.includes(mail.identity) || address.endsWith(`.${mail.identity}`);
  return [
    ...(domain.name && !domain.certificateArn
      ? ["domain.certificateArn: the domain has no certificate"]
      : []),
    ...(!domain.name && domain.certificateArn ? ["domain.name: there is a certificate and no domain"] : []),
    ...(!domain.name && domain.hostedZoneId ? ["domain.name: there is a zone and no domain"] : []),
    ...(domain.name && issuer && issuer !== `https://${domain.name}`
      ? ["variables.ISSUER: it is not the domain's address"]
      : []),
    ...(isOwn ? [] : ["mail.identity: mail.address is not of it"]),
  ];
}

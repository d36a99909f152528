import { createHash } from "node:crypto";
import KSUID from "ksuid";
import app from "#app";
import type { OAuthClient } from "#core/clients/oauth_clients.ts";
import { DAY, plusSeconds } from "#core/clock.ts";
import { derivedIdOf } from "#core/ids.ts";
import type { AccessToken } from "#core/repositories/access_tokens.ts";
import type { RefreshToken, Rotation } from "#core/repositories/refresh_tokens.ts";
import type { Session } from "#core/repositories/sessions.ts";
import { purgeAfterAcknowledgement } from "#core/retention.ts";
import {
  accessTokenRecord,
  type Issue,
  refreshTokenRecord,
  sessionRecord,
} from "#core/sessions/token_records.ts";
import { CLIENT, REDIRECT } from "#tools/bench/users.ts";

/** How a device is used. */
export interface Usage {
  name: string;
  accessTokenLifetimeSeconds: number;
  /** Hours of each day during which the app is open. */
  hoursADay: number;
}

/** The desktop app makes signed-in calls when it starts and then every 45 minutes. */
const CALL_EVERY_SECONDS = 45 * 60;

/**
 * When a device gets tokens, in seconds after its sign-in, in the order of their generations. The desktop app never refreshes early:
 * it refreshes after a call that was refused because the access token had expired, and then repeats that call.
 * @param days how long the device is used
 */
export function issueTimes({ accessTokenLifetimeSeconds, hoursADay }: Usage, days: number): number[] {
  const times = [0];
  for (let day = 0; day < days; day++)
    for (let second = 0; second < hoursADay * 3600; second += CALL_EVERY_SECONDS) {
      const at = day * DAY + second;
      if (at >= (times.at(-1) ?? 0) + accessTokenLifetimeSeconds) times.push(at);
    }
  return times;
}

/** What the database holds of one device's session. */
export interface DeviceDocuments {
  sessions: Session[];
  access_tokens: AccessToken[];
  "refresh-tokens": RefreshToken[];
}

/** A device that one person uses in the same way each day. Its ids, secrets and times follow from its number. */
export class DeviceLife {
  readonly #usage: Usage;
  readonly #number: number;
  readonly #signedInAt: Date;
  readonly #times: readonly number[];

  /** @param days how long the device is used */
  constructor(usage: Usage, number: number, signedInAt: Date, days: number) {
    this.#usage = usage;
    this.#number = number;
    this.#signedInAt = signedInAt;
    this.#times = issueTimes(usage, days);
  }

  /** The generations whose tokens were issued after `from` and until `to`. */
  issuedBetween(from: Date, to: Date): number[] {
    const generations = this.#times.map((_time, index) => index + 1);
    return generations.filter((generation) => {
      const at = this.#issuedAt(generation);
      return at > from && at <= to;
    });
  }

  /** The documents that the service would hold at `now`: those whose purge date has passed are removed. */
  documentsAt(now: Date): DeviceDocuments {
    const newest = this.#times.filter((time) => plusSeconds(this.#signedInAt, time) <= now).length;
    return {
      sessions: [this.session(newest)],
      access_tokens: keptAt(now, newest, (generation) => this.accessToken(generation)),
      "refresh-tokens": keptAt(now, newest, (generation) =>
        generation < newest ? this.usedRefreshToken(generation) : this.refreshToken(generation),
      ),
    };
  }

  /** The session after a refresh whose access token was used. */
  session(generation: number): Session {
    return { ...sessionRecord(this.#issue(generation)), acknowledgedGeneration: generation };
  }

  accessToken(generation: number): AccessToken {
    return accessTokenRecord(this.#issue(generation));
  }

  /** The refresh token before its use. */
  refreshToken(generation: number): RefreshToken {
    return refreshTokenRecord(this.#issue(generation));
  }

  /** The refresh token after its use. The access token of its successor was used at once. */
  usedRefreshToken(generation: number): RefreshToken {
    const usedAt = this.#issuedAt(generation + 1);
    const rotation: Rotation = {
      successorId: this.#tokenId(generation + 1),
      salt: this.#digest(`salt ${generation}`).toString("hex"),
      keyId: "local",
      usedAt: usedAt.toISOString(),
      network: `${IP}/32`,
    };
    return {
      ...this.refreshToken(generation),
      usedAt: usedAt.toISOString(),
      rotation,
      purgeAt: purgeAfterAcknowledgement(usedAt),
    };
  }

  #issue(generation: number): Issue {
    const code = this.#id("authzcode", this.#signedInAt);
    const rootGrant = { type: "authorization_code", value: code } as const;
    const predecessor = { type: "refresh_token", value: this.#tokenId(generation - 1) } as const;
    const id = this.#tokenId(generation);
    return {
      client: { ...DESKTOP, accessTokenLifetimeSeconds: this.#usage.accessTokenLifetimeSeconds },
      userId: this.#id("user", this.#signedInAt),
      device: { platform: "mac", beakId: this.#digest("device").toString("hex"), fingerprint: "print" },
      sessionId: this.#id("session", this.#signedInAt),
      startedAt: this.#signedInAt.toISOString(),
      authTime: this.#signedInAt.toISOString(),
      amr: ["link"],
      secondFactor: generation === 1 ? "none" : "earlier",
      generation,
      grant: generation === 1 ? rootGrant : predecessor,
      rootGrant,
      accessTokenId: derivedIdOf(id, "accessToken"),
      refreshToken: { id, secret: `secret of ${id}` },
      now: this.#issuedAt(generation),
      call: { requestId: "", ip: IP, userAgent: `${app.name}/1.0` },
    };
  }

  #issuedAt(generation: number): Date {
    return plusSeconds(this.#signedInAt, this.#times[generation - 1] ?? Number.NaN);
  }

  #tokenId(generation: number): string {
    return generation < 1 ? "" : this.#id(`reftok`, this.#issuedAt(generation), generation);
  }

  /** An id like Nest's, which starts with its time. */
  #id(prefix: string, at: Date, generation = 0): string {
    const payload = this.#digest(`${prefix} ${generation}`).subarray(0, 16);
    return `${prefix}_${KSUID.fromParts(at.getTime(), payload).string}`;
  }

  #digest(what: string): Buffer {
    return createHash("sha256").update(`${this.#usage.name} ${this.#number} ${what}`).digest();
  }
}

/** The documents of the generations up to `newest` that are not removed at `now`. The oldest are removed first. */
function keptAt<Stored extends { purgeAt: Date }>(
  now: Date,
  newest: number,
  documentOf: (generation: number) => Stored,
): Stored[] {
  const kept: Stored[] = [];
  for (let generation = newest; generation >= 1; generation--) {
    const document = documentOf(generation);
    if (document.purgeAt <= now) break;
    kept.push(document);
  }
  return kept.reverse();
}

const IP = "203.0.113.9";
const DESKTOP: OAuthClient = {
  id: CLIENT,
  name: "Desktop",
  enabled: true,
  redirectUris: [REDIRECT],
  origins: [],
  checkoutUrls: [],
  accessTokenLifetimeSeconds: 3600,
  sessionMaxDays: null,
  sessionIdleDays: null,
  locale: "en",
  grants: [],
  firstParty: false,
  passwordMinLength: 15,
  registration: "open",
  registrationMode: "verify_first",
  userCode: false,
  emailSenders: [],
  emailTemplates: [],
  linkQuery: "token",
  addsBeforeProof: false,
  addedUserAnswer: "true",
  phoneCountries: [],
  mfa: { policy: "optional", factors: ["totp", "sms"] },
  passkeys: null,
  cookies: { enabled: false, default: false },
  captcha: null,
  adapters: [],
  claims: {},
};

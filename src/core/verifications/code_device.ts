import { enum as oneOf, optional, type output, strictObject } from "zod/mini";
import type { Device } from "#core/repositories/authorizations.ts";
import { text } from "#core/wire.ts";

const DEVICE_ID_LIMIT = 128;

const machine = {
  platform: optional(oneOf(["mac", "windows", "linux"])),
  beak_id: optional(text()),
  fingerprint: optional(text()),
};

/** The device that requests or presents a code. */
export const codeDevice = strictObject({ device_id: optional(text(DEVICE_ID_LIMIT)), ...machine });

/** A device that the caller must name. */
export const namedDevice = strictObject({ device_id: text(DEVICE_ID_LIMIT), ...machine });

/** Translates a device from wire names. The device itself is described only by the three other fields together. */
export function readCodeDevice(asked: output<typeof codeDevice> | undefined): {
  device: Device | null;
  deviceId: string | null;
} {
  const { device_id: deviceId = null, platform, beak_id: beakId, fingerprint } = asked ?? {};
  const device = platform && beakId && fingerprint ? { platform, beakId, fingerprint } : null;
  return { device, deviceId };
}

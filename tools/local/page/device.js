/** The device that this browser reports to Nest, in the fields that the app sends. */
import { randomString } from "/client.js";

export function device() {
  const beakId = localStorage.getItem("beak_id") ?? simulateNewDevice();
  return { platform: "mac", beak_id: beakId, fingerprint: `page-${beakId.slice(0, 16)}` };
}

/** Replaces the device's id, so that Nest sees a device that has had no trial. Returns the new id. */
export function simulateNewDevice() {
  const beakId = randomString();
  localStorage.setItem("beak_id", beakId);
  return beakId;
}

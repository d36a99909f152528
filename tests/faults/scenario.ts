import type { ProxiedNest } from "#tests/faults/proxied_nest.ts";
import { linkRequest, type Reply, type TestNest } from "#tests/support/nest.ts";

/** A call with its preparation. */
export interface Scenario {
  path: string;
  /** Distinguishes scenarios with the same path. */
  kind?: string;
  /** @param address an address that no other scenario uses @returns the call, which can be repeated unchanged */
  prepare(proxied: ProxiedNest, address: string): Promise<() => Promise<Reply>>;
}

/** A device that only this address uses. */
export const machineOf = (address: string) => ({
  platform: "mac",
  beak_id: `b ${address}`,
  fingerprint: `f ${address}`,
});
export const request = (address: string, change: object = {}) =>
  linkRequest({ identifier_value: address, device: machineOf(address), ...change });
export const signIn = (nest: TestNest, address: string, change: object = {}) =>
  nest.signIn(address, { device: machineOf(address), ...change });

let numbers = 0;
/** A phone number of Singapore that no other scenario uses. */
export const newNumber = () => `+65${90_000_000 + numbers++}`;

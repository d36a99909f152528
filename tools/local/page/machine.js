/** What this browser calls itself, as the app names a machine. */
import { randomString } from "/client.js";

export function device() {
  const beakId = localStorage.getItem("beak_id") ?? changeMachine();
  return { platform: "mac", beak_id: beakId, fingerprint: `page-${beakId.slice(0, 16)}` };
}

/** From now on this browser is another machine, which has had no trial. */
export function changeMachine() {
  const beakId = randomString();
  localStorage.setItem("beak_id", beakId);
  return beakId;
}

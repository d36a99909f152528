import type { Collection } from "mongodb";
import { type Registrable, RegistrationWrites } from "#core/repositories/registration_writes.ts";

/** Devices remembered for each address. A device that is forgotten counts as a new device. */
const KNOWN_DEVICES_LIMIT = 20;

/** An identifier that knows the devices which signed in with it. */
interface Known extends Registrable {
  userId: string;
  knownDevices?: string[];
}

/** The writes of the devices that an identifier knows. Part of the repository of identifiers. */
export class KnownDeviceWrites<Stored extends Known> extends RegistrationWrites<Stored> {
  readonly #collection: Collection<Known>;
  constructor(identifiers: Collection<Stored>) {
    super(identifiers);
    this.#collection = identifiers as unknown as Collection<Known>;
  }

  /**
   * Remembers a device that signed in with this address.
   * @param isUnverified remembers it only while nobody has verified the address
   */
  async rememberDevice(id: string, deviceHash: string, isUnverified = false): Promise<void> {
    await this.#collection.updateOne(
      { _id: id, knownDevices: { $ne: deviceHash }, ...(isUnverified && { verifiedAt: null }) },
      { $push: { knownDevices: { $each: [deviceHash], $slice: -KNOWN_DEVICES_LIMIT } } },
    );
  }

  /** Forgets a device at every address of a user, so that it counts as a new device. */
  async forgetDevice(userId: string, deviceHash: string): Promise<void> {
    await this.#collection.updateMany(
      { userId, knownDevices: deviceHash },
      { $pull: { knownDevices: deviceHash } },
    );
  }
}

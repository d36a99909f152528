import { installFolder, pinnedVersion } from "#tools/machine/package_folder.ts";

const FOLDER = new URL("peers/", import.meta.url);
const PEER = "better-auth";

/** The version of better-auth that the benchmark uses. */
export const peerVersion = (): string => pinnedVersion(FOLDER, PEER);

/** Installs better-auth from its lockfile, unless this version is installed. */
export const installPeers = (): void => installFolder(FOLDER, PEER);

import { join } from "node:path";
import { DryMongoBinary } from "mongodb-memory-server-core/lib/util/DryMongoBinary.js";
import { MongoBinaryDownload } from "mongodb-memory-server-core/lib/util/MongoBinaryDownload.js";
import { exclusively } from "#tools/machine/lock.ts";
import type { ReportPercent } from "#tools/terminal/progress.ts";

/** Reports the progress of the download, which the library prints itself. */
class ReportingDownload extends MongoBinaryDownload {
  reportPercent: ReportPercent = () => undefined;

  override printDownloadProgress(chunk: { length: number }): void {
    this.dlProgress.current += chunk.length;
    const { current, length } = this.dlProgress;
    if (length > 0) this.reportPercent((100 * current) / length);
  }
}

/**
 * Finds mongod in the cache of mongodb-memory-server, or downloads it. One process downloads at a time.
 * @param folder an existing folder for the download
 * @returns the path of the program
 * @throws Error if it can't be downloaded
 */
export async function downloadMongod(
  version: string,
  folder: string,
  reportPercent: ReportPercent,
): Promise<string> {
  const options = await DryMongoBinary.generateOptions({ version, downloadDir: folder });
  const found = await DryMongoBinary.locateBinary(options);
  if (found !== undefined) return found;
  return exclusively(join(folder, "lock"), () => {
    const download = new ReportingDownload({ ...options, checkMD5: false });
    download.reportPercent = reportPercent;
    return download.getMongodPath();
  });
}

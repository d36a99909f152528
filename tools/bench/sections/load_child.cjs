// Loads one file in this fresh process and prints how long that took, in milliseconds.
const startedAt = process.hrtime.bigint();
require(process.argv[2]);
process.stdout.write(String(Number(process.hrtime.bigint() - startedAt) / 1e6));
process.exit(0);

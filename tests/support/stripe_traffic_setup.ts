import { checkTrafficOfFile } from "#tests/support/stripe_traffic_check.ts";

// Vitest loads this module again before each test file, and modules that it imports once per process.
checkTrafficOfFile();

/** `npm run rehearse`: doubles of AWS, Stripe and SES on loopback, to try a deployment by hand. See `rehearse.ts`. */
import { rehearse } from "#tools/deploy/verify/rehearse.ts";

try {
  await rehearse((line) => console.log(line));
} catch (error) {
  console.error(`\nfail  ${(error as Error).message}`);
  process.exit(1);
}

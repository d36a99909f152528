/** The library's public entry loads every store it knows; this file of it is documented but not typed. */
declare module "rate-limiter-flexible/lib/RateLimiterMongo.js" {
  import { RateLimiterMongo } from "rate-limiter-flexible";
  export default RateLimiterMongo;
}

/**
 * AWS list prices of eu-west-2 in US dollars, without tax and without the free tier. They were entered by hand in November
 * 2026 and not compared with AWS's price list API.
 */
export const PRICE_SOURCE =
  "list prices of eu-west-2 in US dollars, without tax, entered by hand in November 2026";

export const PRICES = {
  /** API Gateway, HTTP API: one request of up to 512 KB. */
  apiRequest: 1.16 / 1e6,
  /** Lambda: one invocation. */
  invocation: 0.2 / 1e6,
  /** Lambda on arm64: one gigabyte for one second. */
  gigabyteSecond: 0.0000133334,
  /** CloudWatch Logs: one gigabyte ingested. */
  logGigabyte: 0.5985,
  /** SES: one mail. */
  mail: 0.1 / 1000,
  /** SSM: one parameter read with higher throughput switched on. Without it, reads are free. */
  parameterRead: 0.05 / 10_000,
  /** Data transfer to the internet: one gigabyte, after the first 100 of a month. */
  gigabyteOut: 0.09,
  /** CloudWatch, per month: an alarm, a custom metric, a dashboard. */
  alarm: 0.1,
  metric: 0.3,
  dashboard: 3,
} as const;

/** Measured or assumed properties of a call, on which the cost is computed. */
export const ASSUMED = {
  /** Billed milliseconds of a call to a warm function, with the database in the same region. */
  warmMs: 50,
  /** The share of calls that cause a cold start, and the billed milliseconds that a cold start adds. */
  coldShare: 0.01,
  coldMs: 700,
  /** Log bytes: Nest's line (about 310, measured), Lambda's three lines, API Gateway's access log. */
  logBytes: 310 + 330 + 430,
  /** Bytes of a response, including its headers. */
  answerBytes: 1_000,
  /** The share of calls that send a mail. Users stay signed in for a long time. */
  mailShare: 0.01,
} as const;

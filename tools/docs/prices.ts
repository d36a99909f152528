/**
 * What AWS asks for, in US dollars without tax: public list prices of eu-west-2 as known in November 2026. No price list
 * could be asked while this was written, so look before you budget. No free tier is taken off.
 */
export const PRICES_ARE = "list prices of eu-west-2 in US dollars, without tax, as known in November 2026";

export const PRICES = {
  /** HTTP API, a request of up to 512 KB. */
  apiRequest: 1.16 / 1e6,
  /** Lambda, an invocation. */
  invocation: 0.2 / 1e6,
  /** Lambda on arm64, for one gigabyte and one second. */
  gigabyteSecond: 0.0000133334,
  /** CloudWatch Logs, a gigabyte taken in. */
  logGigabyte: 0.5985,
  /** SES, a mail. */
  mail: 0.1 / 1000,
  /** A read of a parameter with higher throughput switched on; without, it is free. */
  parameterRead: 0.05 / 10_000,
  /** What leaves for the internet, a gigabyte, after the first 100 of a month. */
  gigabyteOut: 0.09,
  /** CloudWatch, a month: an alarm, a metric of one's own, a dashboard. */
  alarm: 0.1,
  metric: 0.3,
  dashboard: 3,
} as const;

/** What a call was seen or is taken to be; the arithmetic rests on these. */
export const ASSUMED = {
  /** Milliseconds a call is billed for when its function is warm, the database in the same region. */
  warmMs: 50,
  /** Of a hundred calls so many meet a function that has to start first, and what that adds: it is billed too. */
  coldShare: 0.01,
  coldMs: 700,
  /** Bytes in the logs: our line (about 310 as measured), Lambda's own three lines, the gateway's access log. */
  logBytes: 310 + 330 + 430,
  /** Bytes of an answer with its headers. */
  answerBytes: 1_000,
  /** Of a hundred calls so many send a mail: people stay signed in for long. */
  mailShare: 0.01,
} as const;

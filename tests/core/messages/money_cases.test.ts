import { load } from "cheerio";
import { describe, expect, test } from "vitest";
import app from "#app";
import { renderMail } from "#core/messages/render.ts";
import type { KeptFacts, RejectionFacts, TrialFacts } from "#core/messages/templates/money_facts.ts";
import { wordingIn } from "#tests/support/wording.ts";

const BOUGHT = "2026-11-28T12:00:00.000Z";
const ENDS = "2027-01-15T08:00:00.000Z";
const MONEY = { amount: 123_456, currency: "eur" };
const OTHER_MONEY = { amount: 250, currency: "eur" };

const kept = (status: KeptFacts["status"], change: Partial<KeptFacts> = {}): KeptFacts => ({
  ...{ interval: "year", intervalCount: 1, boughtAt: "2026-03-01T12:00:00.000Z", status, endsAt: null },
  ...change,
});
const rejection = (change: Partial<RejectionFacts>): RejectionFacts => ({
  kind: "duplicate",
  canceled: { interval: "month", intervalCount: 1, boughtAt: BOUGHT, hadStarted: true },
  ...{ kept: null, refunded: null, credited: null, isCreditOfOtherCustomer: false },
  ...change,
});

/** Facts of a mail about a rejected subscription, with the amounts and days that the mail must name. */
const REJECTIONS: [string, Partial<RejectionFacts>, { money?: object[]; days?: string[] }][] = [
  ["a refund", { refunded: MONEY }, { money: [MONEY] }],
  ["a credit", { credited: MONEY }, { money: [MONEY] }],
  ["a credit of another customer", { credited: MONEY, isCreditOfOtherCustomer: true }, { money: [MONEY] }],
  ["a refund and a credit", { refunded: MONEY, credited: OTHER_MONEY }, { money: [MONEY, OTHER_MONEY] }],
  ["a subscription that renews", { kept: kept("renewing") }, { days: ["2026-03-01"] }],
  ["a subscription that ends", { kept: kept("ending", { endsAt: ENDS }) }, { days: ["2026-03-01", ENDS] }],
  ["an unpaid subscription", { kept: kept("payment_due") }, { days: ["2026-03-01"] }],
  ["a paused subscription", { kept: kept("paused") }, { days: ["2026-03-01"] }],
  ["a paused, paid one", { kept: kept("paused", { endsAt: ENDS }) }, { days: ["2026-03-01", ENDS] }],
  ["a closed invoice", { kept: kept("invoice_closed", { endsAt: ENDS }) }, { days: ["2026-03-01", ENDS] }],
  ["a trial", { kept: kept("trialing", { endsAt: ENDS }) }, { days: [ENDS] }],
  ["an unused trial", { kept: kept("trialing", { endsAt: ENDS, daysFromFirstUse: 14 }) }, { days: [ENDS] }],
  [
    "a second subscription of the same day",
    { kept: kept("renewing", { interval: "month", boughtAt: "2026-11-28T13:00:00.000Z" }) },
    { days: [BOUGHT] },
  ],
];

const TRIALS: [string, Omit<TrialFacts, "endsAt">, object[]][] = [
  ["free", { daysFromFirstUse: null, charge: null }, []],
  ["charged", { daysFromFirstUse: null, charge: { money: MONEY } }, [MONEY]],
  ["charged an unknown amount", { daysFromFirstUse: null, charge: { money: null } }, []],
  ["charged nothing", { daysFromFirstUse: null, charge: { money: { ...MONEY, amount: 0 } } }, []],
  ["unused and free", { daysFromFirstUse: 14, charge: null }, []],
  ["unused, of one day", { daysFromFirstUse: 1, charge: null }, []],
  ["unused and charged", { daysFromFirstUse: 14, charge: { money: MONEY } }, [MONEY]],
  ["unused and charged an unknown amount", { daysFromFirstUse: 14, charge: { money: null } }, []],
  ["unused and charged nothing", { daysFromFirstUse: 14, charge: { money: { ...MONEY, amount: 0 } } }, []],
];

describe.each(app.locales.map((locale) => [locale, wordingIn(locale)] as const))(
  "in %s",
  (_locale, wording) => {
    /** Both parts name the amounts and days, say the same, and have no placeholder. */
    const check = ({ html, text }: { html: string; text: string }, facts: readonly string[]) => {
      const visible = load(html)("body").text();
      for (const part of [visible, text]) {
        for (const fact of facts) expect(part).toContain(fact);
        expect(part).not.toMatch(/[{}[\]]|undefined|NaN| {2}| \./);
      }
      for (const paragraph of text.split("\n\n").slice(1, -2)) {
        const [sentences = ""] = paragraph.split(/: https|\nhttps/);
        expect(visible).toContain(sentences);
      }
    };

    test.each(REJECTIONS)(
      "the mail about a rejection states %s",
      (_case, change, { money = [], days = [] }) => {
        for (const kind of ["duplicate", "replaced"] as const) {
          const facts = rejection({ ...change, kind });
          const amounts = money.map((one) => wording.money(one as typeof MONEY));
          const named = [BOUGHT, ...days].map((day) => wording.day(day));
          check(renderMail(`${kind}-subscription`, facts, wording), [...amounts, ...named]);
        }
      },
    );

    test.each(TRIALS)("the welcome to a trial that is %s states it", (_case, facts, money) => {
      const amounts = money.map((one) => wording.money(one as typeof MONEY));
      const mail = renderMail("welcome-trial", { endsAt: ENDS, ...facts }, wording);
      check(mail, [wording.day(ENDS), ...amounts]);
    });

    test("each case of a trial has words of its own", () => {
      const texts = TRIALS.map(
        ([, facts]) => renderMail("welcome-trial", { endsAt: ENDS, ...facts }, wording).text,
      );
      expect(new Set(texts).size).toBe(TRIALS.length);
    });

    test.each([true, false])("the reminder names the last day; charged: %s", (isCharged) => {
      check(renderMail("trial-will-end", { endsAt: ENDS, isCharged }, wording), [wording.day(ENDS)]);
    });

    test.each(["day", "week", "month", "year"] as const)(
      "a subscription of each %s has a name",
      (interval) => {
        const names = [1, 3].map((intervalCount) => {
          const canceled = { interval, intervalCount, boughtAt: BOUGHT, hadStarted: true };
          return renderMail("duplicate-subscription", rejection({ canceled }), wording).text;
        });
        expect(names[1]).toMatch(/\b3\b/);
        expect(names[0]).not.toMatch(/\b[13]\b/);
      },
    );
  },
);

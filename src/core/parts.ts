import { RefreshKeys, refreshKeyVariables } from "#core/auth/refresh_keys.ts";
import { openSes } from "#core/clients/ses.ts";
import { readConfig } from "#core/config.ts";
import type { Part } from "#core/core.ts";
import { mailVariables } from "#core/email/config.ts";
import { Mailer } from "#core/email/mailer.ts";
import { NewsBoard } from "#core/news/news_items.ts";

/** Sends mail. */
export const mailer: Part<Mailer> = {
  variables: mailVariables,
  open(environment) {
    const config = readConfig(mailVariables, environment);
    const ses = openSes({ endpoint: config.SES_ENDPOINT, region: config.AWS_REGION });
    return new Mailer(ses, { from: config.MAIL_FROM, replyTo: config.MAIL_REPLY_TO });
  },
};

/** Rotates refresh tokens. */
export const refreshKeys: Part<RefreshKeys> = {
  variables: refreshKeyVariables,
  open: (environment) => new RefreshKeys(readConfig(refreshKeyVariables, environment).REFRESH_KEYS),
};

/** Keeps a copy of the news. */
export const newsBoard: Part<NewsBoard> = { variables: {}, open: () => new NewsBoard() };

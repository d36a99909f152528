import { defineApp } from "#core/app/define_app.ts";

/** The page that magic links open. It hands code and state to the installed app. */
const LANDING = "https://magic.getbeak.app/";

const SITE = "https://getbeak.app/";

/**
 * Desktop builds since 2021-05 send one refresh in each run and then hang, so a deployed token lives for ten days
 * (docs/desktop_client.md).
 */
const DESKTOP_LIFETIME = { local: 3600, nonprod: 864_000, prod: 864_000 };

/** Deployed desktop clients sign in with links. On a developer's machine, they also show how codes work. */
const DESKTOP_GRANTS = { local: ["otp" as const], nonprod: [], prod: [] };

/** A client of the desktop app. The second redirect URI is the one that an older document about the app names. */
const desktop = (id: string, name: string) => ({
  id,
  name,
  redirectUris: [LANDING, `${LANDING}callback`],
  checkoutUrls: [SITE],
  accessTokenLifetimeSeconds: DESKTOP_LIFETIME,
  grants: DESKTOP_GRANTS,
  phoneCountries: ["GB", "DE", "SG"],
});

export default defineApp({
  name: "Beak",
  emoji: "🐦",
  addresses: { support: "info@getbeak.app", security: "security@getbeak.app" },
  urls: {
    site: SITE,
    docs: "https://docs.getbeak.app",
    downloads: "https://getbeak.app#downloads",
    landing: LANDING,
    deepLink: "beak-app://nest/magic-link",
    api: { nonprod: "https://nest.nonprod-getbeak.app", prod: "https://nest.getbeak.app" },
  },
  colors: { accent: "#1d4ed8", onAccent: "#ffffff", accentDark: "#8ab4ff", onAccentDark: "#0b1220" },
  logo: "logo.svg",
  locales: ["en", "de"],
  signOff: { en: "The Beak flock", de: "Der Beak-Schwarm" },
  mail: {
    from: {
      local: "Beak App <no-reply@getbeak.app>",
      nonprod: "Beak App <no-reply@nonprod-getbeak.app>",
      prod: "Beak App <no-reply@getbeak.app>",
    },
  },
  clients: [
    desktop("client_000000C2kdCzNlbL1BqR5FeMatItU", "Beak for macOS"),
    desktop("client_000000CAixjPMTECPznenOM8rKRxQ", "Beak for Linux"),
    desktop("client_000000CAixkP7YVb0cH1zvNfE5mYi", "Beak for Windows"),
    {
      id: "client_000000C7zCx1DUI536pOmMUFPbnPc",
      name: "Beak for the web",
      enabled: false,
      redirectUris: ["https://rio.getbeak.app/"],
      origins: ["https://rio.getbeak.app"],
    },
  ],
  plans: [
    {
      id: "beak",
      name: { en: "Beak", de: "Beak" },
      prices: { local: { priceId: "price_1JhiGIATHKHpwoLyyxI5cCKU", productId: "prod_beak" } },
      interval: "month",
      amount: { currency: "gbp", unitAmount: 499 },
      trialDays: 14,
      features: ["unlimited_projects"],
    },
  ],
});

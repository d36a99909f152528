/** What a new app is created with. */
interface NewApp {
  /** The name of its folder. */
  name: string;
  /** What people call it. */
  title: string;
  domain: string;
}

const quote = (text: string) => JSON.stringify(text);

const sender = (title: string, domain: string) =>
  `${title.replace(/[<>@"]/g, "").trim()} <no-reply@${domain}>`;

/** The text of a new app's `app.ts`. It works with `npm start` as it is. */
export const appSource = ({
  name,
  title,
  domain,
}: NewApp): string => `import { defineApp } from "#core/app/define_app.ts";

// docs/your_app.md explains each field. Every command checks this file and says how to correct a mistake.
export default defineApp({
  name: ${quote(title)},
  emoji: "✨",
  addresses: { support: ${quote(`help@${domain}`)}, security: ${quote(`security@${domain}`)} },
  urls: {
    site: ${quote(`https://${domain}/`)},
    // The page that a magic link opens: a page of your own that finishes the sign-in.
    landing: ${quote(`https://${domain}/`)},
    // After the first deployment: the addresses of your API.
    api: { nonprod: ${quote(`https://nest.test.${domain}`)}, prod: ${quote(`https://nest.${domain}`)} },
  },
  colors: { accent: "#0f766e", onAccent: "#ffffff", accentDark: "#5eead4", onAccentDark: "#042f2e" },
  logo: "logo.svg",
  locales: ["en", "de"],
  signOff: { en: ${quote(`The ${title} team`)}, de: ${quote(`Das Team von ${title}`)} },
  mail: {
    from: {
      local: ${quote(sender(title, domain))},
      nonprod: ${quote(sender(title, `test.${domain}`))},
      prod: ${quote(sender(title, domain))},
    },
  },
  clients: [
    {
      id: ${quote(`${name}_web`)},
      name: ${quote(`${title} in the browser`)},
      // The development server of your page, and its address on the web.
      redirectUris: ["http://localhost:5173/", ${quote(`https://${domain}/`)}],
      origins: ["http://localhost:5173", ${quote(`https://${domain}`)}],
      checkoutUrls: ["http://localhost:5173/", ${quote(`https://${domain}/`)}],
      sessionMaxDays: 90,
    },
  ],
  plans: [
    {
      id: "pro",
      name: { en: ${quote(`${title} Pro`)}, de: ${quote(`${title} Pro`)} },
      // The ids of the local Stripe double. Before a deployment, add those of your Stripe account as nonprod and prod.
      prices: { local: { priceId: ${quote(`price_${name}_pro`)}, productId: ${quote(`prod_${name}`)} } },
      interval: "month",
      amount: { currency: "eur", unitAmount: 900 },
      trialDays: 14,
      features: ["pro"],
    },
  ],
});
`;

const escapeXml = (text: string) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

/** A logo with the first letter of the app. */
export const logoSource = (title: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="24" height="24"><title>${escapeXml(title)}</title><rect width="24" height="24" rx="6" fill="#0f766e"/><text x="12" y="17" text-anchor="middle" font-family="sans-serif" font-size="14" font-weight="700" fill="#ffffff">${escapeXml([...title][0] ?? "")}</text></svg>\n`;

/** A stage file with the names of another domain. Its other settings fit any app. */
export const stageSource = (text: string, domain: string): string =>
  text.replaceAll(/\bnonprod-getbeak\.app\b/g, `test.${domain}`).replaceAll(/\bgetbeak\.app\b/g, domain);

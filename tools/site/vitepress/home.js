/** The top of the start page. The table of contents of `docs/README.md` follows below it. */
export const HOME = {
  layout: "home",
  hero: {
    name: "Nest",
    text: "Sign-in by magic link, subscriptions by Stripe",
    tagline:
      "One serverless API in your own AWS account, with MongoDB. All of it runs on your machine, without an account.",
    actions: [
      { theme: "brand", text: "Start in five minutes", link: "/start" },
      { theme: "alt", text: "Your own app", link: "/your_app" },
      { theme: "alt", text: "Methods", link: "/methods" },
    ],
  },
  features: [
    {
      title: "Only the device that requested a link can sign in",
      details:
        "Every link is bound to a code verifier (PKCE). A forwarded mail or a mail scanner cannot use it.",
      link: "/concepts#signing-in",
    },
    {
      title: "A lost response signs nobody out",
      details: "A code and a refresh token can be presented again until a token that they returned is used.",
      link: "/concepts#signing-in",
    },
    {
      title: "One subscription for each user",
      details:
        "Stripe is the source of truth. A duplicate purchase is canceled and refunded, and a mail says so.",
      link: "/concepts#billing",
    },
    {
      title: "Apps work offline",
      details: "A signed entitlement tells an app until when it may work without a connection.",
      link: "/entitlement",
    },
    {
      title: "Tested while dependencies fail",
      details: "Faults, crashes and races are injected in tests. The results page has the newest runs.",
      link: "/results",
    },
    {
      title: "Support can explain it",
      details:
        "Commands list a user's links, sessions, mails and payments, and why a session ended or a subscription was canceled.",
      link: "/cli",
    },
  ],
};

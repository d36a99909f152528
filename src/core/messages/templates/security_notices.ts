import { paragraph } from "#core/messages/mail_content.ts";
import { questions } from "#core/messages/templates/questions.ts";
import type { Template } from "#core/messages/templates/template.ts";

interface NewDeviceFacts {
  /** ISO. */
  at: string;
  ip: string;
  /** The page that ends the session. */
  disownUrl: string;
}

/** The notice of a sign-in from a device or network that the user has not used. */
export const newDevice: Template<NewDeviceFacts> = {
  sample: {
    at: "2026-12-12T12:00:00.000Z",
    ip: "203.0.113.9",
    disownUrl: "https://magic.example.com/?disown=0000&stage=prod",
  },
  write({ at, ip, disownUrl }, wording) {
    const texts = wording.texts.newDevice;
    const opening = wording.fill(texts.opening, { day: wording.day(at), time: at.slice(11, 16), ip });
    return {
      subject: wording.fill(texts.subject),
      title: wording.fill(texts.title),
      preheader: opening,
      body: [
        paragraph(opening, wording.fill(texts.you)),
        paragraph(wording.fill(texts.notYou)),
        { kind: "button", button: { label: wording.fill(texts.button), url: disownUrl } },
      ],
      footer: wording.withAddresses(texts.footer, { security: wording.app.addresses.security }),
    };
  },
};

/** The notice that sessions were ended by `revoke_all_sessions`. */
export const sessionsEnded: Template<{ at: string; count: number }> = {
  sample: { at: "2026-12-12T12:00:00.000Z", count: 2 },
  write({ at, count }, wording) {
    const texts = wording.texts.sessionsEnded;
    const values = { day: wording.day(at), time: at.slice(11, 16) };
    const opening = wording.fillPlural(texts.opening, count, values);
    return {
      subject: wording.fill(texts.subject),
      title: wording.fill(texts.title),
      preheader: opening,
      body: [paragraph(opening), paragraph(wording.fill(texts.signIn))],
      footer: wording.withAddresses(texts.notYou, { security: wording.app.addresses.security }),
    };
  },
};

/** The notice that an account at an OAuth provider was linked or unlinked. */
export const oauthChanged: Template<{ change: "linked" | "unlinked"; provider: string; at: string }> = {
  sample: { change: "linked", provider: "Google", at: "2026-12-12T12:00:00.000Z" },
  write({ change, provider, at }, wording) {
    const texts = wording.texts.oauthChanged;
    const opening = wording.fill(texts[change], { provider, day: wording.day(at), time: at.slice(11, 16) });
    return {
      subject: wording.fill(texts.subject),
      title: wording.fill(texts.title),
      preheader: opening,
      body: [paragraph(opening)],
      footer: wording.withAddresses(texts.footer, { security: wording.app.addresses.security }),
    };
  },
};

/** The notice to administrators that Nest disabled a webhook. */
export const webhookDisabled: Template<{ host: string; at: string; reason: "gone" | "failing" }> = {
  sample: { host: "hooks.example.com", at: "2026-12-12T12:00:00.000Z", reason: "failing" },
  write({ host, at, reason }, wording) {
    const texts = wording.texts.webhookDisabled;
    const opening = wording.fill(texts.opening, { host, day: wording.day(at), time: at.slice(11, 16) });
    return {
      subject: wording.fill(texts.subject),
      title: wording.fill(texts.title),
      preheader: opening,
      body: [paragraph(opening, wording.fill(texts[reason])), paragraph(wording.fill(texts.next))],
      footer: questions(wording),
    };
  },
};

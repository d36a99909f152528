import { describe, expect, test } from "vitest";
import { renderMail, renderSample } from "#core/messages/render.ts";
import { TEMPLATES, type TemplateName } from "#core/messages/templates/index.ts";

const names = Object.keys(TEMPLATES) as TemplateName[];

describe.each(names)("the %s mail", (name) => {
  const { subject, html, text } = renderSample(name);

  test("has a short subject without a line break", () => {
    expect(subject).toMatch(/^[^\r\n]{5,60}$/);
  });

  test("names its language, marks layout tables and has one heading", () => {
    expect(html).toMatch(/^<!doctype html>\n<html lang="en" dir="ltr">/);
    expect(html.match(/<table(?! role="presentation")/g)).toBeNull();
    expect(html.match(/<img(?![^>]* alt=)/g)).toBeNull();
    expect(html).toMatch(/<title>[^<]+<\/title>/);
    expect(html.match(/<h1/g)).toHaveLength(1);
  });

  test("has no script, external resource or line that is too long for SMTP", () => {
    expect(html).not.toMatch(/<(script|link|form|object|iframe)\b|@import|url\(/i);
    expect(html).toContain("prefers-color-scheme: dark");
    for (const line of `${html}\n${text}`.split("\n")) expect(Buffer.byteLength(line)).toBeLessThan(998);
    expect(Buffer.byteLength(html)).toBeLessThan(102_000);
  });

  test("closes every element that it opens", () => {
    const open: string[] = [];
    for (const [, slash, tag = ""] of html.matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^>]*>/g)) {
      if (["meta", "br", "img", "hr"].includes(tag)) continue;
      if (slash) expect(open.pop()).toBe(tag);
      else open.push(tag);
    }
    expect(open).toEqual([]);
  });

  test("has every link of its HTML part in its text part, without markup", () => {
    expect(text).not.toMatch(/<[a-z/]|&(amp|lt|gt|quot|#)/);
    const links = [...html.matchAll(/href="(https:[^"]+)"/g)].map(([, url = ""]) =>
      url.replaceAll("&amp;", "&"),
    );
    for (const link of links) expect(text).toContain(link);
  });
});

test("escapes the link in the HTML part and keeps it literal in the text part", () => {
  const magicLinkUrl = `https://magic.getbeak.app/?code=a.b&state="><script>alert('1')</script>`;
  const { html, text } = renderMail("magic-link", { magicLinkUrl });
  expect(html).not.toContain("<script");
  expect(html).toContain("&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;");
  expect(text.split("\n")).toContain(magicLinkUrl);
});

test("has enough contrast between every pair of colors, light and dark", () => {
  const everything = names.map((name) => renderSample(name).html).join();
  for (const [ink, paper] of [
    ["#1c2026", "#ffffff"],
    ["#555d68", "#f3f4f6"],
    ["#1d4ed8", "#ffffff"],
    ["#ffffff", "#1d4ed8"],
    ["#f1f3f5", "#1f2329"],
    ["#b3bac4", "#14161a"],
    ["#8ab4ff", "#1f2329"],
  ] as const) {
    expect(everything).toContain(ink);
    expect(contrast(ink, paper)).toBeGreaterThan(4.5);
  }
});

/** WCAG 2.2: the contrast ratio of two colors. */
function contrast(one: string, other: string): number {
  const luminance = (colour: string) => {
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

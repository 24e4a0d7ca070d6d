import { assert, assertEquals, assertGreaterOrEqual, assertLess, assertStringIncludes } from "@std/assert";
import { PAGE_POLICY, SCRIPT_HASH, STYLE_HASH } from "../../../src/health/page/page_policy.ts";
import { PAGE_SCRIPT } from "../../../src/health/page/page_script.ts";
import { PAGE_STYLE } from "../../../src/health/page/page_style.ts";
import { COLOURS } from "../../../src/health/page/owner_colours.ts";

async function hashOf(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return btoa(String.fromCharCode(...new Uint8Array(hash)));
}

Deno.test("PAGE_POLICY lets the page's own style and script run, and nothing else", async () => {
  assertEquals(
    STYLE_HASH,
    await hashOf(PAGE_STYLE),
    "the style has changed: set STYLE_HASH to the second one",
  );
  assertEquals(
    SCRIPT_HASH,
    await hashOf(PAGE_SCRIPT),
    "the script has changed: set SCRIPT_HASH to the second one",
  );
  for (
    const part of ["default-src 'none'", "connect-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"]
  ) {
    assertStringIncludes(PAGE_POLICY, part);
  }
  assert(!PAGE_POLICY.includes("unsafe"));
});

Deno.test("PAGE_SCRIPT is short plain JavaScript, and evaluates no text", () => {
  new Function(PAGE_SCRIPT);
  assertLess(PAGE_SCRIPT.split("\n").length, 150);
  assert(!/\beval\b|new Function|document\.write|=>|\bimport\b/.test(PAGE_SCRIPT));
});

/** Variables of the light and of the dark scheme. */
function schemes(): readonly (readonly [string, ReadonlyMap<string, string>])[] {
  const [light = "", dark = ""] = [...PAGE_STYLE.matchAll(/:root\{([^}]*)\}/g)].map(([, text]) => text ?? "");
  const variables = (text: string) =>
    new Map(
      [...text.matchAll(/--([\w]+):(#[\da-f]+)/gi)].map(([, name, colour]) => [name ?? "", colour ?? ""]),
    );
  return [["light", variables(light)], ["dark", variables(dark)]];
}

/** Source: WCAG 2.2, "contrast ratio" and "relative luminance". */
function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [a, b].map(luminance).sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const digits = colour.length === 4 ? colour.slice(1).replace(/./g, "$&$&") : colour.slice(1);
  const [red = 0, green = 0, blue = 0] = (digits.match(/../g) ?? []).map((part) => {
    const value = parseInt(part, 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

for (const [name, colours] of schemes()) {
  Deno.test(`PAGE_STYLE has a contrast of 4.5 for all text in the ${name} scheme`, () => {
    const of = (variable: string) => {
      const colour = colours.get(variable);
      assert(colour !== undefined, variable);
      return colour;
    };
    const pairs = [
      ...["ink", "soft", "accent", "good", "warning", "error"].flatMap((text) =>
        ["bg", "card", "track"].map((ground) => [text, ground] as const)
      ),
      ["warning", "warningTint"] as const,
      ...["good", "error", "soft", "accent", ...Array.from({ length: COLOURS }, (_, index) => `c${index}`)]
        .map((ground) => ["on", ground] as const),
    ];
    for (const [text, ground] of pairs) {
      assertGreaterOrEqual(contrast(of(text), of(ground)), 4.5, `${text} on ${ground}`);
    }
    // Graphics that carry meaning: 3 against what is beside them (WCAG 1.4.11).
    for (let index = 0; index < COLOURS; index++) {
      assertGreaterOrEqual(contrast(of(`c${index}`), of("card")), 3, `c${index}`);
    }
  });
}

Deno.test("contrast() is what WCAG says", () => {
  assertEquals(contrast("#000", "#ffffff"), 21);
  assertEquals(contrast("#777777", "#fff").toFixed(2), "4.48");
});

// Pure.
/**
 * Addresses as they may be shown: a password may stand in one that a user wrote, and in a text that only
 * looks like one.
 *
 * @module
 */

/** The text where it is surely nothing but a scheme, a host, a port and a path; undefined otherwise. */
export function shownAddress(text: string): string | undefined {
  const isPlain =
    /^(?:\w{1,10}:\/\/)?(?:localhost|[\w-]+(?:\.[\w-]+)+|\[[\da-f:]+\])(?::\d{1,5})?(?:\/[\w./-]*)?$/i
      .test(text);
  return isPlain ? text : undefined;
}

/** Any text, with what stands between `//` and `@` left out. */
export function withoutUserInfo(text: string): string {
  return text.replace(/\/\/[^\s/]*@/g, "//…@");
}

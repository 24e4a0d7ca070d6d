// Pure.
/**
 * What a browser may do for the fleet page: run its one style sheet and its one script, and ask its own host
 * for events. Nothing else, so that even a name that escaped the escaping could do nothing.
 *
 * @module
 */

/** Of page_style.ts, SHA-256 in Base64. */
export const STYLE_HASH = "23ua9MeGsx6Pe0ZrDkJwE3rtpjZvTDJBLwlJk3ARi5A=";
/** Of page_script.ts. */
export const SCRIPT_HASH = "M0yicZRxg6o3D3O1LUAW8H81m0xxsEgfGPlJqhsUDIY=";

/** The page's header `content-security-policy`. The search is a form that leads to the page itself. */
export const PAGE_POLICY: string = [
  "default-src 'none'",
  `style-src 'sha256-${STYLE_HASH}'`,
  `script-src 'sha256-${SCRIPT_HASH}'`,
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

// Pure.
/**
 * Decides whether a request is meant for a server that has no authentication. A page in the operator's
 * browser can make its own name resolve to 127.0.0.1, and read what is served there (DNS rebinding). Its
 * requests still have that name in `Host`.
 *
 * Source: RFC 9110, 7.2 for `Host`, 15.5.20 for 421; RFC 6761, 6.3 for `localhost`.
 *
 * @module
 */

/** Where a server listens, and for which names it is to answer. */
export interface HostRule {
  /** The name or address to listen on, e.g. `localhost`. */
  readonly hostname: string;
  /** The address behind it, if the runtime reports it. */
  readonly address: string | undefined;
  /** Further names; `*` stands for any. Undefined: none are set. */
  readonly allowed: readonly string[] | undefined;
}

/**
 * Makes the check of a `Host` header. On loopback these names are accepted, each at any port: loopback names,
 * the name that it listens on, and the allowed ones. On other addresses every name is accepted, except if
 * names are set. A request without the header is not from a browser.
 *
 * @returns whether to answer.
 */
export function hostCheck({ hostname, address, allowed }: HostRule): (host: string | null) => boolean {
  const isOnLoopback = isLoopback(hostNameOf(bracketed(address ?? hostname)));
  const isOpen = allowed === undefined ? !isOnLoopback : allowed.includes("*");
  if (isOpen) return () => true;
  const names = new Set([bracketed(hostname), ...(allowed ?? [])].map(hostNameOf));
  return (host) => {
    if (host === null) return true;
    const name = hostNameOf(host);
    return name !== undefined && (isLoopback(name) || names.has(name));
  };
}

/** Says why, without repeating the request's text. */
export const HOST_REFUSAL: string =
  "Cannot answer: the request's Host is no name of this server: call it as 127.0.0.1 or localhost, " +
  "or add the name to healthAllowedHosts\n";

/**
 * The name in a `Host` header, in one spelling: small letters, no port, no dot at its end. Undefined for what
 * cannot be one.
 */
function hostNameOf(host: string): string | undefined {
  const url = `http://${host}/`;
  if (!/^(?:\[[\da-f:.]+\]|[^\s:/\\?#@[\]]+)(?::\d*)?$/i.test(host) || !URL.canParse(url)) return undefined;
  return new URL(url).hostname.replace(/\.$/, "");
}

function isLoopback(name: string | undefined): boolean {
  return name !== undefined &&
    (name === "localhost" || name === "[::1]" || /^127(?:\.\d+){3}$/.test(name) || /^\[::ffff:7f/.test(name));
}

function bracketed(address: string): string {
  return address.includes(":") && !address.startsWith("[") ? `[${address}]` : address;
}

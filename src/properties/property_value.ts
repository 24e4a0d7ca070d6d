// Pure.
/**
 * The types of property values. A type reads text that is already trimmed and not empty. If it cannot, it
 * says what it expected.
 *
 * Stricter than KCL, which silently turns an unreadable number into 0 and an unreadable boolean into false.
 *
 * Source for what is accepted: KCL 3.5.1 with commons-beanutils 1.11.0.
 *
 * @module
 */

import type { RecordFilter } from "../options/processing_options.ts";
import { parseIdentifier } from "../stream/stream_identifier.ts";
import { parseTableStreamArn } from "../stream/table_stream_name.ts";

/** A text that could be read. */
export interface Reading<V> {
  /** Undefined: as if the property were not there. */
  readonly value: V | undefined;
  /** A message for the operator, if the value differs from the text. */
  readonly warning?: string;
}

/** A type of value. */
export interface ValueType<V> {
  /** For the documentation. */
  readonly label: string;
  /** For messages: what would have been accepted. */
  readonly wanted: string;
  /** Whether the text may hold a secret and is never shown. */
  readonly secret: boolean;
  /** @returns undefined when the text is not of this type. */
  read(text: string): Reading<V> | undefined;
}

/** A range of numbers, both ends included. */
export interface Range {
  /** @default {0} */
  readonly min?: number;
  /** @default {Number.MAX_SAFE_INTEGER} */
  readonly max?: number;
}

/** Greatest value of a Java `int`. */
export const INT_MAX: number = 2 ** 31 - 1;

/** Any text. */
export const text: ValueType<string> = type("text", "text", (text) => text);

/** A token that requests must send. It is never shown. */
export const secret: ValueType<string> = {
  ...type(
    "token",
    "a token of 16 or more visible characters of ASCII",
    (text) => /^[!-~]{16,}$/.test(text) ? text : undefined,
  ),
  secret: true,
};

/** The name of a stream. Source: Kinesis API reference, `CreateStream`. */
export const streamName: ValueType<string> = type(
  "stream name",
  'a stream name of 1 to 128 letters, digits, "_", "." and "-"',
  (text) => /^[\w.-]{1,128}$/.test(text) ? text : undefined,
);

/** Streams by name or `account:stream:epoch`, separated by commas. */
export const streamNames: ValueType<readonly string[]> = textList(
  "stream names",
  'stream names or identifiers such as "123456789012:orders:1700000000", separated by commas, each once',
  (text) => streamName.read(text) !== undefined || parseIdentifier(text) !== undefined,
);

/** Streams by ARN, separated by commas. */
export const streamArns: ValueType<readonly string[]> = textList(
  "stream ARNs",
  'stream ARNs such as "arn:aws:kinesis:us-east-1:123456789012:stream/orders", separated by commas, each once',
  (text) => streamArnParts(text) !== undefined,
);

/** Streams by `account:stream:epoch`, separated by commas. */
export const streamIdentifiers: ValueType<readonly string[]> = textList(
  "stream identifiers",
  'stream identifiers such as "123456789012:orders:1700000000", separated by commas, each once',
  (text) => parseIdentifier(text) !== undefined,
);

/** Names as a `Host` header says them, separated by commas. */
export const hostNames: ValueType<readonly string[]> = textList(
  "host names",
  'host names such as "health.example.com", without port, separated by commas, each once, or "*"',
  (text) => /^(?:\*|[\w-]+(?:\.[\w-]+)*\.?|\[[\da-f:.]+\])$/i.test(text),
);

/** Classes of credentials providers with their arguments, of which only the classes are ever shown. */
export const providers: ValueType<string> = { ...text, label: "credentials providers", secret: true };

/** The words that KCL takes, in any case. */
export const boolean: ValueType<boolean> = type("true or false", '"true" or "false"', (text) => {
  const word = text.toLowerCase();
  if (["true", "yes", "y", "on", "1"].includes(word)) return true;
  return ["false", "no", "n", "off", "0"].includes(word) ? false : undefined;
});

/** The base URL of a service. */
export const url: ValueType<string> = type(
  "URL",
  'a URL with http:// or https://, such as "http://127.0.0.1:4566"',
  (text) => /^https?:\/\/[^/]/i.test(text) && URL.canParse(text) ? text : undefined,
);

/** A whole number in a range. */
export function wholeNumber({ min = 0, max = Number.MAX_SAFE_INTEGER }: Range = {}): ValueType<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `, ${min} or more` : ` from ${min} to ${max}`;
  // The limits of a Java int are mentioned only if they are exceeded.
  const label = max === INT_MAX ? `, ${min} or more` : range;
  return type(`whole number${label}`, `a whole number${range}`, (text) => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : NaN;
    return value >= min && value <= max ? value : undefined;
  });
}

/** A whole number above 0; 0 means "not set", as with every number of KCL that is not boxed. */
export function count({ min = 1, ...range }: Range = {}): ValueType<number> {
  const number = wholeNumber({ min, ...range });
  return {
    ...number,
    read: (text) =>
      /^[+-]?0+$/.test(text)
        ? { value: undefined, warning: "0 means not set, as in KCL: the default applies" }
        : number.read(text),
  };
}

/** A whole number in a range, or -1 for no limit, as Lambda has it. */
export function unlimitedOr({ min = 0, max = Number.MAX_SAFE_INTEGER }: Range = {}): ValueType<number> {
  const number = wholeNumber({ min, max });
  return {
    ...number,
    label: `-1 or ${number.label}`,
    wanted: `-1 or ${number.wanted}`,
    read: (text) => /^-0*1$/.test(text) ? { value: Infinity } : number.read(text),
  };
}

type FilterPatterns = Exclude<RecordFilter, (...args: never) => unknown>;

/** Patterns as JSON. What they say is checked where they are used. */
export const filterPatterns: ValueType<FilterPatterns> = type(
  "JSON",
  'JSON such as {"Filters": [{"Pattern": "{\\"data\\": {\\"kind\\": [\\"order\\"]}}"}]}',
  (text) => {
    try {
      const value: unknown = JSON.parse(text);
      return typeof value === "object" && value !== null ? value as FilterPatterns : undefined;
    } catch (error) {
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
  },
);

/** A time span in ms; 0 means "not set". */
export const milliseconds: ValueType<number> = { ...count(), label: "milliseconds" };

/**
 * A time span in ms that is a second or more; 0 means "not set". Ours: in less time a lease cannot be renewed
 * and found expired reliably.
 */
export const secondOrMore: ValueType<number> = {
  ...count({ min: 1000 }),
  label: "milliseconds, 1000 or more",
};

/** A time span in ms whose 0 is 0. */
export const millisecondsOrZero: ValueType<number> = { ...wholeNumber(), label: "milliseconds" };

/**
 * The pause between two reads, in ms. Kinesis allows five reads a second of one shard. Source: KCL 3.5.1,
 * `PollingConfig`, whose least value is 200 too.
 */
export const idleTime: ValueType<number> = {
  ...milliseconds,
  read: (text) => {
    const reading = milliseconds.read(text);
    return reading?.value !== undefined && reading.value < 200
      ? {
        value: 200,
        warning: `${reading.value} is too short and becomes 200: Kinesis allows 5 reads a second`,
      }
      : reading;
  },
};

/** A decimal number that is not negative. */
export const decimal: ValueType<number> = type("number", "a number such as 0.5", (text) => {
  return /^\+?(?:\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : undefined;
});

/** One of some words, in any case. */
export function oneOf<const W extends string>(words: readonly W[], advice = ""): ValueType<W> {
  const wanted = words.length === 1
    ? `${words[0]}`
    : `${words.slice(0, -1).join(", ")} or ${words[words.length - 1]}`;
  return type(words.join(", "), `${wanted}${advice}`, (text) => {
    return words.find((word) => word.toUpperCase() === text.toUpperCase());
  });
}

/** A moment as whole seconds since 1970. */
export const epochSeconds: ValueType<Date> = type(
  "seconds since 1970",
  "whole seconds (not milliseconds) since 1970-01-01T00:00:00Z",
  (text) => {
    // Twelve digits would be the year 5138, or milliseconds by mistake.
    return /^\d{1,11}$/.test(text) ? new Date(Number(text) * 1000) : undefined;
  },
);

/** The ARN of a stream, in any partition. Source: KCL 3.5.1, `MultiLangDaemonConfiguration`. */
export const streamArn: ValueType<string> = type(
  "ARN",
  "arn:aws:kinesis:REGION:ACCOUNT:stream/NAME or arn:aws:dynamodb:REGION:ACCOUNT:table/TABLE/stream/LABEL, with an account of 12 digits",
  (text) => streamArnParts(text) === undefined ? undefined : text,
);

/** The parts of a stream's ARN, or undefined when it is none. */
export function streamArnParts(
  arn: string,
): { readonly region: string; readonly account: string; readonly streamName: string } | undefined {
  const ofTable = parseTableStreamArn(arn);
  if (ofTable !== undefined) {
    const { region, accountId: account, streamName } = ofTable;
    return { region, account, streamName };
  }
  const [, region, account, streamName] =
    /^arn:aws[^:]*:kinesis:([a-z0-9-]+):(\d{12}):stream\/([\w.-]{1,128})$/.exec(arn) ?? [];
  return region === undefined || account === undefined || streamName === undefined
    ? undefined
    : { region, account, streamName };
}

/** A span as ISO 8601 writes it, in ms. Source: `java.time.Duration.parse`, without signs. */
export const duration: ValueType<number> = type(
  "duration",
  'a duration such as "PT15M", "PT10H" or "P2D"',
  (text) => {
    const [whole, days, hours, minutes, seconds] =
      /^P(?=.*\d)(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/i.exec(text) ?? [];
    if (whole === undefined) return undefined;
    const [d = 0, h = 0, m = 0, s = 0] = [days, hours, minutes, seconds].map((part) => Number(part ?? 0));
    return ((d * 24 + h) * 60 + m) * 60_000 + s * 1000;
  },
);

/** Tags of a table. */
export const tags: ValueType<Readonly<Record<string, string>>> = type(
  "tags",
  'tags such as "team=data,stage=test"',
  (text) => {
    const pairs = text.split(",").map((pair) => pair.split("=").map((part) => part.trim()));
    return pairs.every((pair) => pair.length === 2 && pair[0] !== "") ? Object.fromEntries(pairs) : undefined;
  },
);

/** Words, separated by commas, spaces or both. */
export function listOf<const W extends string>(words: readonly W[]): ValueType<readonly W[]> {
  const one = oneOf(words);
  return type(`list of ${words.join(", ")}`, `a list of ${words.join(", ")}`, (text) => {
    // KCL takes a list of words in braces and quotes too.
    const read = text.split(/[\s,_{}"']+/).filter((word) => word !== "").map((word) => one.read(word)?.value);
    const known = read.filter((word) => word !== undefined);
    return known.length === read.length ? known : undefined;
  });
}

/** Texts separated by commas, each at most once. */
function textList(
  label: string,
  wanted: string,
  fits: (text: string) => boolean,
): ValueType<readonly string[]> {
  return type(label, wanted, (text) => {
    const parts = text.split(",").map((part) => part.trim()).filter((part) => part !== "");
    return parts.length > 0 && parts.every(fits) && new Set(parts).size === parts.length ? parts : undefined;
  });
}

function type<V>(label: string, wanted: string, read: (text: string) => V | undefined): ValueType<V> {
  return {
    label,
    wanted,
    secret: false,
    read: (text) => {
      const value = read(text);
      return value === undefined ? undefined : { value };
    },
  };
}

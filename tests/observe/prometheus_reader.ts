/**
 * A strict little reader of the Prometheus text format 0.0.4: it objects to whatever a real server might object to.
 *
 * @module
 */

/** One family as read. */
export interface ReadFamily {
  readonly help: string;
  readonly type: string;
  /** Value by name and labels as written, e.g. `a_total{x="1"}`. */
  readonly samples: Map<string, number>;
  /** Labels of each sample, unescaped, in order. */
  readonly labels: Readonly<Record<string, string>>[];
}

/** @throws {SyntaxError} with the line that is wrong. */
export function readPrometheus(text: string): Map<string, ReadFamily> {
  const families = new Map<string, ReadFamily>();
  if (!text.endsWith("\n")) throw new SyntaxError("the last line must end in a line feed");
  let help: { name: string; text: string } | undefined;
  let open: { name: string; family: ReadFamily } | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const wrong = (why: string) => new SyntaxError(`${why}: ${JSON.stringify(line)}`);
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (comment !== null) {
      const [, kind, name = "", rest = ""] = comment;
      if (kind === "HELP") {
        if (!/^(?:[^\\]|\\[\\n])*$/.test(rest)) throw wrong("bad escape in help");
        help = { name, text: unescaped(rest) };
        continue;
      }
      if (help?.name !== name) throw wrong("TYPE without its HELP before it");
      if (!["counter", "gauge", "summary"].includes(rest)) throw wrong("unknown type");
      if (families.has(name)) throw wrong("a family told twice");
      if ((rest === "counter") !== name.endsWith("_total")) {
        throw wrong("_total is for counters and for all of them");
      }
      open = { name, family: { help: help.text, type: rest, samples: new Map(), labels: [] } };
      families.set(name, open.family);
      continue;
    }
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.+)\})? (\S+)$/.exec(line);
    if (sample === null || open === undefined) throw wrong("neither comment nor sample");
    const [, name = "", labelText = "", valueText = ""] = sample;
    const suffixes = open.family.type === "summary" ? ["_sum", "_count"] : [""];
    if (!suffixes.some((suffix) => name === open?.name + suffix)) throw wrong("a sample of another family");
    const value = valueText === "+Inf" ? Infinity : Number(valueText);
    if (Number.isNaN(value)) throw wrong("not a number");
    if (open.family.type === "counter" && value < 0) throw wrong("a counter below 0");
    const key = line.slice(0, line.lastIndexOf(" "));
    if (open.family.samples.has(key)) throw wrong("a series told twice");
    open.family.samples.set(key, value);
    open.family.labels.push(readLabels(labelText, wrong));
  }
  for (const [name, { samples }] of families) {
    if (samples.size === 0) throw new SyntaxError(`family ${name} has no samples`);
  }
  return families;
}

function readLabels(text: string, wrong: (why: string) => SyntaxError): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== "") {
    const pair = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(?:,(?=.)|$)/.exec(rest);
    if (pair === null) throw wrong("bad labels");
    const [whole, name = "", value = ""] = pair;
    if (name in labels) throw wrong("a label told twice");
    labels[name] = unescaped(value);
    rest = rest.slice(whole.length);
  }
  return labels;
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, escaped) => escaped === "n" ? "\n" : escaped);
}

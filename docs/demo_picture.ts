/**
 * Writes docs/demo.svg: the terminal of `deno task demo` in the middle of its story, as the demo itself printed it.
 *
 * ```sh
 * deno run -A docs/demo_picture.ts [seconds]
 * ```
 *
 * It needs `script` of util-linux, which gives the demo a terminal. Look at the picture before you commit it.
 *
 * @module
 */

const COLUMNS = 82, ROWS = 34;
/** When the picture is taken, in s after the start: a worker has stopped, one was killed, and a fourth has joined. */
const AT_S = 51;
/** In pixels; the font's letters are 0.6 of its size wide. */
const FONT = 13, LINE = 18, MARGIN = 16, TITLE = 34;

if (import.meta.main) {
  const seconds = Number(Deno.args[0] ?? AT_S);
  const lines = terminalLines(await demoOutput(seconds), ROWS);
  await Deno.writeTextFile(new URL("demo.svg", import.meta.url), terminalSvg(lines));
  console.log(`docs/demo.svg: the demo after ${seconds} s`);
}

/** What the demo prints on a terminal in its first seconds. */
async function demoOutput(seconds: number): Promise<string> {
  const demo = new URL("../examples/words/demo.ts", import.meta.url).pathname;
  const command = `stty cols ${COLUMNS} rows ${ROWS}; exec '${Deno.execPath()}' run -A --quiet '${demo}'`;
  const child = new Deno.Command("script", {
    args: ["--quiet", "--flush", "--return", "--command", command, "/dev/null"],
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGTERM"), seconds * 1000);
  const parts = await Array.fromAsync(child.stdout.pipeThrough(new TextDecoderStream()));
  clearTimeout(timer);
  await child.status;
  return parts.join("");
}

const ESC = "\u001b";
/** Up so many lines and clear what is below, the end of a line, text, any other sequence of a terminal. */
const PIECES = new RegExp(`${ESC}\\[(\\d+)A${ESC}\\[J|\\n|[^${ESC}\\n]+|${ESC}\\[[\\d;]*\\w`, "g");

/** The last rows of a terminal on which this was printed: lines, and blocks that are drawn again further up. */
export function terminalLines(output: string, rows: number): string[] {
  const lines = [""];
  for (const [piece, up] of output.replaceAll("\r", "").matchAll(PIECES)) {
    if (up !== undefined) lines.splice(lines.length - 1 - Number(up), Infinity, "");
    else if (piece === "\n") lines.push("");
    else if (!piece.startsWith(ESC)) lines[lines.length - 1] += piece;
  }
  return (lines.at(-1) === "" ? lines.slice(0, -1) : lines).slice(-rows);
}

/** The lines on a dark window. */
function terminalSvg(lines: readonly string[]): string {
  const width = Math.ceil(COLUMNS * FONT * 0.6) + 2 * MARGIN;
  const height = TITLE + lines.length * LINE + MARGIN;
  const dots = ["#ff5f57", "#febc2e", "#28c840"].map((color, i) =>
    `<circle cx="${MARGIN + 6 + 20 * i}" cy="17" r="6" fill="${color}"/>`
  );
  const rows = lines.map((line, i) =>
    `<text x="${MARGIN}" y="${TITLE + 13 + i * LINE}" xml:space="preserve">${escaped(line)}</text>`
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"
  font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="${FONT}" fill="#d6deeb">
<rect width="100%" height="100%" rx="8" fill="#011627"/>
${dots.join("")}
<text x="50%" y="22" text-anchor="middle" fill="#7f8ea3">deno task demo</text>
${rows.join("\n")}
</svg>
`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

import { assert, assertEquals } from "@std/assert";
import { LIBRARY_FILE, libraryMarkdown, OPTION_GROUPS, optionFields } from "../../docs/library_page.ts";
import { OPTION_CHECKS } from "../../src/options/option_table.ts";
import { settingsOf } from "../../src/options/settings.ts";

Deno.test("docs/library.md is what libraryMarkdown() makes of the source", async () => {
  assertEquals(await Deno.readTextFile(LIBRARY_FILE), await libraryMarkdown(), "run `deno task docs`");
});

Deno.test("OPTION_GROUPS has every option of a worker once", () => {
  const grouped = OPTION_GROUPS.flatMap(({ options }) => options);
  assertEquals(grouped.toSorted(), Object.keys(OPTION_CHECKS).toSorted());
});

Deno.test("optionFields() finds a sentence for every option", async () => {
  const fields = await optionFields();
  assertEquals(fields.map(({ name }) => name).toSorted(), Object.keys(OPTION_CHECKS).toSorted());
  assertEquals(fields.filter(({ doc }) => !doc?.paragraphs.join(" ").endsWith(".")), []);
});

Deno.test("the defaults that comments of options state are those of settingsOf()", async () => {
  const processor = () => ({ processRecords: () => {}, shardEnded: () => {} });
  const settings = settingsOf({ applicationName: "app", streamName: "words", processor });
  const groups = [...Object.values(settings), settings.reading.pacing]
    .filter((group) => typeof group === "object" && group !== null);
  const values = new Map(groups.flatMap((group) => Object.entries(group as object)));
  let compared = 0;
  for (const { name, doc } of await optionFields()) {
    const literal = /^\{(.*)\}$/.exec(doc?.default ?? "")?.[1];
    if (literal === undefined || !values.has(name)) continue;
    assertEquals(values.get(name), JSON.parse(literal), name);
    compared++;
  }
  assert(compared > 20, `${compared} compared`);
});

Deno.test("libraryMarkdown() shows a default of the command line that differs in bold, and KCL's own", async () => {
  const page = await libraryMarkdown();
  const cells = (option: string) =>
    page.split("\n").find((line) => line.startsWith(`| \`${option}\` |`))?.split(" | ");
  assertEquals(cells("shutdownGraceMs")?.slice(1, 5), [
    "`number`",
    "`30000`",
    "`shutdownGraceMillis`: **5000**",
    "`shutdownGraceMillis`: 0",
  ]);
  assertEquals(cells("wireFormat")?.slice(-3, -1), ["`wireFormat`: auto", "–"]);
  assertEquals(cells("onEvent")?.slice(2, 5), ["none", "–", "–"]);
});

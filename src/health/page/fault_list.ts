// Pure.
/**
 * What is wrong, one entry for each kind of fault: its advice once, and the first shards that have it. A
 * fleet of which every shard fails is still read at a glance.
 *
 * @module
 */

import { counted, numberText } from "../../observe/format.ts";
import type { FaultLine, FleetPicture, PictureVerdict, TableSight } from "./fleet_picture.ts";
import { keyHtml, markHtml, safeText, tagHtml } from "./html_text.ts";

/** Kinds of faults that are shown; there are fewer. */
const KINDS = 24;
/** Faults that are shown of one kind. */
const OF_A_KIND = 5;

/** The list. Empty when all is well, so that nothing is drawn. */
export function faultsHtml(faults: readonly FaultLine[]): string {
  if (faults.length === 0) return "";
  const items = kindsOf(faults).slice(0, KINDS).map((group) => {
    const [{ level, code, advice }] = group;
    const times = group.length === 1 ? "" : ` <span class="sub">${numberText(group.length)} times</span>`;
    const lines = group.slice(0, OF_A_KIND).map(({ leaseKey, text }) =>
      `<p>${leaseKey === undefined ? "" : `<span class="key">${keyHtml(leaseKey)}</span> `}${
        safeText(text)
      }</p>`
    );
    const more = group.length - lines.length;
    if (more > 0) lines.push(`<p class="sub">and ${numberText(more)} more</p>`);
    const mend = advice === undefined ? "" : `<p class="advice">${safeText(advice)}</p>`;
    return `<li class="${level}"><h3 class="${level}Text">${markHtml(level)}${
      safeText(code, 80)
    }${times}</h3>${lines.join("")}${mend}</li>`;
  });
  return `<h2>What is wrong</h2><ul>${items.join("")}</ul>`;
}

/** How this worker is, in a word. */
export function verdictWord(
  { isHealthy, sinceMs, faults }: PictureVerdict,
): "healthy" | "failing" | "starting" {
  return isHealthy ? "healthy" : sinceMs === undefined && faults.length === 0 ? "starting" : "failing";
}

/**
 * What a screen reader says when it changes. It has no figure that grows, since it would be read out again
 * every few seconds.
 */
export function announcementHtml({ verdict }: FleetPicture): string {
  const { faults } = verdict;
  const kinds = kindsOf(faults).map(([{ code, leaseKey }, ...others]) =>
    `${safeText(code, 80)}${
      others.length > 0
        ? `, ${numberText(others.length + 1)} times`
        : leaseKey === undefined
        ? ""
        : ` of ${safeText(leaseKey, 200)}`
    }`
  );
  const list = kinds.length === 0 ? "" : `, ${counted(faults.length, "fault")}: ${kinds.join("; ")}`;
  return `${verdictWord(verdict)}${list}.`;
}

/** How far the rest of the fleet is known, where that is not as usual. */
export function sightHtml(table: TableSight): string {
  switch (table.type) {
    case "own":
      return `<p>${
        tagHtml("own shards only")
      } The lease table is not read: other workers and their shards are not shown.</p>`;
    case "waiting":
      return `<p>${tagHtml("own shards only")} The lease table is being read for the first time.</p>`;
    case "failed":
      return `<p class="errorText">${
        markHtml("error")
      }The lease table cannot be read: other workers and their shards are not shown.</p>${
        problems(table.problems)
      }`;
    case "read":
      return table.problems.length === 0
        ? ""
        : `<p class="warningText">${
          markHtml("warning")
        }The last attempt to read the fleet failed in part: what is shown of other workers may be old.</p>${
          problems(table.problems)
        }`;
  }
}

function problems(texts: readonly string[]): string {
  const more = texts.length - OF_A_KIND;
  return texts.slice(0, OF_A_KIND).map((text) => `<p>${safeText(text)}</p>`).join("") +
    (more > 0 ? `<p class="sub">and ${numberText(more)} more</p>` : "");
}

type Kind = readonly [FaultLine, ...FaultLine[]];

/** Faults by their code: errors first, else in the order of the first of each. */
function kindsOf(faults: readonly FaultLine[]): readonly Kind[] {
  const kinds = new Map<string, [FaultLine, ...FaultLine[]]>();
  for (const fault of faults) {
    const kind = kinds.get(`${fault.level} ${fault.code}`);
    if (kind === undefined) kinds.set(`${fault.level} ${fault.code}`, [fault]);
    else kind.push(fault);
  }
  return [...kinds.values()].sort(([a], [b]) => Number(b.level === "error") - Number(a.level === "error"));
}

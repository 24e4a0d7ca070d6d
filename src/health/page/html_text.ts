// Pure.
/**
 * Text as HTML. Names and errors come from tables that others write, so each text is made one line without
 * secrets, and then escaped.
 *
 * @module
 */

import { durationText } from "../../observe/format.ts";
import { oneLine } from "../../observe/one_line.ts";

/** How wrong something is. */
export type Level = "good" | "warning" | "error";

/** Text made safe inside an element and inside a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}

/**
 * Any text, fit to be shown.
 *
 * @param most UTF-16 units that are kept. DynamoDB's longest key has 2,048 bytes, which no page needs.
 */
export function safeText(text: string, most = 600): string {
  return escapeHtml(oneLine(text, most));
}

/**
 * A lease key. Of a table of many streams it is the stream's name and the shard, and the whole key is shown
 * when pointed at. Leading zeros are pale.
 */
export function keyHtml(leaseKey: string): string {
  const text = oneLine(leaseKey, 300);
  const [, head, zeros, rest] = /^(.*:)?(shardId-0*)(\d.*)$/.exec(text) ?? [];
  if (zeros === undefined || rest === undefined) return escapeHtml(text).replaceAll(":", ":<wbr>");
  const shard = `<i>${escapeHtml(zeros)}</i>${escapeHtml(rest)}`;
  if (head === undefined) return shard;
  const stream = /^\d+:([^:]+):\d+:$/.exec(head)?.[1] ?? head;
  return `<span title="${escapeHtml(text)}">${escapeHtml(stream)} <b>${shard}</b></span>`;
}

/** The last part of a lease key without zeros: `12` of `shardId-000000000012`. */
export function shortKey(leaseKey: string): string {
  const text = oneLine(leaseKey, 300);
  return escapeHtml(/^(?:.*:)?shardId-0*(\d+)$/.exec(text)?.[1] ?? Array.from(text).slice(-6).join(""));
}

/** A shape beside a colour. Nothing for what is good. */
export function markHtml(level: Level): string {
  return level === "good" ? "" : `<i class="mark ${level}" role="img" aria-label="${level}"></i>`;
}

/** A few words in a frame. */
export function tagHtml(text: string, level: Level = "good"): string {
  return `<span class="tag${level === "good" ? "" : ` ${level}`}">${safeText(text, 300)}</span>`;
}

/** A span of time, or a dash. Clocks jump, so that an age may be below 0: that is none. */
export function timeText(ms: number | undefined): string {
  return ms === undefined || !Number.isFinite(ms) ? "–" : durationText(Math.max(0, ms));
}

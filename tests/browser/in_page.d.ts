/**
 * The types of in_page.js.
 *
 * @module
 */

export function overflow(): { readonly wide: number; readonly window: number; readonly beyond: string };
export function faintTexts(): readonly string[];
export function numberStops(): number;
export function focusedStop(): {
  readonly stop: string | null;
  readonly html: string;
  readonly isShown: boolean;
};
export function focusedName(): string;
export function animations(): number;
export function groundColour(): string;
export function scrolledBy(): number;
export function markRows(): void;
export function select(index: number): void;
export function selectedText(): string;
export function hide(isHidden: boolean): void;

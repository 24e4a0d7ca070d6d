/**
 * fast-check, named here and nowhere else. It stands in no import map, since Deno downloads whatever
 * deno.json maps before it starts any program of this folder.
 *
 * @module
 */

export { default } from "npm:fast-check@4.10.2";

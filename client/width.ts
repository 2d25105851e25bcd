import { stripVTControlCharacters } from 'node:util';

const PLAIN = /^[\x20-\x7e]*$/;

/** Characters of East Asian scripts, and pictures: two columns wide. http://www.unicode.org/reports/tr11/ */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;

let characters: Intl.Segmenter | undefined;

/** Columns a text takes on a terminal, colours aside. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length;
  characters ??= new Intl.Segmenter();
  let width = 0;
  for (const { segment } of characters.segment(stripVTControlCharacters(text)))
    width += WIDE.test(segment) ? 2 : 1;
  return width;
}

// What of a page that is read out is the same in every run?

/** Of these there may be more in one run than in another. */
const MANY = ['row', 'listitem', 'option'];

/** What is read out, without what is another in every run. */
export const lasting = (said) =>
  said
    .replace(/\b01[0-9a-z]{24}\b/g, 'ID')
    .replace(/\b[0-9a-f]{12}(\+[0-9a-f]{12})?\b/g, 'HASH')
    .replace(/(tg_|\/clients\/|client=)[0-9a-zA-Z]{10}/g, '$1ID')
    .replace(/(?<!level=|%)\d+([.,:]\d+)*/g, '0')
    .replace(/\b0 (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b/g, '0 Month')
    // Where it stands alone it is quoted, unless it is a large one.
    .replace(/: "0"$/gm, ': 0')
    .replace(/\b0 [KMG]iB\b/g, '0 bytes')
    .replace(/\b0 (ms|s|min|h|d)\b( 0 (s|min|h)\b)?/g, '0 s')
    .replace(/\bin 0 (second|minute|hour|day)s?\b/g, 'soon')
    .replace(/\b(0 (second|minute|hour|day)s? ago|(?<=last |one |")now)\b/g, 'lately');

/** Of rows and items that stand beside each other, the first of each kind, whichever is chosen; there may be older ones. */
export function firsts(said) {
  let above = [];
  let skipped;
  return said.split('\n').filter((line) => {
    const [, indent, kind] = line.match(/^( *)(?:- '?([a-z]+)|)/);
    if (skipped !== undefined && indent.length > skipped) return false;
    skipped = undefined;
    above = above.filter((one) => one.indent <= indent.length);
    const before = above.at(-1);
    const again = before?.indent === indent.length && before.kinds.has(kind) && MANY.includes(kind);
    if (before?.indent === indent.length) before.kinds.add(kind);
    else above.push({ indent: indent.length, kinds: new Set([kind]) });
    if (again) skipped = indent.length;
    return !again && !line.endsWith('button "Older ones"');
  }).join('\n').replaceAll(' [selected]', '');
}

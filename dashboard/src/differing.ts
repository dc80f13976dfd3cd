// What do two versions of a thing say otherwise, field by field?

type Version = Record<string, unknown> | null;

const say = (value: unknown) => (value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value));

/** The fields that differ, with what both sides say. How often it was changed is no field of a thing. */
export function differing(one: Version, other: Version): { name: string; sides: [string, string] }[] {
  const names = new Set([...Object.keys(one ?? {}), ...Object.keys(other ?? {})]);
  names.delete('version');
  const rows = [...names].map((name) => ({ name, sides: [say(one?.[name]), say(other?.[name])] as [string, string] }));
  return rows.filter(({ sides: [mine, theirs] }) => mine !== theirs);
}

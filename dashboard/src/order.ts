// In which order does one look for things that have names?

export const byName = <T extends { name: string }>(rows: T[]): T[] => rows.toSorted((one, other) => one.name.localeCompare(other.name));

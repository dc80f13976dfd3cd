// Who takes part?
export const PASSWORD = 'a tide of twelve or more';
export const OTHER_PASSWORD = 'another tide of twelve or more';

// How are components compiled? Runes everywhere; warnings about access are errors of the check.
export default { compilerOptions: { runes: true } };

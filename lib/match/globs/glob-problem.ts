/** The reason why a glob can't be used. */
export class GlobProblem extends Error {}

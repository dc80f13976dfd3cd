// Is the person sure? What is destroyed is named before it is.

export interface Question {
  title: string;
  text: string;
  /** What the button says that does it. */
  verb: string;
  act: () => Promise<unknown>;
}

class Asking {
  question = $state.raw<Question>();
}

export const asking = new Asking();

/** Asks, and acts on a yes. */
export function confirm(question: Question) {
  asking.question = question;
}

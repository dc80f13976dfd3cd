// What has just been done? A line that goes away by itself.
const SHOWN_MS = 5000;

class Notices {
  lines = $state<{ id: number; text: string }[]>([]);
  #last = 0;

  say(text: string) {
    this.#last += 1;
    const id = this.#last;
    this.lines.push({ id, text });
    setTimeout(() => this.drop(id), SHOWN_MS);
  }

  drop(id: number) {
    this.lines = this.lines.filter((line) => line.id !== id);
  }
}

export const notices = new Notices();

// Dark or light? As the system has it, unless the person chose.
const NAME = 'tidegate-theme';

export type Theme = 'system' | 'light' | 'dark';

class Themes {
  chosen = $state<Theme>(read());
  #dark = matchMedia('(prefers-color-scheme: dark)');
  #systemDark = $state(this.#dark.matches);

  constructor() {
    this.#dark.addEventListener('change', (event) => (this.#systemDark = event.matches));
  }

  get dark(): boolean {
    return this.chosen === 'system' ? this.#systemDark : this.chosen === 'dark';
  }

  choose(theme: Theme) {
    this.chosen = theme;
    localStorage.setItem(NAME, theme);
  }
}

export const theme = new Themes();

function read(): Theme {
  const kept = localStorage.getItem(NAME);
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

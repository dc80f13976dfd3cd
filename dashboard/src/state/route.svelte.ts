// Where is the person? The address says it all, so that every view has a link and the browser's back works.

/** Where pages are. */
export const BASE = '/ui/';

class Route {
  path = $state(location.pathname);
  query = $state.raw(new URLSearchParams(location.search));
  /** The person has come here from another page of ours. */
  moved = false;

  /** The parts below the base: a page, and what it shows. */
  get parts(): string[] {
    const below = this.path.startsWith(BASE) ? this.path.slice(BASE.length) : '';
    return below.split('/').filter(Boolean).map(decodeURIComponent);
  }

  get(name: string): string {
    return this.query.get(name) ?? '';
  }

  read() {
    this.path = location.pathname;
    this.query = new URLSearchParams(location.search);
  }
}

export const route = new Route();

/** Goes to a page of the dashboard. */
export function go(url: string) {
  history.pushState(null, '', url);
  arrive();
}

/** Goes there without a step that the browser's back would return to. */
export function replace(url: string) {
  history.replaceState(null, '', url);
  arrive();
}

/** Changes what the query says; empty values leave it. */
export function refine(changes: Record<string, string | null>) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const tail = query.size > 0 ? `?${query}` : '';
  history.replaceState(null, '', location.pathname + tail);
  route.read();
}

/** The address of a page. */
export function to(page: string, id = '', query: Record<string, string> = {}): string {
  const named = id ? `/${id.split('/').map(encodeURIComponent).join('/')}` : '';
  const search = new URLSearchParams(query);
  return BASE + page + named + (search.size > 0 ? `?${search}` : '');
}

function arrive() {
  const before = route.path;
  route.read();
  if (route.path === before) return;
  route.moved = true;
  scrollTo(0, 0);
}

/** Lets links and the browser's buttons move between pages without a reload. */
export function listen() {
  addEventListener('popstate', () => route.read());
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (!link.pathname.startsWith(BASE)) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}

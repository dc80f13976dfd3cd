// What is around every case: a browser, whose pages tell of everything that must not happen, and the people in it.
import axe from 'axe-core';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { firsts, lasting } from './heard.mjs';

const WIDE = { width: 1280, height: 860 };
const PHONE = { width: 390, height: 844 };
const WAIT_MS = 10_000;
/** Chromium must look for nothing outside, and root has no sandbox. */
const SWITCHES = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];
/** What axe finds so grave is a failure. */
const GRAVE = ['serious', 'critical'];

export class World {
  static async start({ gateway, provider, chromiumPath, images, pages, long }) {
    const browser = await chromium.launch({ executablePath: chromiumPath, headless: true, args: SWITCHES });
    if (images) mkdirSync(images, { recursive: true });
    return new World({ gateway, provider, browser, images, pages, long });
  }

  constructor(parts) {
    Object.assign(this, parts);
    /** What must not happen, in words. */
    this.troubles = [];
    /** The signed-in state of each person, by name. */
    this.people = {};
  }

  /** A page in a browser of its own, as somebody who is signed in or as nobody. */
  async open(path, { as, phone = false, theme = 'light' } = {}) {
    const context = await this.browser.newContext({
      viewport: phone ? PHONE : WIDE,
      colorScheme: theme,
      reducedMotion: 'reduce',
      locale: 'en-GB',
      timezoneId: 'Europe/Berlin',
      // A page that is laid over the gateway's own counts as one from elsewhere, which may open no socket to this machine.
      permissions: ['clipboard-read', 'clipboard-write', ...(this.pages ? ['local-network-access'] : [])],
      ...(as && { storageState: this.people[as] }),
    });
    context.setDefaultTimeout(WAIT_MS);
    await this.#watch(context);
    if (this.pages) await this.#lay(context);
    const page = await context.newPage();
    await page.goto(this.gateway.url + path);
    return page;
  }

  /** Shows pages as they were built last, in place of those that the gateway carries. Its headers hold all the same. */
  async #lay(context) {
    await context.route(`${this.gateway.url}/**`, async (route) => {
      const request = route.request();
      const { pathname } = new URL(request.url());
      const file = join(this.pages, request.isNavigationRequest() ? 'index.html' : pathname);
      if (request.method() !== 'GET' || pathname === '/' && !request.isNavigationRequest() || !existsSync(file)) return route.fallback();
      if (!request.isNavigationRequest()) return route.fulfill({ path: file });
      const response = await route.fetch();
      await route.fulfill(response.ok() ? { response, path: file } : { response });
    });
  }

  /** Keeps somebody signed in for later pages, and closes this one. */
  async keep(name, page) {
    this.people[name] = await page.context().storageState();
    await page.context().close();
  }

  async #watch(context) {
    const tell = (what) => this.troubles.push(what);
    await context.exposeBinding('tellViolation', (_, text) => tell(`the policy was broken: ${text}`));
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        window.tellViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
      });
    });
    context.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (origin !== this.gateway.url && !['data:', 'blob:'].includes(protocol)) tell(`something outside was asked for: ${request.url()}`);
    });
    context.on('weberror', (error) => tell(`a script failed: ${error.error().stack ?? error.error().message}`));
    context.on('dialog', (dialog) => { tell(`a script ran: ${dialog.message()}`); void dialog.dismiss(); });
  }

  /** The page has loaded what it shows. */
  async settled(page) {
    await page.locator('main h1').waitFor();
    await page.locator('[aria-busy="true"]').first().waitFor({ state: 'detached' });
  }

  /** No finding of axe is grave. */
  async accessible(page, what) {
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    for (const { id, impact, nodes } of violations.filter((found) => GRAVE.includes(found.impact))) {
      const places = nodes.slice(0, 3).map((node) => `${node.target.join(' ')} (${node.failureSummary?.split('\n').at(-1)?.trim()})`);
      this.troubles.push(`${what}: ${impact} finding ${id} at ${places.join('; ')}`);
    }
  }

  /** A part is read out as it was agreed; `UPDATE=1` agrees on what is there now. Of what is many, the first is enough. */
  async reads(part, name, many = false) {
    const said = await part.ariaSnapshot();
    const found = `${lasting(many ? firsts(said) : said)}\n`;
    const file = fileURLToPath(new URL(`aria/${name}.yml`, import.meta.url));
    if (process.env.UPDATE) return writeFileSync(file, found);
    const agreed = existsSync(file) ? readFileSync(file, 'utf8') : '';
    if (found !== agreed) this.troubles.push(`${name} is read out in another way:\n${found}`);
  }

  /** Nothing sticks out of a narrow screen. */
  async fits(page, what) {
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    if (over > 0) this.troubles.push(`${what} is ${over} pixels wider than the screen`);
  }

  /** A picture for people, where pictures are wanted. */
  async picture(page, name) {
    if (this.images) await page.screenshot({ path: join(this.images, `${name}.png`), animations: 'disabled' });
  }

  async stop() {
    await this.browser.close();
  }
}

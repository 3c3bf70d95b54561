// Reads the dashboard in Chromium, signed in with the keyboard alone, against a server of its own. One line for each check; the
// exit code is 1 when one fails. Usage: node dashboard.mjs [program] [folder for screenshots]
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { base, check, picture, token, until, visit, watch } from './desk.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const EVIL = '</script><img src=x onerror=alert(1)> Agent with a name that is far too long for any chart';
const whole = (page, name) => picture(page, `dashboard-${name}`, { fullPage: true });

async function call(bearer, method, path, body) {
  const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json', 'if-match': '*' };
  const answer = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
  return answer.ok ? answer.json() : Promise.reject(new Error(`${method} ${path}: ${await answer.text()}`));
}

/** A day at the desk: tickets that wait, are answered, closed, reopened and judged, and time that was worked on them. */
async function fill(contact, admin) {
  const departments = (await call(admin, 'GET', '/v1/departments')).items;
  await call(admin, 'POST', '/v1/agents', {
    name: EVIL, email: 'long@desk.example', role: 'agent', department_ids: departments.map((one) => one.id), levels: ['L1', 'L2'],
  });
  const [product] = (await call(contact, 'GET', '/v1/products')).items;
  const tickets = [];
  for (let number = 1; number <= 9; number += 1) {
    tickets.push(await call(contact, 'POST', '/v1/tickets', {
      subject: `The export stops after ${number}00 rows`, description: 'Every time.', product_id: product.id,
    }));
  }
  const status = async (ticket) => (await call(admin, 'GET', `/v1/tickets/${ticket.id}`)).status.code;
  for (const ticket of tickets) await until('a received ticket', async () => (await status(ticket)) !== '010');
  for (const [at, ticket] of tickets.entries()) {
    const path = `/v1/tickets/${ticket.id}`;
    if (at < 7) await call(admin, 'POST', `${path}/notes`, { body: 'Which version?', visibility: 'public' });
    if (at < 7) await call(admin, 'POST', `${path}/time-entries`, { minutes: 20 + 15 * at, chargeable: at % 3 > 0 });
    if (at < 5) await call(admin, 'POST', `${path}/transitions`, { to: '050', resolution: 'A limit was raised.' });
  }
  for (const [at, ticket] of tickets.slice(0, 4).entries()) {
    const path = `/v1/tickets/${ticket.id}/survey`;
    await until('a survey', () => call(contact, 'GET', path));
    await call(contact, 'POST', path, { rating: [5, 4, 2, 5][at] });
  }
  await call(contact, 'POST', `/v1/tickets/${tickets[4].id}/notes`, { body: 'It stops again, after the update of last night.' });
  return tickets;
}

/** Presses Tab until the element that this selector finds has the focus; how often, or 0. */
async function tabTo(page, selector, most = 40) {
  for (let presses = 1; presses < most; presses += 1) {
    await page.keyboard.press('Tab');
    if (await page.locator(`${selector}:focus`).count()) return presses;
  }
  return 0;
}

async function signIn(page, secret, query = '') {
  await page.goto(`${base}/dashboard${query}`);
  const found = await tabTo(page, '#access_token');
  await page.keyboard.insertText(secret);
  await Promise.all([page.waitForLoadState('load'), page.waitForNavigation(), page.keyboard.press('Enter')]);
  return found;
}

/** What a person with a screen reader, with few colours or with a keyboard would stumble over. */
async function accessible(page, what) {
  await page.evaluate(AXE);
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const { violations } = await page.evaluate((values) => globalThis.axe.run({ runOnly: { type: 'tag', values } }), tags);
  const found = violations.map((one) => [one.id, one.nodes.slice(0, 3).map((node) => `${node.html.slice(0, 120)} ${node.failureSummary}`)]);
  check(`nobody is left out: ${what}`, found.length === 0, found);
}

/** Of each figure: what its chart has, and what its table says. Pages learn of other media with the next frame. */
async function figures() {
  for (let frames = 2; frames > 0; frames -= 1) await new Promise((next) => { requestAnimationFrame(next); });
  const number = (cell) => (cell.querySelector('data') ? Number(cell.querySelector('data').value) : null);
  return [...document.querySelectorAll('figure')].map((figure) => {
    const canvas = figure.querySelector('canvas');
    const table = figure.querySelector('table');
    if (!table) return { id: figure.id };
    const drawn = canvas && globalThis.Chart.getChart(canvas);
    const rows = [...table.tBodies[0].rows];
    const columns = [...table.tHead.rows[0].cells].map((head, at) => (head.dataset.series ? at : 0)).filter((at) => at);
    const pixels = canvas && canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    return {
      id: figure.id,
      chart: drawn && drawn.data.datasets.map((set) => set.data),
      table: columns.map((at) => rows.map((row) => number(row.cells[at]))),
      all: rows.map((row) => [...row.cells].slice(1).map(number)),
      inked: canvas ? pixels.some((value) => value > 0) : true,
      still: drawn ? drawn.options.animation === false : true,
      width: canvas ? canvas.getBoundingClientRect().width : 0,
      colour: drawn && drawn.data.datasets[0].borderColor,
      open: figure.querySelector('details')?.open,
      named: canvas ? canvas.getAttribute('role') === 'img' && canvas.getAttribute('aria-label').length > 20 : true,
    };
  });
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

async function checkSignIn(browser, admin) {
  const page = watch(await browser.newPage({ viewport: { width: 1000, height: 800 } }));
  await page.goto(`${base}/dashboard?period=7d`);
  check('the sign-in has a title, a heading and a language', (await page.title()) === 'Sign in – Dashboard'
    && (await page.locator('h1').count()) === 1 && (await page.locator('html[lang=en]').count()) === 1);
  await accessible(page, 'sign-in');
  await whole(page, 'sign-in');
  await signIn(page, 'wrong', '?period=7d');
  check('what went wrong is announced and has the focus', (await page.locator('[role=alert]:focus').count()) === 1
    && (await page.title()).startsWith('Error'));
  await whole(page, 'sign-in-wrong');
  check('Tab leads to the token first', (await signIn(page, admin, '?period=7d')) === 1);
  check('the figures that were asked for are shown', (await page.title()) === 'Figures – Dashboard'
    && page.url() === `${base}/dashboard?period=7d` && (await page.inputValue('#period')) === '7d', page.url());
  const cookies = await page.context().cookies();
  check('the cookie is for this page alone', cookies.length === 1 && cookies[0].httpOnly && cookies[0].sameSite === 'Strict', cookies);
  return page;
}

async function checkFigures(page, admin) {
  const shown = await page.evaluate(figures);
  check('twelve figures are there', shown.length === 12, shown.map((one) => one.id));
  for (const one of shown.filter((figure) => figure.chart)) {
    check(`${one.id}: the chart says what the table says, and is drawn`, same(one.chart, one.table) && one.inked && one.named && one.still, one);
  }
  const to = new Date(Date.now() + 86400e3).toISOString().slice(0, 10);
  const from = new Date(Date.now() - 6 * 86400e3).toISOString().slice(0, 10);
  const all = (id) => shown.find((one) => one.id === id).all;
  const told = async (name, figure) => (await call(admin, 'GET', `/v1/reports/${name}?from=${from}&to=${to}`)).buckets.map(({ figures: of }) => figure(of));
  check('volume: the page says what the API says', same(all('volume'), await told('volume', (of) => [of.opened, of.closed, of.reopened, of.merged])));
  check('csat: the page says what the API says', same(all('csat'), await told('csat', (of) => [of.mean, of.answered, of.asked])));
  check('time: the page says what the API says', same(all('time'), await told('time', (of) => [of.charged_minutes, of.not_charged_minutes, of.entries])));
  check('names are text', (await page.locator('img').count()) === 0);
}

async function checkKeyboard(page) {
  await page.goto(`${base}/dashboard?period=7d`);
  await page.keyboard.press('Tab');
  const skip = await page.locator('.skip:focus').boundingBox();
  check('the first Tab offers to skip to the figures', skip !== null && skip.y >= 0, skip);
  await picture(page, 'dashboard-focus');
  await page.keyboard.press('Enter');
  check('and does so', (await page.locator('main:focus').count()) === 1);
  check('Tab leads to the first table', (await tabTo(page, '#volume summary')) === 1);
  await page.keyboard.press('Enter');
  check('Enter opens it', await page.locator('#volume table').isVisible());
  check('Tab leads into it', (await tabTo(page, '#volume .scroll')) === 1);
  await page.goto(`${base}/dashboard`);
  check('Tab leads to the filters', (await tabTo(page, '#period')) > 0);
  await page.keyboard.press('Home');
  check('the arrow keys choose', (await page.inputValue('#period')) === 'today');
  check('Tab leads to the button', (await tabTo(page, '.filters button')) > 0);
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  check('the filters are sent', page.url().includes('period=today') && (await page.locator('#backlog th').first().textContent()) === 'Hour', page.url());
  await page.fill('#from', '2026-01-01');
  check('who chooses days means days', (await page.inputValue('#period')) === 'custom');
  await page.selectOption('#period', '30d');
  check('who chooses a period means it', (await page.inputValue('#from')) === '');
}

async function checkLooks(page) {
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto(`${base}/dashboard?period=today`);
  await accessible(page, 'light');
  await whole(page, 'light');
  const light = (await page.evaluate(figures))[0].colour;
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = (await page.evaluate(figures))[0].colour;
  check('charts follow the colour scheme', light !== dark, [light, dark]);
  await accessible(page, 'dark');
  await whole(page, 'dark');
  await page.emulateMedia({ colorScheme: 'dark', media: 'print' });
  const printed = (await page.evaluate(figures)).filter((one) => one.chart);
  check('on paper charts have light colours and one size', printed.every((one) => one.width === 640 && one.colour !== dark), printed);
  check('on paper every table is open', printed.every((one) => one.open));
  check('on paper there is nothing to click', !(await page.locator('.filters').isVisible()) && !(await page.locator('summary').first().isVisible()));
  await page.setViewportSize({ width: 700, height: 990 });
  await whole(page, 'print');
  await page.emulateMedia({ colorScheme: 'light', media: 'screen' });
  const back = (await page.evaluate(figures)).filter((one) => one.chart);
  check('afterwards everything is as it was', back.every((one) => !one.open && one.width !== 640 && one.colour !== dark), back);
  for (const width of [1000, 320]) {
    await page.setViewportSize({ width, height: 800 });
    await page.goto(`${base}/dashboard?period=today`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    check(`it fits into ${width} pixels`, wide <= width, wide);
    await whole(page, `${width}`);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto(`${base}/dashboard?tz=Vienna&agent=nobody`);
  check('wrong filters are announced', (await page.locator('[role=alert]:focus li').count()) === 2
    && (await page.locator('[aria-invalid=true]').count()) === 2);
  await accessible(page, 'wrong filters');
  await whole(page, 'wrong-filters');
}

async function checkWithoutScripts(browser, admin) {
  const context = await browser.newContext({ javaScriptEnabled: false, locale: 'de-DE', viewport: { width: 1200, height: 900 } });
  const page = watch(await context.newPage());
  await signIn(page, admin);
  check('without scripts the tables are there, and no empty charts', (await page.locator('table').first().isVisible())
    && !(await page.locator('canvas').first().isVisible()));
  check('the page speaks the language of the browser', (await page.textContent('h1')) === 'Kennzahlen');
  await page.selectOption('#period', '12m');
  await Promise.all([page.waitForNavigation(), page.click('.filters button')]);
  check('without scripts the filters work', (await page.textContent('#backlog th')) === 'Woche ab');
  await page.fill('#from', '2026-01-01');
  await page.fill('#to', '2026-01-03');
  await Promise.all([page.waitForNavigation(), page.click('.filters button')]);
  check('without scripts days that are filled in count', (await page.inputValue('#period')) === 'custom'
    && (await page.locator('#backlog tbody tr').count()) === 3);
  await whole(page, 'no-scripts');
  await context.close();
}

await visit(async (browser) => {
  const [contact, admin] = [token('contact'), token('admin')];
  const tickets = await fill(contact, admin);
  const arrived = async () => {
    const { total } = await call(admin, 'GET', '/v1/reports/volume');
    const { total: said } = await call(admin, 'GET', '/v1/reports/csat');
    return total.opened >= tickets.length && total.closed === 5 && total.reopened === 1 && said.answered === 4;
  };
  await until('reports about all of it', arrived);
  const page = await checkSignIn(browser, admin);
  await checkFigures(page, admin);
  await checkKeyboard(page);
  await checkLooks(page);
  await checkWithoutScripts(browser, admin);
  await page.goto(`${base}/dashboard`);
  await tabTo(page, '.top button');
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  check('signing out ends the session', (await page.locator('#access_token').count()) === 1 && (await page.context().cookies()).length === 0);
});

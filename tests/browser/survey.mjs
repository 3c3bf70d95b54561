// Answers a survey in Chromium without JavaScript and with the keyboard alone, against a server of its own. One line for each
// check; the exit code is 1 when one fails. Usage: node survey.mjs [program] [folder for screenshots]
import { base, check, picture, token, until, visit, watch } from './desk.mjs';

async function call(bearer, method, path, body) {
  const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json', 'if-match': '*' };
  const answer = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
  return answer.ok ? answer.json() : Promise.reject(new Error(`${method} ${path}: ${await answer.text()}`));
}

/** A closed ticket of the contact, and the page on which they are asked about it. */
async function asked(contact, admin) {
  const products = await call(contact, 'GET', '/v1/products');
  const ticket = await call(contact, 'POST', '/v1/tickets', {
    subject: 'The export stops after 100 rows', description: 'Every time.', product_id: products.items[0].id,
  });
  const path = `/v1/tickets/${ticket.id}`;
  await until('a received ticket', async () => (await call(admin, 'GET', path)).status.code !== '010');
  await call(admin, 'POST', `${path}/transitions`, { to: '050', resolution: 'A limit was raised.' });
  const survey = () => call(contact, 'GET', `${path}/survey`);
  return { path, survey, url: (await until('a survey', survey)).url };
}

async function open(browser, url, more = {}) {
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 900, height: 1000 }, ...more });
  const page = watch(await context.newPage());
  await page.goto(url);
  return page;
}

const whole = (page, name) => picture(page, `survey-${name}`, { fullPage: true });

/** Presses Tab until the element that this selector finds has the focus; how often, or 0. */
async function tabTo(page, selector) {
  for (let presses = 1; presses < 15; presses += 1) {
    await page.keyboard.press('Tab');
    if (await page.locator(`${selector}:focus`).count()) return presses;
  }
  return 0;
}

async function checkKeyboard(browser, { url, survey, path }, admin) {
  const page = await open(browser, url);
  check('the page has a title, a heading and a language', await page.title() === 'How satisfied are you?'
    && await page.locator('h1').count() === 1 && await page.locator('html[lang=en]').count() === 1);
  const radios = page.getByRole('radio');
  check('five answers have names', await radios.count() === 5
    && await page.getByRole('radio', { name: '5 Very satisfied' }).count() === 1);
  check('they are a group with the question as its name', await page.getByRole('group', { name: /How satisfied are you with/ }).count() === 1);
  check('the comment has a name and a description', await page.getByRole('textbox', { name: 'What should we know?' }).count() === 1
    && await page.locator('#comment[aria-describedby~=comment-hint]').count() === 1);
  await whole(page, 'light');
  check('Tab leads to the answers', await tabTo(page, 'input[type=radio]') === 1);
  await whole(page, 'focus');
  await page.keyboard.press('Space');
  for (const _ of [1, 2, 3]) await page.keyboard.press('ArrowDown');
  check('the arrow keys choose', await page.locator('#rating-4:checked').count() === 1);
  check('Tab leads to the comment', await tabTo(page, '#comment') === 1);
  await page.keyboard.type('Quick & <b>friendly</b>');
  check('Tab leads to the button', await tabTo(page, 'button') === 1);
  check('nothing is recorded before it is sent', (await survey()).rating === null);
  await Promise.all([page.waitForURL(/saved/), page.keyboard.press('Enter')]);
  const saved = await survey();
  check('the answer is recorded', saved.rating === 4 && saved.comment === 'Quick & <b>friendly</b>', saved);
  check('the page says so', await page.getByRole('status').getByText('Your answer was saved.').count() === 1);
  check('the focus is where that is said', await page.locator('.notice:focus').count() === 1);
  check('what was written is shown as text', await page.locator('main b').count() === 0
    && await page.inputValue('#comment') === 'Quick & <b>friendly</b>');
  await whole(page, 'saved');
  await page.reload();
  check('loading the page again sends nothing again', (await survey()).changed_at === saved.changed_at);
  await tabTo(page, 'input[type=radio]');
  await page.keyboard.press('ArrowDown');
  await tabTo(page, 'button');
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  check('the answer can be changed', (await survey()).rating === 5);
  check('the ticket stays closed', (await call(admin, 'GET', path)).status.code === '050');
  await page.context().close();
}

async function checkLooks(browser, { url, survey }) {
  const before = await survey();
  const dark = await open(browser, url, { colorScheme: 'dark' });
  await whole(dark, 'dark');
  await dark.context().close();
  const phone = await open(browser, `${url}?rating=2`, { viewport: { width: 320, height: 640 } });
  check('a link of the mail chooses and records nothing', await phone.locator('#rating-2:checked').count() === 1
    && (await survey()).changed_at === before.changed_at);
  await whole(phone, 'phone');
  await phone.context().close();
  const narrow = await (await browser.newContext({ viewport: { width: 320, height: 640 } })).newPage();
  await narrow.goto(url);
  const [wide, policy] = await narrow.evaluate(() => [document.documentElement.scrollWidth > innerWidth,
    getComputedStyle(document.querySelector('button')).backgroundColor]);
  check('nothing is wider than a phone, and the style is applied', !wide && policy === 'rgb(11, 87, 208)', [wide, policy]);
  for (const scheme of ['light', 'dark']) {
    await narrow.emulateMedia({ colorScheme: scheme });
    const poor = await narrow.evaluate(contrasts);
    check(`every text has contrast enough, ${scheme}`, poor.length === 0, poor);
  }
  await narrow.context().close();
}

/** The texts whose contrast is below 4.5 to 1 (WCAG 2.2, 1.4.3). */
function contrasts() {
  const numbers = (color) => color.match(/[\d.]+/g).map(Number);
  const light = (color) => numbers(color).slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = (element) => {
    const color = getComputedStyle(element).backgroundColor;
    return numbers(color)[3] === 0 ? behind(element.parentElement) : color;
  };
  const texts = [...document.querySelectorAll('main *')].filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  return texts.flatMap((one) => {
    const [a, b] = [light(getComputedStyle(one).color), light(behind(one))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    return ratio < 4.5 ? [`${one.tagName} ${one.className} ${ratio.toFixed(2)}`] : [];
  });
}

async function checkWrong(browser, { url, survey }) {
  const page = await open(browser, url);
  const before = await survey();
  // As a browser that checks nothing by itself.
  const answer = await page.request.post(url, { form: { rating: '', comment: 'Kept' } });
  check('without a choice it is refused', answer.status() === 422 && (await survey()).changed_at === before.changed_at);
  await page.setContent(await answer.text());
  check('the refusal is announced, and names the field', await page.getByRole('alert').count() === 1
    && await page.locator('.notice a[href="#rating-1"]').count() === 1 && await page.inputValue('#comment') === 'Kept');
  await page.context().close();
  const nowhere = await open(browser, `${base}/s/${'x'.repeat(43)}`, { colorScheme: 'dark', locale: 'de-DE' });
  check('a wrong link gets a page in the language of the browser', (await nowhere.textContent('h1')).includes('gibt es nicht'));
  await whole(nowhere, 'unknown');
  await nowhere.context().close();
}

await visit(async (browser) => {
  const [contact, admin] = [token('contact'), token('admin')];
  const survey = await asked(contact, admin);
  await checkKeyboard(browser, survey, admin);
  await checkLooks(browser, survey);
  await checkWrong(browser, survey);
});

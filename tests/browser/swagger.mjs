// Checks Swagger UI in Chromium as a person uses it, against a server of its own. One line for each check; the exit code
// is 1 when one fails. Usage: node swagger.mjs [program] [folder for screenshots]
import { base, check, picture, token, visit, watch } from './desk.mjs';

// Operations that succeed with what Swagger UI fills in, in the order in which a person tries them.
const WORKING = `
  tickets list_tickets 200, tickets open_ticket 201, tickets get_ticket 200, tickets change_ticket 200,
  notes list_notes 200, notes add_note 201, workflow list_priorities 200, workflow create_workflow 201,
  assignment explain_assignment 200, assignment assign_ticket 200, routing resolve_routing 200,
  tickets search_tickets 200, tickets tag_ticket 200, tickets list_links 200, views list_views 200, views create_view 201,
  views count_views 200, views list_view_tickets 200, drafts create_draft 201, drafts list_drafts 200,
  assignment list_agent_loads 200, assignment list_waiting_tickets 200, assignment preview_assignment 200,
  triage list_triage_queue 200, triage get_triage_matrix 200, triage replace_triage_matrix 200,
  schedule schedule_appointment 201, schedule create_calendar_feed 201, schedule list_delays 200,
  routing get_routing_table 200, routing list_routing_versions 200, workflow draw_workflow 200,
  tickets transition_ticket 200, people list_accounts 200, people create_account 201, people create_contact 201,
  people create_agent 201, people create_department 201, people change_account 200, catalog list_categories 200,
  catalog create_component 201, catalog create_product 201, crm list_conflicts 200, crm list_crm_connections 200,
  events list_events 200, auth get_jwks 200, auth get_me 200, clients list_clients 200, clients create_client 201,
  notes list_mentionable_agents 200, attachments list_attachments 200, macros list_macros 200, macros create_macro 201,
  canned_replies create_canned_reply 201, side_conversations open_side_conversation 201,
  side_conversations list_side_conversations 200, notifications get_notification_preferences 200,
  notifications list_notifications 200, mails list_mails 200, mails list_mail_suppressions 200,
  incoming_mails get_inbound_settings 200, incoming_mails list_quarantine 200, mail_templates list_mail_templates 200,
  mail_templates preview_mail_template 200, surveys list_surveys 200, operations get_liveness 200`.split(',').map((call) => call.trim().split(' '));

async function open(browser) {
  const page = watch(await browser.newPage({ viewport: { width: 1280, height: 900 } }));
  await page.goto(`${base}/docs`);
  await page.waitForSelector('.opblock');
  return page;
}

const box = (tag, operation) => `#operations-${tag}-${operation}`;

async function unfold(page, place) {
  await page.click(`${place} .opblock-summary-control`);
  await page.waitForSelector(`${place} .execute`);
}

/** Executes the operation as it is filled in; returns the status and the body. */
async function execute(page, place) {
  const answered = page.waitForResponse((response) => response.request().resourceType() === 'fetch');
  await page.click(`${place} .execute`, { timeout: 5000 });
  const response = await answered;
  await page.waitForSelector(`${place} .live-responses-table .response-col_status`);
  return { status: response.status(), body: await response.text() };
}

async function run(page, tag, operation, status) {
  const place = box(tag, operation);
  await unfold(page, place);
  const { status: got, body } = await execute(page, place).catch((error) => ({ status: 0, body: error.message }));
  check(`${tag}: ${operation} as it is filled in answers ${status}`, got === status, [got, body]);
  await page.click(`${place} .opblock-summary-control`);
  return got === status && body.startsWith('{') ? JSON.parse(body) : {};
}

async function authorizeClient(page, { id, client_secret: secret }) {
  await page.click('button.authorize');
  await picture(page, 'authorize');
  const dialog = '.auth-container:has(#client_id_clientCredentials)';
  const scopes = await page.$$eval(`${dialog} .scopes .description`, (all) => all.map((one) => one.innerText));
  check('scopes are described in words', scopes.length > 10 && scopes.every((text) => /^\S+ \S+/.test(text)), scopes);
  await page.fill('#client_id_clientCredentials', id);
  await page.fill('#client_secret_clientCredentials', secret);
  await page.click(`${dialog} label[for^="tickets:read"]`);
  const answered = page.waitForResponse(`${base}/oauth/token`);
  await page.click(`${dialog} button.authorize`);
  const answer = await (await answered).json();
  check('the browser gets a token for the scope that was chosen', answer.scope === 'tickets:read', answer);
  await page.click('.close-modal');
}

async function checkPage(browser) {
  const page = await open(browser);
  check('/docs leads to /docs/', page.url() === `${base}/docs/`, page.url());
  const tags = await page.$$eval('.opblock-tag', (all) => all.map((one) => one.dataset.tag));
  check('tickets come first', tags[0] === 'tickets' && tags[1] === 'drafts', tags);
  await picture(page, 'wide');
  await page.setViewportSize({ width: 400, height: 900 });
  await picture(page, 'narrow');
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  check('it fits into 400 pixels', width <= 400, width);
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.fill('.operation-filter-input', 'crm');
  await page.waitForFunction(() => document.querySelectorAll('.opblock-tag').length === 1);
  await page.goto(`${base}/docs/#/tickets/open_ticket`);
  await page.reload();
  const place = box('tickets', 'open_ticket');
  const unfolded = await page.waitForSelector(`${place}.is-open .responses-table`).catch(() => null);
  check('a deep link unfolds its operation', unfolded !== null);
  const texts = (part) => page.$$eval(`${place} .responses-table ${part}`, (all) => all.map((one) => one.innerText));
  const [statuses, examples] = [await texts('.response-col_status'), await texts('.example')];
  check('refusals are documented', ['201', '401', '422'].every((status) => statuses.includes(status)), statuses);
  const problems = examples.filter((text) => text.includes('/problems/'));
  check('answers have examples, refusals too', problems.length >= 8 && examples.length > problems.length, examples);
  await page.close();
}

async function checkOperations(browser) {
  const page = await open(browser);
  await run(page, 'auth', 'get_me', 401);
  await page.click('button.authorize');
  await page.fill('#auth-bearer-value', token('admin'));
  await page.click('.auth-container:has(#auth-bearer-value) button.authorize');
  await page.click('.close-modal');
  let client;
  for (const [tag, operation, status] of WORKING) {
    const answer = await run(page, tag, operation, Number(status));
    if (operation === 'create_client') client = answer;
  }
  await checkHeaders(page);
  await page.close();
  return client;
}

async function checkHeaders(page) {
  const place = box('tickets', 'open_ticket');
  await unfold(page, place);
  await page.fill(`${place} input[placeholder="Idempotency-Key"]`, 'browser-1');
  const [first, second] = [await execute(page, place), await execute(page, place)];
  const same = first.status === 201 && first.body === second.body;
  check('with an Idempotency-Key the first answer comes again', same, [first, second]);
  const change = box('tickets', 'change_ticket');
  await unfold(page, change);
  await page.fill(`${change} input[placeholder="If-Match"]`, '"v9999"');
  const stale = await execute(page, change);
  check('If-Match with another version is refused', stale.status === 412, stale);
}

async function checkClient(browser, client) {
  const page = await open(browser);
  await authorizeClient(page, client);
  const place = box('auth', 'get_me');
  await unfold(page, place);
  const { status, body } = await execute(page, place);
  check('the client calls with its token', status === 200 && JSON.parse(body).id === client.id, [status, body]);
  await page.close();
}

await visit(async (browser) => {
  await checkPage(browser);
  await checkClient(browser, await checkOperations(browser));
});

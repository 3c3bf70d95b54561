// Draws the figures of the page from its tables: what a chart shows is what its table says. Without this script the tables are shown.
'use strict';

const root = document.documentElement;
// Runs before the page is painted: the styles keep room for the charts, and the tables closed.
root.classList.add('scripted');

const dark = matchMedia('(prefers-color-scheme: dark)');
const paper = matchMedia('print');
const PAPER = { width: 640, height: 190 };
const charts = [];

const ink = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
const whole = new Intl.NumberFormat(root.lang, { maximumFractionDigits: 0 });
const exact = new Intl.NumberFormat(root.lang, { maximumFractionDigits: 1 });
const AXES = {
  count: (value) => (Number.isInteger(value) ? whole.format(value) : ''),
  part: (value) => `${exact.format(value * 100)}\u00a0%`,
  score: (value) => exact.format(value),
  seconds: (value) => duration(value),
  minutes: (value) => duration(value * 60),
};

function duration(seconds) {
  if (seconds >= 3600) return `${exact.format(seconds / 3600)}\u00a0h`;
  return seconds >= 60 ? `${exact.format(seconds / 60)}\u00a0min` : `${whole.format(seconds)}\u00a0${seconds ? 's' : 'h'}`;
}

/** Round steps on an axis of durations: a minute, a quarter of an hour, an hour, eight hours, a day. */
function step(longest) {
  const steps = [1, 10, 60, 300, 900, 1800, 3600, 7200, 14400, 28800, 86400, 172800, 345600, 864000];
  return steps.find((one) => longest / one <= 6) ?? Math.ceil(longest / 6 / 864000) * 864000;
}

/** The columns of a table that are drawn, and the names of its rows. Others are told below them, in a body of their own. */
function read(table) {
  const rows = [...table.tBodies[0].rows];
  const value = (cell) => cell.querySelector('data')?.value;
  const series = [...table.tHead.rows[0].cells].flatMap((head, at) => (head.dataset.series ? [{
    name: head.textContent.trim(),
    kind: head.dataset.series,
    texts: rows.map((row) => row.cells[at].textContent.trim()),
    values: rows.map((row) => value(row.cells[at])).map((text) => (text === undefined ? null : Number(text))),
  }] : []));
  return { labels: rows.map((row) => row.cells[0].textContent.trim()), series };
}

/** Hatched, so that two bars differ without their colours. */
function hatched(color, at) {
  const tile = Object.assign(document.createElement('canvas'), { width: 8, height: 8 });
  const pen = tile.getContext('2d');
  pen.fillStyle = ink('card');
  pen.fillRect(0, 0, 8, 8);
  pen.strokeStyle = color;
  pen.lineWidth = 2.5;
  for (const shift of [-8, 0, 8]) {
    pen.beginPath();
    if (at === 1) pen.moveTo(shift, 8), pen.lineTo(shift + 8, 0);
    else pen.moveTo(shift, 0), pen.lineTo(shift + 8, 8);
    pen.stroke();
  }
  return pen.createPattern(tile, 'repeat');
}

function dataset({ name, kind, values }, at) {
  const color = ink(`series-${at + 1}`);
  const line = { borderWidth: 2, borderDash: [[], [7, 4], [2, 3], [10, 3, 2, 3]][at], pointStyle: ['circle', 'rectRot', 'triangle', 'rect'][at] };
  const bar = { borderWidth: 1.5, maxBarThickness: 36, categoryPercentage: values.length < 4 ? 0.3 : 0.8, pointStyle: 'rect' };
  return {
    type: kind, label: name, data: values, borderColor: color, spanGaps: false, tension: 0,
    // A point on the edge is a whole one.
    clip: false,
    // Lines lie above bars.
    order: kind === 'line' ? 0 : 1,
    backgroundColor: kind === 'bar' && at > 0 ? hatched(color, at) : color,
    pointRadius: values.length > 45 ? 0 : 3, pointHoverRadius: 5, pointBackgroundColor: ink('card'),
    ...(kind === 'line' ? line : bar),
  };
}

function settings(frame, { labels, series }) {
  const { unit, stacked, sideways } = frame.dataset;
  const top = (at) => series.map((one) => one.values[at]).reduce((sum, one) => (stacked === undefined ? Math.max(sum, one) : sum + one), 0);
  const longest = Math.max(0, ...labels.map((_, at) => top(at)));
  const grid = { color: ink('grid'), drawTicks: false };
  const names = {
    stacked: stacked !== undefined, grid: { display: false }, border: { color: ink('line') },
    ticks: {
      color: ink('quiet'), autoSkip: sideways === undefined, maxRotation: 0, autoSkipPadding: 12,
      callback(value) {
        const label = this.getLabelForValue(value);
        const most = this.chart.width < 500 ? 22 : 44;
        return label.length > most ? `${label.slice(0, most - 1)}…` : label;
      },
    },
  };
  const values = {
    stacked: stacked !== undefined, beginAtZero: true, grid, border: { display: false },
    max: unit === 'part' && longest > 0.5 ? 1 : undefined,
    // Half a mark on the scale is much: it does not begin at zero.
    ...(unit === 'score' ? { beginAtZero: false, min: 1, max: 5 } : {}),
    ticks: {
      color: ink('quiet'), maxTicksLimit: 6, padding: 6, callback: AXES[unit],
      stepSize: { seconds: step(longest), minutes: step(longest * 60) / 60 }[unit],
      precision: unit === 'count' ? 0 : undefined,
    },
  };
  const told = (item) => ` ${item.dataset.label}: ${series[item.datasetIndex].texts[item.dataIndex]}`;
  return {
    animation: false, maintainAspectRatio: false, indexAxis: sideways === undefined ? 'x' : 'y',
    interaction: { mode: 'index', intersect: false, axis: sideways === undefined ? 'x' : 'y' },
    scales: sideways === undefined ? { x: names, y: values } : { x: values, y: names },
    plugins: {
      legend: {
        display: series.length > 1, position: 'bottom', align: 'start',
        labels: { color: ink('text'), usePointStyle: true, boxHeight: 8, padding: 14 },
      },
      tooltip: {
        backgroundColor: ink('tip'), titleColor: ink('on-tip'), bodyColor: ink('on-tip'), padding: 10, usePointStyle: true,
        callbacks: { label: told },
      },
    },
  };
}

function draw(frame) {
  const figures = read(frame.closest('figure').querySelector('table'));
  // Set here and not in the page, whose policy allows no styles in its text.
  if (frame.dataset.sideways !== undefined) frame.style.height = `${figures.labels.length * (figures.series.length > 1 ? 30 : 26) + 60}px`;
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 12;
  const data = { labels: figures.labels, datasets: figures.series.map(dataset) };
  return new Chart(frame.querySelector('canvas'), { type: 'bar', data, options: settings(frame, figures) });
}

function drawAll() {
  for (const chart of charts.splice(0)) chart.destroy();
  for (const frame of document.querySelectorAll('[data-unit]')) {
    const chart = draw(frame);
    if ('paper' in root.dataset) chart.resize(PAPER.width, parseInt(frame.style.height, 10) || PAPER.height);
    charts.push(chart);
  }
}

/** On paper: light colours, a fixed size, every table. Afterwards everything is as it was. */
function print(on) {
  if (on === 'paper' in root.dataset) return;
  const tables = document.querySelectorAll('details.table');
  if (on) {
    for (const table of tables) table.dataset.open = table.open;
    root.dataset.paper = '';
  } else {
    delete root.dataset.paper;
  }
  for (const table of tables) table.open = on || table.dataset.open === 'true';
  drawAll();
}

/** Whoever chooses days means days, whoever chooses a period means it. */
function tieDates() {
  const period = document.getElementById('period');
  const days = ['from', 'to'].map((id) => document.getElementById(id));
  if (!period || days.includes(null)) return;
  for (const day of days) day.addEventListener('change', () => { if (day.value) period.value = 'custom'; });
  period.addEventListener('change', () => {
    if (period.value !== 'custom') for (const day of days) day.value = '';
    else days[0].focus();
  });
}

document.addEventListener('DOMContentLoaded', () => {
  for (const table of document.querySelectorAll('details.table')) table.open = false;
  tieDates();
  drawAll();
  dark.addEventListener('change', drawAll);
  paper.addEventListener('change', () => print(paper.matches));
  addEventListener('beforeprint', () => print(true));
  addEventListener('afterprint', () => print(false));
});

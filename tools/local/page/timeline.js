/** The life of the user's subscriptions: a bar for each status, and a dot for each email, payment, refund and event. */
import { byId, drawList, make } from "/assets/dom.js";
import { day, STATUS_TEXT, time, toneOf } from "/assets/format.js";
import { describeMoment, describeSpan, sentence, timelineRows } from "/assets/timeline_words.js";

const LANES = { email: "Emails", payment: "Payments", refund: "Refunds", event: "Subscription events" };
/** The size of a dot's button in pixels. Moments that are closer together share a dot. */
const DOT = 24;
const HELP = "Select a dot to read what happened. The arrow keys move between the dots.";
const NO_USER = "After a sign-in, this shows the life of the user's subscriptions.";
const EMPTY = { subscriptions: [], moments: [] };
let shown = null;
let drawn = "";

/** Draws the timeline again if it has changed. @param timeline null if no user is signed in */
export function showTimeline(timeline, now) {
  shown = { ...(timeline ?? EMPTY), now, help: timeline ? HELP : NO_USER };
  const state = JSON.stringify([timeline, day(now)]);
  if (state !== drawn) draw();
  drawn = state;
}

function draw() {
  if (!shown) return;
  const scale = scaleOf(shown);
  // The axis is as wide as the tracks.
  const { clientWidth: width } = byId("axis");
  const lives = shown.subscriptions.map((life) => spanLane(life, scale));
  byId("spans").replaceChildren(
    ...(lives.length > 0 ? [...lives, nowLine(scale)] : [make("p", { class: "quiet" }, "No subscription.")]),
  );
  drawDots(Object.keys(LANES).map((kind) => dotLane(kind, scale, width)));
  byId("axis").replaceChildren(...axisOf(scale).map((text) => make("span", {}, text)));
  drawList(byId("timeline-text"), timelineRows(shown), ({ id }) => id, textItem);
}

function axisOf({ from, to, now }) {
  if (shown.moments.length === 0) return [];
  return [day(from), to > now && now > from ? `Today: ${day(now)}` : "", day(to)];
}

const textItem = ({ at, text }) =>
  make("li", {}, make("time", { datetime: at }, time(at)), `: ${sentence(text)}`);

/** From the first moment to the end of the current period. */
function scaleOf({ subscriptions, moments, now }) {
  const starts = [now, ...subscriptions.map(({ spans }) => spans[0].from), ...moments.map(({ at }) => at)];
  const ends = [now, ...subscriptions.map(({ until }) => until ?? now)];
  const from = Math.min(...starts.map(Date.parse));
  const to = Math.max(from + 1, ...ends.map(Date.parse));
  const at = (iso) => ((Date.parse(iso) - from) / (to - from)) * 100;
  return { from, to, now: Date.parse(now), at };
}

function spanLane(life, scale) {
  const lane = make("div", { class: "lane" });
  for (const span of life.spans) {
    const left = scale.at(span.from);
    const right = scale.at(span.to ?? life.until ?? new Date(scale.now).toISOString());
    const text = describeSpan(span, life);
    const bar = make(
      "div",
      { class: `span ${toneOf(span.status)} ${span.status}`, role: "img", "aria-label": text, title: text },
      make("span", { "aria-hidden": "true" }, STATUS_TEXT[span.status] ?? span.status),
    );
    bar.style.left = `${left}%`;
    bar.style.width = `${Math.max(0, right - left)}%`;
    lane.append(bar);
  }
  return lane;
}

/** Marks now, if the timeline continues after it. What is right of the line is planned. */
function nowLine(scale) {
  const line = make("div", { class: "future", "aria-hidden": "true", hidden: scale.to <= scale.now });
  line.style.left = `${scale.at(new Date(scale.now).toISOString())}%`;
  return line;
}

function dotLane(kind, scale, width) {
  const lane = make(
    "div",
    { class: `lane dots ${kind}` },
    make("span", { class: "quiet small" }, LANES[kind]),
  );
  const track = make("div", { class: "track" });
  const groups = [];
  for (const moment of shown.moments.filter((one) => one.kind === kind)) {
    const x = Math.min(Math.max((scale.at(moment.at) / 100) * width, DOT / 2), width - DOT / 2);
    const last = groups.at(-1);
    if (last && x - last.x < DOT + 1) last.moments.push(moment);
    else groups.push({ x, moments: [moment] });
  }
  for (const { x, moments } of groups) track.append(dot(moments, (x / width) * 100));
  lane.append(track);
  return lane;
}

function dot(moments, left) {
  const isBad = moments.some(({ is_paid }) => is_paid === false);
  const text = moments.map((moment) => `${time(moment.at)}: ${sentence(describeMoment(moment))}`).join(" ");
  const count = moments.length > 1 ? String(moments.length) : "";
  const attributes = {
    type: "button",
    class: isBad ? "dot failed" : "dot",
    "data-key": moments[0].id,
    "data-left": String(left),
    "aria-label": count ? `${count} moments: ${text}` : text,
    tabindex: "-1",
    onfocus: () => select(text, moments[0].id),
    onmouseenter: () => select(text, moments[0].id),
  };
  const made = make("button", attributes, make("span", {}, count));
  made.style.left = `${left}%`;
  return made;
}

const dots = () =>
  [...byId("dots").querySelectorAll("button")].sort(
    (one, other) => Number(one.dataset.left) - Number(other.dataset.left),
  );

/** Replaces the dots. The focus stays on the dot that had it. */
function drawDots(lanes) {
  const focused = byId("dots").contains(document.activeElement) ? document.activeElement.dataset.key : null;
  byId("dots").replaceChildren(...lanes);
  const all = dots();
  const same = all.find(({ dataset }) => dataset.key === focused);
  const first = same ?? all[0];
  if (first) first.tabIndex = 0;
  if (focused) (same ?? first)?.focus();
  else byId("moment").textContent = shown.help;
}

function select(text, key) {
  byId("moment").textContent = text;
  for (const one of dots()) one.tabIndex = one.dataset.key === key ? 0 : -1;
}

const MOVES = {
  ArrowRight: (index) => index + 1,
  ArrowLeft: (index) => index - 1,
  Home: () => 0,
  End: (_index, last) => last,
};

export function listenForTimeline() {
  byId("dots").addEventListener("keydown", (event) => {
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    const all = dots();
    const index = move(all.indexOf(document.activeElement), all.length - 1);
    all[Math.min(Math.max(index, 0), all.length - 1)].focus();
  });
  let width = 0;
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width !== width) draw();
    width = contentRect.width;
  }).observe(byId("timeline"));
}

// The page: what is asked of the server when, and what a click or a key does.

import { Board } from "./board.js";
import { html } from "./drawing.js";
import { forFirst, Game, Seats } from "./game.js";
import * as server from "./server.js";
import { showAgents, showSides } from "./settings.js";
import { judged, Namer, showControls, showMoves, showState } from "./status.js";
import { Panel, showBar, showGraph } from "./thoughts.js";

const REPLY_DELAY = 350; // milliseconds between an agent's thought and its move
const WATCH_DELAY = 800; // the same where two agents play

const byId = (id) => document.getElementById(id);
const facts = await server.facts();
const game = new Game();
const seats = new Seats();
const namer = new Namer(facts, seats);
const board = new Board(byId("board"), facts.actions, play);
const panel = new Panel(facts.actions);
const thoughts = new Map(); // by position and thinker
const values = new Map(); // by position: for the first player, null where nobody knows

let position = null; // what is shown
let shown = ""; // its key
let running = true; // whether watched agents play on
let prompted = ""; // the key of a position where the agent was told to move
let timer = 0;

const keyOf = (moves) => `${game.problem}|${moves}`;
const here = () => keyOf(game.moves);
const hints = () => byId("hints").checked;
const isFresh = () => position !== null && shown === here();
const names = (moves) => moves.map((action) => facts.actions[action]);

function thoughtsKey(moves, mover) {
  const { agent, simulations } = seats.thinker(mover);
  return `${keyOf(moves)}|${agent}|${simulations}`;
}

const current = () => thoughts.get(thoughtsKey(game.moves, position.mover)) ?? null;

// Whether an agent moves here by itself.
function automatic() {
  if (!isFresh() || position.ended) return false;
  if (prompted === here()) return true;
  if (seats.watching) return running && game.atEnd;
  return !seats.isPerson(position.mover) && game.atEnd;
}

const mayPlay = () => isFresh() && !position.ended && !automatic();

// Changes ----------------------------------------------------------------------------------------

// Call it after every change; `falling` says that the last stone has just been played.
async function update(falling = false) {
  clearTimeout(timer);
  timer = 0;
  const key = here();
  if (key !== prompted) prompted = "";
  byId("play").ariaBusy = "true";
  try {
    const answer = await server.position(game.problem, game.moves);
    if (key !== here()) return;
    position = answer;
    shown = key;
    if (position.ended) values.set(key, position.outcome);
    trouble("");
  } catch (error) {
    trouble(error.message);
    return;
  }
  board.show(position, mayPlay(), falling);
  drawAll();
  byId("play").ariaBusy = "false";
  think();
}

function play(action) {
  if (!mayPlay() || !position.legal.includes(action)) return;
  game.play(action);
  update(true);
}

function step(cursor) {
  running = false;
  game.go(cursor);
  update();
}

async function newGame() {
  if (!facts.has_problems) return start([]);
  const { problem } = await server.newProblem(Math.floor(Math.random() * 2 ** 31));
  return start([], problem);
}

function start(moves, problem = game.problem) {
  running = seats.watching && moves.length === 0;
  game.reset(moves, problem);
  byId("pasted-error").hidden = true;
  byId("problem-text").value = problem;
  return update();
}

// Back (-1) or forward (1) to where the person decides; by one move where nobody or everybody is.
async function takeBack(direction) {
  const decides = async (cursor) => {
    const { mover } = await server.position(game.problem, game.line.slice(0, cursor));
    return seats.watching || seats.isPerson(mover);
  };
  let cursor = game.cursor + direction;
  while (cursor > 0 && cursor < game.line.length && !(await decides(cursor))) cursor += direction;
  const none = cursor < 0 || cursor > game.line.length || (cursor === 0 && !(await decides(0)));
  if (none) byId("state").textContent = "There is no move of yours to take back.";
  else step(cursor);
}

// The button and the space bar: watched agents go on or pause; otherwise the agent moves here.
function goOn() {
  if (position?.ended) return newGame();
  if (seats.watching) {
    running = !automatic();
    if (running) game.reset(game.moves);
  } else {
    prompted = here();
  }
  return update();
}

// Thinking ---------------------------------------------------------------------------------------

let thinking = false;
let wanted = false;

// Asks for what is wanted most, one search at a time, until nothing is.
async function think() {
  wanted = true;
  moveWhenKnown();
  if (thinking) return;
  thinking = true;
  try {
    while (wanted) {
      wanted = false;
      const job = await nextJob();
      if (!job) continue;
      wanted = true;
      const found = await server.think(job.question);
      if (thoughts.size > 2000) thoughts.clear();
      thoughts.set(job.key, found);
      values.set(keyOf(job.question.moves), forFirst(found.value, found.mover));
      if (isFresh()) drawAll();
      moveWhenKnown();
    }
  } catch (error) {
    trouble(error.message);
  } finally {
    thinking = false;
  }
}

// First the position shown; then, for the graph, those of the game that were never looked at.
async function nextJob() {
  if (isFresh() && !position.ended && (hints() || automatic()) && !current()) {
    return jobFor(game.moves, position.mover);
  }
  if (!hints() || automatic()) return null;
  for (let ply = 0; ply <= game.line.length; ply++) {
    const moves = game.line.slice(0, ply);
    const key = keyOf(moves);
    if (values.has(key)) continue;
    const there = await server.position(game.problem, moves);
    if (!there.ended) return jobFor(moves, there.mover);
    values.set(key, there.outcome);
  }
  return null;
}

function jobFor(moves, mover) {
  const question = { problem: game.problem, moves, ...seats.thinker(mover) };
  return { key: thoughtsKey(moves, mover), question };
}

function moveWhenKnown() {
  if (timer || !automatic() || !current()) return;
  const { action } = current();
  timer = setTimeout(
    () => {
      timer = 0;
      if (!automatic()) return;
      game.play(action);
      update(true);
    },
    seats.watching ? WATCH_DELAY : REPLY_DELAY,
  );
}

// Drawing ----------------------------------------------------------------------------------------

function drawAll() {
  const seen = hints() ? current() : null;
  board.think(seen);
  document.body.classList.toggle("hints", hints());
  const { picture, legal } = position;
  const listed = !picture || legal.some((action) => picture.targets[action].square === null);
  document.body.classList.toggle("text-only", !picture);
  document.body.classList.toggle("listed", listed);
  document.body.classList.toggle("crosses-played", board.kind === "crosses");
  document.body.classList.toggle("over", position.ended);
  panel.show(position, seen, {
    kind: board.kind,
    players: facts.players,
    hidden: !hints(),
    mayPlay: mayPlay(),
    play,
    preview: (line) => board.preview(line),
  });
  showBar(values.get(here()) ?? null, facts.players);
  const known = [...Array(game.line.length + 1).keys()].map(
    (ply) => values.get(keyOf(game.line.slice(0, ply))) ?? undefined,
  );
  showGraph(known, game.cursor, facts.players, step);
  showState(position, game.cursor, namer, board.kind, automatic(), lastThought());
  showMoves(game, facts.actions, step);
  showControls(game, position.ended, seats.watching, automatic());
  history.replaceState(null, "", `#${encodeURIComponent(names(game.moves).join(" "))}`);
}

// What was thought of the move just made, by whoever was asked before it.
function lastThought() {
  const before = game.line.slice(0, game.cursor - 1);
  const found = [0, 1]
    .map((mover) => [mover, thoughts.get(thoughtsKey(before, mover))])
    .find(([mover, thought]) => thought?.mover === mover);
  return game.cursor && found ? judged(found[1], game.line[game.cursor - 1], facts.actions) : "";
}

function trouble(message) {
  byId("trouble").hidden = message === "";
  byId("trouble").textContent = message;
}

// Moves as text ----------------------------------------------------------------------------------

async function setUp(text) {
  const { moves, error } = await server.read(game.problem, text);
  if (!error) return start(moves);
  const input = byId("pasted");
  const line = byId("pasted-error");
  const words = error.message[0].toUpperCase() + error.message.slice(1);
  line.replaceChildren(`${words}.`);
  if (moves.length) {
    const count = moves.length === 1 ? "the move" : `the ${moves.length} moves`;
    const rest = html("button", { type: "button", onclick: () => start(moves) }, `Set up ${count} before it`);
    line.append(" ", rest);
  }
  line.hidden = false;
  input.value = text;
  input.focus();
  input.setSelectionRange(error.start, error.end);
  return undefined;
}

function copyMoves() {
  const input = byId("pasted");
  input.value = names(game.moves).join(" ");
  input.select();
  navigator.clipboard?.writeText(input.value).catch(() => {});
}

// Wiring -----------------------------------------------------------------------------------------

const PRESSES = {
  new: newGame,
  undo: () => takeBack(-1),
  redo: () => takeBack(1),
  first: () => step(0),
  back: () => step(game.cursor - 1),
  forward: () => step(game.cursor + 1),
  last: () => step(game.line.length),
  go: goOn,
};

const KEYS = {
  n: "new", u: "undo", r: "redo", Home: "first", ArrowLeft: "back", ArrowRight: "forward", End: "last", " ": "go",
};

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const at = event.target;
  if (at.matches("select, input:not([type=radio], [type=checkbox], [type=range])")) return;
  if (event.key.length > 1 && at.matches("input")) return; // arrows are the control's own
  if (event.key === " " && at !== document.body) return;
  if (/^\d$/.test(event.key)) {
    play(facts.actions.indexOf(event.key));
  } else if (event.key === "h") {
    byId("hints").click();
  } else if (event.key in KEYS) {
    event.preventDefault();
    byId(KEYS[event.key]).click();
  }
}

function settingsChanged() {
  running = seats.watching;
  showAgents(facts, seats, board.kind, () => update());
  update();
}

async function warmUp() {
  try {
    while (!(await server.status()).ready) {
      byId("warming").hidden = false;
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
  } catch (error) {
    trouble(error.message);
  }
  byId("warming").hidden = true;
}

async function begin() {
  const title = facts.game[0].toUpperCase() + facts.game.slice(1);
  const size = Object.entries(facts.arguments).map(([name, value]) => `${name} ${value}`);
  const agents = facts.agents.map((a) => `${a.name}, iteration ${a.iteration.toLocaleString("en")}`);
  document.title = `${title} – selfplay`;
  byId("title").textContent = title;
  byId("subtitle").textContent = [...size, ...agents].join(" · ");
  const close = facts.actions.every((name) => name.length === 1);
  byId("pasted-note").textContent =
    `All moves from the beginning, such as ${names([0, 1, 0].map((a) => Math.min(a, facts.actions.length - 1))).join(" ")}` +
    (close ? "; spaces may be left out." : ".");
  seats.side = facts.players === 1 && facts.side !== "none" ? "first" : facts.side;
  seats.agents = [0, facts.agents.length - 1];
  seats.simulations = [facts.simulations, facts.simulations];
  showSides(facts.players, seats, settingsChanged);
  for (const [id, act] of Object.entries(PRESSES)) byId(id).addEventListener("click", act);
  byId("copy").addEventListener("click", copyMoves);
  byId("hints").addEventListener("change", () => update());
  document.addEventListener("keydown", pressed);
  byId("setup").addEventListener("submit", (event) => {
    event.preventDefault();
    setUp(byId("pasted").value).catch((error) => trouble(error.message));
  });
  byId("problem").hidden = !facts.has_problems;
  byId("problem").addEventListener("submit", (event) => {
    event.preventDefault();
    start([], byId("problem-text").value);
  });
  warmUp();
  const linked = decodeURIComponent(location.hash.slice(1));
  await newGame();
  showAgents(facts, seats, board.kind, () => update());
  if (linked) await setUp(linked);
}

begin().catch((error) => trouble(error.message));

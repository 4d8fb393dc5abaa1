// What happened and what may be done: the line over the board, the moves, the buttons.

import { html, PLAYERS, token } from "./drawing.js";
import { percent, signed, visits, winner } from "./game.js";

const byId = (id) => document.getElementById(id);

// How the page calls players, given who sits where.
export class Namer {
  constructor(facts, seats) {
    this.facts = facts;
    this.seats = seats;
  }

  agent(player) {
    return this.facts.agents[this.seats.thinker(player).agent].name;
  }

  isYou(player) {
    return this.seats.side !== "both" && this.seats.isPerson(player);
  }

  player(player) {
    if (this.isYou(player)) return "You";
    const name = PLAYERS[player];
    return this.seats.side === "both" ? name[0].toUpperCase() + name.slice(1) : this.agent(player);
  }
}

// `automatic` says that an agent is about to move, `last` what was thought of the last move.
export function showState(position, count, namer, kind, automatic, last) {
  const two = namer.facts.players === 2;
  const player = position.ended ? winner(position) : position.mover;
  const words = position.ended ? ending(position, count, namer) : turn(player, namer, automatic);
  byId("state").replaceChildren(
    ...(two && player !== null ? [token(player, kind)] : []),
    html("b", {}, words),
    html("span", { class: "note thought", title: last }, position.ended ? "" : last),
  );
}

function turn(player, namer, automatic) {
  if (automatic) return `${namer.agent(player)} is thinking …`;
  return namer.isYou(player) ? "Your move." : `${namer.player(player)} to move.`;
}

function ending(position, count, namer) {
  if (position.truncated) return `Stopped after ${count} moves, undecided.`;
  if (namer.facts.players === 1) return `The end; it paid ${signed(position.returns[0])}.`;
  const won = winner(position);
  if (won === null) return "A draw.";
  return namer.isYou(won) ? "You win!" : `${namer.player(won)} wins.`;
}

// The thought of `action`, among those of the position before it; "" where there is none.
export function judged(thoughts, action, names) {
  const item = thoughts?.actions.find((a) => a.action === action);
  if (!item) return "";
  const parts = [`last move ${names[action]}`, `policy ${percent(item.weight)}`];
  if (item.value !== null) parts.push(`value ${signed(item.value)}`);
  if (item.visits) parts.push(visits(item.visits));
  return parts.join(" · ");
}

export function showMoves(game, names, step) {
  const items = game.line.map((action, index) => {
    const attributes = {
      class: index < game.cursor ? "" : "undone",
      "aria-current": index === game.cursor - 1 ? "step" : null,
      onclick: () => step(index + 1),
    };
    return html("li", {}, html("button", attributes, names[action]));
  });
  const none = html("li", { class: "note" }, "none yet");
  byId("moves").replaceChildren(...(items.length ? items : [none]));
}

export function showControls(game, ended, watching, automatic) {
  for (const id of ["undo", "first", "back"]) byId(id).disabled = game.cursor === 0;
  for (const id of ["redo", "forward", "last"]) byId(id).disabled = game.atEnd;
  const go = byId("go");
  go.textContent = ended ? "Play again" : watching ? (automatic ? "Pause" : "Play") : "Agent’s move";
  go.disabled = !ended && !watching && automatic;
}

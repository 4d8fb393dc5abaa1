// A game as the page holds it: a line of moves and a place in it. No drawing, no server.

export class Game {
  problem = "";
  line = [];
  cursor = 0;

  get moves() {
    return this.line.slice(0, this.cursor);
  }

  get atEnd() {
    return this.cursor === this.line.length;
  }

  // A move made here replaces what followed.
  play(action) {
    this.line = [...this.moves, action];
    this.cursor = this.line.length;
  }

  reset(moves = [], problem = this.problem) {
    this.problem = problem;
    this.line = moves;
    this.cursor = moves.length;
  }

  go(cursor) {
    this.cursor = Math.max(0, Math.min(this.line.length, cursor));
  }
}

// Who sits where. `side` is what the person takes; in "none" each player has its own settings.
export class Seats {
  side = "first";
  agents = [0, 0]; // of the first and the second player, when both are agents
  opponent = 0; // the agent in every other case
  simulations = [0, 0]; // the first serves every case but "none"

  get watching() {
    return this.side === "none";
  }

  isPerson(player) {
    return this.side === "both" || this.side === ["first", "second"][player];
  }

  // Who thinks about a position where `player` moves, and how long.
  thinker(player) {
    return this.watching
      ? { agent: this.agents[player], simulations: this.simulations[player] }
      : { agent: this.opponent, simulations: this.simulations[0] };
  }
}

// The player who was paid more; null for a draw, or where there is only one.
export function winner(position) {
  const [first, second] = position.returns;
  if (second === undefined || first === second) return null;
  return first > second ? 0 : 1;
}

// A value for the mover, as the first player sees it.
export const forFirst = (value, mover) => (mover === 0 ? value : -value);

export function signed(value) {
  const digits = Math.abs(value).toFixed(2);
  if (digits === "0.00") return digits;
  return (value < 0 ? "−" : "+") + digits;
}

export const visits = (count) => `${count.toLocaleString("en")} ${count === 1 ? "visit" : "visits"}`;

export const percent = (share) => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;

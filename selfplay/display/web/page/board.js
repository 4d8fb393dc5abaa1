// The board: stones, what may be clicked, and what the agent thinks, drawn on the squares.

import { signed } from "./game.js";
import { html, PLAYERS, stone, svg } from "./drawing.js";

const FAINT = 0.005; // A policy below this is not drawn.

// Half the height of a hexagon 100 wide that stands on a corner, and from row to row.
const CORNER = 57.735;
const HEX_ROW = 1.5 * CORNER;
const HEXAGON = `m0 ${-CORNER}l50 ${CORNER / 2}v${CORNER}l-50 ${CORNER / 2}l-50 ${-CORNER / 2}v${-CORNER}z`;

export class Board {
  #host;
  #names;
  #play;
  #position = null;
  #selected = null; // the square of a stone about to move
  #layers = {};

  constructor(host, names, play) {
    this.#host = host;
    this.#names = names;
    this.#play = play;
  }

  get kind() {
    return this.#position?.picture?.stones ?? "discs";
  }

  // Draws a position. `mayPlay` says whether a click plays; `falling`, whether the last stone moves.
  show(position, mayPlay, falling) {
    this.#position = position;
    this.#selected = null;
    const picture = position.picture;
    if (!picture) {
      this.#host.replaceChildren(html("pre", { tabindex: 0 }, position.text));
      return;
    }
    const { width, height } = this.#size(picture);
    const foot = picture.look === "rack" ? 40 : 0;
    const rim = picture.look === "hexagons" ? 12 : 8;
    this.#layers = {};
    for (const name of ["under", "stones", "over", "marks", "ghosts", "buttons"]) {
      this.#layers[name] = svg("g", { class: name });
    }
    this.#drawBoard(picture, width, height);
    this.#drawStones(position, falling);
    this.#drawButtons(mayPlay);
    const focused = this.#host.contains(document.activeElement)
      ? document.activeElement.getAttribute("data-square")
      : null;
    this.#host.closest("section").style.setProperty("--ratio", width / (height + foot));
    this.#host.replaceChildren(
      svg(
        "svg",
        {
          viewBox: `${-rim} ${-rim} ${width + 2 * rim} ${height + 2 * rim + foot}`,
          class: `${picture.look} ${picture.columns < 5 ? "small" : ""}`,
          role: "group",
          "aria-label": "Board",
        },
        ...Object.values(this.#layers),
      ),
    );
    if (focused !== null) this.#host.querySelector(`[data-square="${focused}"]`)?.focus();
  }

  // Draws thoughts about the position shown, or nothing for null.
  think(thoughts) {
    const layer = this.#layers.marks;
    if (!this.#position?.picture || !layer) return;
    layer.replaceChildren();
    for (const item of thoughts?.actions ?? []) {
      const target = this.#position.picture.targets[item.action];
      const best = item.action === thoughts.action;
      if (target?.square == null || (item.weight < FAINT && !item.visits && !best)) continue;
      layer.append(this.#mark(target.square, item, best));
    }
  }

  // Draws the stones of the coming moves, numbered, in place of the marks; [] for none.
  preview(line) {
    const layer = this.#layers.ghosts;
    if (!this.#position?.picture || !layer) return;
    this.#layers.marks.classList.toggle("hidden", line.length > 0);
    layer.replaceChildren();
    line.forEach((step, index) => {
      if (step.target?.square == null) return;
      const ghost = stone(step.player, this.kind, "ghost");
      ghost.append(svg("text", { class: "number", y: 13 }, String(index + 1)));
      layer.append(this.#at(step.target.square, ghost));
    });
  }

  #size({ look, rows, columns }) {
    if (look !== "hexagons") return { width: 100 * columns, height: 100 * rows };
    return { width: 100 * columns + 50 * (rows - 1), height: HEX_ROW * (rows - 1) + 2 * CORNER };
  }

  #drawBoard(picture, width, height) {
    const { under, over } = this.#layers;
    if (picture.look === "hexagons") {
      this.#drawHexagons(picture, under);
      return;
    }
    if (picture.look === "grid") {
      let lines = "";
      for (let x = 1; x < picture.columns; x++) lines += `M${100 * x} 0V${height}`;
      for (let y = 1; y < picture.rows; y++) lines += `M0 ${100 * y}H${width}`;
      under.append(
        svg("rect", { class: "ground", x: -8, y: -8, width: width + 16, height: height + 16, rx: 14 }),
        svg("path", { class: "lines", d: lines }),
      );
      return;
    }
    let plate = `M-8 6a14 14 0 0 1 14-14H${width - 6}a14 14 0 0 1 14 14V${height - 6}a14 14 0 0 1-14 14H6a14 14 0 0 1-14-14z`;
    for (let row = 0; row < picture.rows; row++) {
      for (let column = 0; column < picture.columns; column++) {
        plate += `M${100 * column + 10} ${100 * row + 50}a40 40 0 1 0 80 0a40 40 0 1 0-80 0z`;
      }
    }
    under.append(svg("rect", { class: "ground", width, height }));
    over.append(svg("path", { class: "plate", "fill-rule": "evenodd", d: plate }));
  }

  // The first player's sides are above and below, the second's on the left and right.
  #drawHexagons({ rows, columns }, under) {
    const path = (squares, step) => squares.map((s) => `M${this.#centre(s).join(" ")}${step}`).join("");
    const every = [...Array(rows * columns).keys()];
    const top = every.slice(0, columns);
    const bottom = every.slice(-columns);
    const left = every.filter((s) => s % columns === 0);
    const right = left.map((s) => s + columns - 1);
    const half = CORNER / 2;
    const edge = (player, d) => svg("path", { class: `edge p${player}`, d });
    under.append(
      edge(0, path(top, `m-50 ${-half}l50 ${-half}l50 ${half}`)),
      edge(0, path(bottom, `m-50 ${half}l50 ${half}l50 ${-half}`)),
      edge(1, path(left, `m-50 ${-half}v${CORNER}l50 ${half}`)),
      edge(1, path(right, `m0 ${-CORNER}l50 ${half}v${CORNER}`)),
      svg("path", { class: "cells", d: path(every, HEXAGON) }),
    );
  }

  #drawStones(position, falling) {
    const { picture, last } = position;
    const { stones, over } = this.#layers;
    picture.owners.forEach((owner, square) => {
      if (owner < 0) return;
      const row = Math.floor(square / picture.columns);
      const isLast = last?.square === square;
      const won = picture.winning.includes(square);
      const shape = stone(owner, picture.stones);
      if (isLast && falling && picture.look === "rack") {
        shape.classList.add("falling");
        shape.style.setProperty("--from", `${-100 * (row + 1)}px`);
      }
      const column = square % picture.columns;
      const label = `row ${row + 1}, column ${column + 1}: ${PLAYERS[owner]}${won ? ", decided the game" : ""}`;
      const placed = this.#at(square, shape, { role: "img", "aria-label": label });
      stones.append(placed);
      const round = picture.look === "rack" || picture.stones === "discs";
      const ring = (name) =>
        round
          ? svg("circle", { class: name, r: 41 })
          : svg("rect", { class: name, x: -44, y: -44, width: 88, height: 88, rx: 10 });
      if (won) over.append(this.#at(square, ring("won")));
      else if (isLast) over.append(this.#at(square, ring("last")));
    });
  }

  #drawButtons(mayPlay) {
    const layer = this.#layers.buttons;
    const { picture, mover } = this.#position;
    layer.replaceChildren();
    const rack = picture.look === "rack";
    const shown = new Set();
    for (const [action, target] of Object.entries(picture.targets)) {
      if (target.square === null) continue;
      const name = this.#names[action];
      if (rack) {
        const x = 100 * (target.square % picture.columns);
        this.#layers.buttons.append(svg("text", { class: "name", x: x + 50, y: 100 * picture.rows + 33 }, name));
      } else if (target.source === null && picture.columns <= 5) {
        const corner = picture.look === "hexagons" ? { x: 0, y: -34 } : { x: -39, y: -33 };
        layer.append(this.#at(target.square, svg("text", { class: "name", ...corner }, name)));
      }
      if (!mayPlay) continue;
      const choosing = target.source !== null && this.#selected !== target.source;
      const square = choosing ? target.source : target.square;
      if (shown.has(square)) continue;
      shown.add(square);
      const act = choosing
        ? () => this.#select(target.source)
        : () => this.#play(Number(action));
      const label = choosing ? `Move the stone of ${name}` : `Play ${name}`;
      layer.append(this.#button(square, rack, label, act, choosing ? null : mover));
    }
    if (this.#selected !== null) {
      layer.prepend(this.#at(this.#selected, svg("rect", { class: "selected", x: -48, y: -48, width: 96, height: 96, rx: 10 })));
    }
  }

  #select(square) {
    this.#selected = square;
    this.#drawButtons(true);
    this.#host.querySelector(`[data-square="${square}"]`)?.focus();
  }

  #button(square, rack, label, act, mover) {
    const { columns, rows, look } = this.#position.picture;
    const area = { x: 100 * (square % columns), y: 100 * Math.floor(square / columns), width: 100, height: 100 };
    if (rack) Object.assign(area, { y: 0, height: 100 * rows + 40 });
    const hexagon = look === "hexagons" && { d: `M${this.#centre(square).join(" ")}${HEXAGON}` };
    const button = svg("g", {
      class: "button",
      role: "button",
      tabindex: 0,
      "aria-label": label,
      "data-square": square,
      onclick: act,
      onkeydown: (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        event.stopPropagation();
        act();
      },
    });
    if (mover !== null) button.append(this.#at(square, stone(mover, this.kind, "hover")));
    button.append(
      hexagon
        ? svg("path", { class: "area", ...hexagon })
        : svg("rect", { class: "area", ...area, rx: 10 }),
    );
    return button;
  }

  // Policy as size and percentage, then the value, then the visits.
  #mark(square, item, best) {
    const mark = svg("g", { class: `mark ${best ? "best" : ""}` });
    if (item.weight >= FAINT) {
      mark.append(svg("circle", { class: "policy", r: 38 * Math.sqrt(item.weight) }));
    }
    if (best) mark.append(svg("circle", { class: "choice", r: 40 }));
    const alone = item.value === null;
    mark.append(svg("text", { class: "weight", y: alone ? 7 : -8 }, `${Math.round(100 * item.weight)}%`));
    if (!alone) {
      mark.append(
        svg("text", { class: "value", y: 11 }, signed(item.value)),
        svg("text", { class: "visits", y: 28 }, item.visits.toLocaleString("en")),
      );
    }
    return this.#at(square, mark);
  }

  #centre(square) {
    const { columns, look } = this.#position.picture;
    const [row, column] = [Math.floor(square / columns), square % columns];
    if (look === "hexagons") return [100 * column + 50 * row + 50, HEX_ROW * row + CORNER];
    return [100 * column + 50, 100 * row + 50];
  }

  #at(square, shape, attributes = {}) {
    const [x, y] = this.#centre(square);
    return svg("g", { transform: `translate(${x} ${y})`, ...attributes }, shape);
  }
}

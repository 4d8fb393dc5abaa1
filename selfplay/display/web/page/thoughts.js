// What the agent thinks, beside the board: a table, the line both would play, bar and graph.

import { percent, signed, visits } from "./game.js";
import { html, PLAYERS, svg, token } from "./drawing.js";

const MOST = 8; // actions listed before "show all"

const byId = (id) => document.getElementById(id);

export class Panel {
  #names;
  #all = false;
  #redraw = () => {};

  constructor(names) {
    this.#names = names;
    byId("more").addEventListener("click", () => {
      this.#all = !this.#all;
      this.#redraw();
    });
  }

  // The value in words, the table and the line. `thoughts` is null while they are not known;
  // `play` and `preview` are called for clicks on moves and pointing at the line.
  show(position, thoughts, options) {
    this.#redraw = () => this.#table(position, thoughts, options);
    this.#redraw();
    byId("heading").textContent = options.hidden ? "Possible moves" : "Thoughts";
    this.#verdict(position, thoughts, options);
    this.#line(thoughts, options);
  }

  #verdict(position, thoughts, { kind, players }) {
    const verdict = byId("verdict");
    if (position.ended) verdict.replaceChildren("The game is over: there is nothing to decide.");
    else if (!thoughts) verdict.replaceChildren("thinking …");
    else {
      const whose = players === 2 ? ` for the ${PLAYERS[thoughts.mover]}` : "";
      const alone = thoughts.simulations
        ? ` after ${thoughts.simulations.toLocaleString("en")} simulations; network alone ${signed(thoughts.raw_value)}`
        : " by the network alone";
      verdict.replaceChildren(
        token(thoughts.mover, kind),
        html("b", {}, signed(thoughts.value)),
        `${whose}${alone}`,
      );
    }
  }

  #table(position, thoughts, { mayPlay, play, hidden }) {
    const known = new Map((hidden ? [] : (thoughts?.actions ?? [])).map((a) => [a.action, a]));
    const ordered = known.size ? [...known.keys()] : position.legal;
    const shown = this.#all ? ordered : ordered.slice(0, MOST);
    byId("actions").replaceChildren(
      ...shown.map((action) => this.#row(action, known.get(action), thoughts, mayPlay, play)),
    );
    const more = byId("more");
    more.hidden = ordered.length <= MOST;
    more.textContent = this.#all ? "Show fewer" : `Show all ${ordered.length}`;
  }

  #row(action, item, thoughts, mayPlay, play) {
    const name = this.#names[action];
    const button = html(
      "button",
      { class: "move", "aria-label": `Play ${name}`, onclick: () => play(action) },
      name,
    );
    button.disabled = !mayPlay;
    const bar = html("i", { class: "bar" });
    bar.style.width = `${100 * (item?.weight ?? 0)}%`;
    return html(
      "tr",
      { class: item && action === thoughts?.action ? "best" : "" },
      html("th", { scope: "row" }, button),
      html("td", {}, item ? percent(item.prior) : ""),
      html("td", { class: "search" }, bar, html("span", {}, item ? percent(item.weight) : "")),
      html("td", {}, item?.visits ? item.visits.toLocaleString("en") : item ? "–" : ""),
      html("td", {}, item ? (item.value === null ? "–" : signed(item.value)) : ""),
    );
  }

  #line(thoughts, { kind, preview }) {
    const line = thoughts?.line ?? [];
    byId("line").replaceChildren(
      ...(line.length ? [html("span", { class: "note" }, "both would play")] : []),
      ...line.map((step, index) => {
        const show = () => preview(line.slice(0, index + 1));
        return html(
          "button",
          {
            class: "step",
            title: `${visits(step.visits)}, value ${signed(step.value)}`,
            "aria-label": `Show the line up to ${this.#names[step.action]}`,
            onmouseenter: show,
            onfocus: show,
            onclick: show,
            onmouseleave: () => preview([]),
            onblur: () => preview([]),
          },
          token(step.player, kind),
          this.#names[step.action],
        );
      }),
    );
  }
}

const whose = (players) => (players === 2 ? " for the first player" : "");

// How much of the bar is the first player's; null for not known.
export function showBar(value, players) {
  const share = (1 + (value ?? 0)) / 2;
  const bar = byId("value-bar");
  byId("value-fill").style.setProperty("--share", `${100 * share}%`);
  bar.classList.toggle("unknown", value === null);
  const words = value === null ? "not known yet" : `${signed(value)}${whose(players)}`;
  bar.setAttribute("aria-label", `Value: ${words}`);
  bar.title = words;
}

// The value over the game, one point a position; `values[i]` is after i moves, or undefined.
export function showGraph(values, cursor, players, go) {
  const width = 600;
  const height = 84;
  const left = 28;
  const middle = height / 2;
  const last = Math.max(values.length - 1, 8);
  const x = (ply) => left + ((width - left - 8) * ply) / last;
  const y = (value) => middle - (middle - 8) * value;
  const points = values
    .map((value, ply) => [ply, value])
    .filter(([, value]) => value !== undefined);
  const told = points.map(([, value]) => signed(value)).join(", ");
  const picture = svg(
    "svg",
    {
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": `Value over the game${whose(players)}: ${told}`,
      onclick: (event) => {
        const box = picture.getBoundingClientRect();
        const at = ((event.clientX - box.left) / box.width) * width;
        go(Math.round(((at - left) / (width - left - 8)) * last));
      },
    },
    svg("text", { x: 0, y: 14 }, "+1"),
    svg("text", { x: 0, y: height - 4 }, "−1"),
    svg("path", { class: "middle", d: `M${left} ${middle}H${width - 8}` }),
    svg("path", { class: "cursor", d: `M${x(cursor)} 4V${height - 4}` }),
  );
  if (points.length) {
    const curve = points.map(([ply, value]) => `${x(ply)} ${y(value)}`).join("L");
    const area = `M${x(points[0][0])} ${middle}L${curve}L${x(points.at(-1)[0])} ${middle}z`;
    for (const half of [0, 1]) {
      // An inner picture cuts the area off at the middle.
      const box = { x: 0, y: half * middle, width, height: middle };
      const viewBox = `0 ${half * middle} ${width} ${middle}`;
      picture.append(svg("svg", { ...box, viewBox }, svg("path", { class: `area-${half}`, d: area })));
    }
    picture.append(svg("path", { class: "curve", d: `M${curve}` }));
  }
  for (const [ply, value] of points) {
    const here = ply === cursor ? "here" : "";
    picture.append(svg("circle", { class: `point ${here}`, cx: x(ply), cy: y(value), r: here ? 5 : 3 }));
  }
  byId("graph").replaceChildren(picture, html("span", {}, `value${whose(players)}, move by move`));
}

// Elements, and the shapes of stones. One square of a board is 100 units wide.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export const html = (name, attributes = {}, ...children) =>
  fill(document.createElement(name), attributes, children);

export const svg = (name, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, name), attributes, children);

export const PLAYERS = ["first player", "second player"];

// A stone around the origin. Players differ in shape as well as in colour.
export function stone(player, kind, classes = "") {
  const group = svg("g", { class: `stone p${player} ${kind} ${classes}` });
  if (kind === "crosses") {
    group.append(
      player === 0
        ? svg("path", { d: "M-27 -27 27 27M27 -27 -27 27" })
        : svg("circle", { r: 29 }),
    );
    return group;
  }
  group.append(
    svg("circle", { r: 41 }),
    player === 0
      ? svg("circle", { class: "sign", r: 25 })
      : svg("path", { class: "sign", d: "M0 -24 24 0 0 24 -24 0z" }),
  );
  return group;
}

// The same stone, small, for use in text.
export function token(player, kind) {
  const icon = svg("svg", { class: "token", viewBox: "-50 -50 100 100", "aria-hidden": "true" });
  icon.append(stone(player, kind));
  return icon;
}

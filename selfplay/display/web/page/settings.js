// Who plays, with which agent, and how long it may think.

import { html, PLAYERS, token } from "./drawing.js";

const SIDES = {
  1: [["first", "Yes"], ["none", "No, watch"]],
  2: [["first", "First"], ["second", "Second"], ["both", "Both"], ["none", "Neither"]],
};

export function showSides(players, seats, changed) {
  const inputs = SIDES[players].map(([side, label]) => {
    const input = html("input", { type: "radio", name: "side", value: side });
    input.checked = seats.side === side;
    input.addEventListener("change", () => {
      seats.side = side;
      changed();
    });
    return html("label", {}, input, html("span", {}, label));
  });
  document.querySelector("#sides .segments").replaceChildren(...inputs);
}

// One row for the agent, or one for each player where two agents play.
export function showAgents(facts, seats, kind, changed) {
  const both = seats.watching && facts.players === 2;
  const rows = both ? [0, 1] : [0];
  document.getElementById("agents").replaceChildren(
    ...rows.map((index) =>
      html(
        "div",
        { class: "agent" },
        ...(both ? [token(index, kind)] : []),
        chooser(facts.agents, both ? PLAYERS[index] : "agent", both ? seats.agents[index] : seats.opponent, (agent) => {
          if (both) seats.agents[index] = agent;
          else seats.opponent = agent;
          changed();
        }),
        budget(facts.budgets, seats, index, changed),
      ),
    ),
  );
}

function chooser(agents, label, chosen, choose) {
  if (agents.length === 1) return html("b", { class: "name" }, agents[0].name);
  const select = html(
    "select",
    { "aria-label": `Which agent: ${label}` },
    ...agents.map((agent, index) => html("option", { value: index }, agent.name)),
  );
  select.value = chosen;
  select.addEventListener("change", () => choose(Number(select.value)));
  return select;
}

function budget(budgets, seats, index, changed) {
  const output = html("output");
  const input = html("input", { type: "range", min: 0, max: budgets.length - 1, step: 1 });
  const tell = () => {
    const count = budgets[input.value];
    output.value = count ? count.toLocaleString("en") : "0 (network alone)";
    input.setAttribute("aria-valuetext", output.value);
  };
  input.value = budgets.indexOf(seats.simulations[index]);
  tell();
  input.addEventListener("input", tell);
  input.addEventListener("change", () => {
    seats.simulations[index] = budgets[input.value];
    changed();
  });
  return html("label", { class: "budget" }, html("span", {}, "simulations ", output), input);
}

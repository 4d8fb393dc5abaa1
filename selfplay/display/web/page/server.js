// Questions to the server. Each takes and gives plain objects; see table.py.

async function ask(name, question = {}) {
  let response;
  try {
    response = await fetch(`/api/${name}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(question),
    });
  } catch {
    throw new Error("the server does not answer; is it still running?");
  }
  const answer = await response.json().catch(() => ({ error: `status ${response.status}` }));
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

export const facts = () => ask("facts");
export const status = () => ask("status");
export const newProblem = (seed) => ask("problem", { seed });
export const read = (problem, text) => ask("read", { problem, text });
export const think = (question) => ask("think", question);

const kept = new Map();

// A position never changes, so each is asked for once.
export function position(problem, moves) {
  const key = `${problem}|${moves}`;
  if (!kept.has(key)) {
    if (kept.size > 2000) kept.clear();
    const answer = ask("position", { problem, moves });
    answer.catch(() => kept.delete(key));
    kept.set(key, answer);
  }
  return kept.get(key);
}

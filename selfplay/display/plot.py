"""A run's curves as a picture."""

from pathlib import Path
from typing import Any

from selfplay.display.picture import empty_figure, refuse_format
from selfplay.run import metrics
from selfplay.run.directory import RunDirectory, refuse_unwritable

PANELS = {
    "Moves that keep the value": {
        "exact/search": "with search",
        "exact/network": "network alone",
        "exact/random": "random moves",
    },
    "Loss": {"loss/policy": "policy (cross-entropy)", "loss/value": "value (squared error)"},
    "Entropy and divergence, nats": {
        "entropy/policy": "entropy of the policy",
        "entropy/target": "entropy of the targets",
        "kl/target_policy": "KL(target ‖ policy)",
    },
    "Games": {
        "game/first_player_wins": "share won by the first player",
        "game/first_player_losses": "share lost by the first player",
    },
}


def plot_run(run: Path, output: Path | None = None) -> Path:
    """Draws the run's curves against minutes of training, and returns the picture's path.

    Raises ValueError if there is nothing to draw or it cannot be written, RuntimeError without
    matplotlib.
    """
    figure = empty_figure(11, 7)
    folder = RunDirectory(run)
    config = folder.read_config()
    rows = metrics.read(folder.metrics)
    panels = {
        title: {key: name for key, name in curves.items() if any(key in row for row in rows)}
        for title, curves in PANELS.items()
    }
    panels = {title: curves for title, curves in panels.items() if curves}
    if not panels:
        raise ValueError(
            f"{run} has nothing to draw: no iteration is finished, or it is an exported network, "
            "which has no history"
        )
    path = folder.path / "curves.png" if output is None else output
    refuse_unwritable(path)
    refuse_format(path, figure)
    axes = figure.subplots(-(-len(panels) // 2), 2, squeeze=False).ravel()
    for axis, (title, curves) in zip(axes, panels.items(), strict=False):
        _draw(axis, title, curves, rows)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    network, search = config.network, config.search
    figure.suptitle(
        f"{config.env}, seed {config.seed}: {network.kind} {network.width}×{network.depth}, "
        f"{search.policy} search of {search.num_simulations} simulations; "
        f"judged with {config.evaluation.num_simulations}"
    )
    figure.savefig(path, dpi=120)
    return path


def _draw(axis: Any, title: str, curves: dict[str, str], rows: list[dict[str, Any]]) -> None:
    """One panel; looks that are rare get markers."""
    share = title in ("Moves that keep the value", "Games")
    for key, name in curves.items():
        points = [(row["seconds"] / 60.0, row[key]) for row in rows if row.get(key) is not None]
        minutes, values = zip(*points, strict=True)
        scale = 100.0 if share else 1.0
        axis.plot(
            minutes,
            [scale * value for value in values],
            label=name,
            marker="o" if len(points) < 100 else None,
            markersize=3,
            linewidth=1.2,
            linestyle="--" if key == "exact/random" else "-",
        )
    axis.set_title(title + (", %" if share else ""), fontsize=10, loc="left")
    axis.set_xlabel("minutes of training")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8, frameon=False)

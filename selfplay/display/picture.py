"""What all pictures share: matplotlib, where it is installed, and files that it can write."""

from pathlib import Path
from typing import Any


def empty_figure(width: float, height: float) -> Any:
    """An empty matplotlib figure, its size in inches. Raises RuntimeError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise RuntimeError("drawing needs matplotlib: pip install 'selfplay[plot]'") from None
    return Figure(figsize=(width, height), layout="constrained")


def refuse_format(path: Path, figure: Any) -> None:
    """Raises ValueError if matplotlib writes no pictures of this kind."""
    known = figure.canvas.get_supported_filetypes()
    if path.suffix[1:].lower() not in known:
        raise ValueError(f"cannot draw {path}: its name must end in one of .{', .'.join(known)}")

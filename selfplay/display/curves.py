"""Line charts as inline SVG, a few hundred points each; colours come from the page's style."""

import dataclasses
import math
from collections.abc import Callable, Sequence

from markupsafe import Markup, escape

WIDTH, HEIGHT = 640, 270
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 12, 44
MOST_POINTS = 200


@dataclasses.dataclass(frozen=True)
class Series:
    """A named line; x rises."""

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


def line_chart(
    series: Sequence[Series],
    *,
    x_label: str,
    form: Callable[[float], str] = "{:g}".format,
    limits: tuple[float, float] | None = None,
) -> Markup:
    """The lines over a common x axis.

    Args:
        series: none of them empty; more than `MOST_POINTS` points become means of stretches.
        x_label: what x is, with its unit.
        form: of a number at the y axis.
        limits: of y, by default what the points need.
    """
    thinned = [dataclasses.replace(line, points=thin(line.points)) for line in series]
    xs = [x for line in thinned for x, _ in line.points]
    ys = [y for line in thinned for _, y in line.points]
    y_ticks = ticks(*(limits or (min(ys), max(ys))))
    low_x, high_x = min(xs), max(max(xs), min(xs) + 1e-9)
    low_y, high_y = y_ticks[0], y_ticks[-1]

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - low_x) / (high_x - low_x)
        up = (min(max(y, low_y), high_y) - low_y) / (high_y - low_y)
        return (
            LEFT + across * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM),
        )

    parts = []
    for tick in y_ticks:
        _, y = place(low_x, tick)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(
            f'<text x="{LEFT - 7}" y="{y + 4:.1f}" text-anchor="end">{escape(form(tick))}</text>'
        )
    for tick in ticks_within(low_x, max(xs)):
        x, _ = place(tick, low_y)
        text = f'<text x="{x:.1f}" y="{HEIGHT - 24}" text-anchor="middle">{tick:g}</text>'
        parts.append(text)
    parts.append(
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">{escape(x_label)}</text>'
    )
    for number, line in enumerate(thinned):
        style = f"line c{number % 5}" + (" dashed" if line.dashed else "")
        at = [place(x, y) for x, y in line.points]
        if len(at) == 1:
            parts.append(
                f'<circle class="dot c{number % 5}" cx="{at[0][0]:.1f}" cy="{at[0][1]:.1f}" r="4"/>'
            )
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in at)
        parts.append(f'<path class="{style}" d="M{path}"><title>{escape(line.name)}</title></path>')
    label = escape(", ".join(line.name for line in series))
    return Markup(
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
        + "".join(parts)
        + "</svg>"
    )


def thin(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most `MOST_POINTS` points: means of stretches of equal length."""
    length = math.ceil(len(points) / MOST_POINTS)
    stretches = [points[i : i + length] for i in range(0, len(points), max(length, 1))]
    return [
        (sum(x for x, _ in stretch) / len(stretch), sum(y for _, y in stretch) / len(stretch))
        for stretch in stretches
    ]


def ticks(low: float, high: float) -> list[float]:
    """Four to eight round numbers (1, 2 or 5 times a power of ten apart) around [low, high]."""
    if high <= low:
        low, high = low - 0.5, low + 0.5
    step = _round_up((high - low) / 4)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]


def ticks_within(low: float, high: float) -> list[float]:
    """Three to nine round numbers, as those of `ticks`, of which none is outside [low, high]."""
    if high <= low:
        return [low]
    step = _round_up((high - low) / 8)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]


def _round_up(step: float) -> float:
    """The least of 1, 2 and 5 times the powers of ten that is not below `step`, which is > 0."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(power * k for k in (1, 2, 5, 10) if power * k >= step * 0.999)

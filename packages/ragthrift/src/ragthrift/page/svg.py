"""Drawing by hand: SVG elements as text."""

from html import escape


def tag(name: str, *children: str, **attributes: str | float) -> str:
    """An element; children are markup already, attribute values are escaped.

    A name's trailing underscore falls away and its other underscores become hyphens.

    >>> tag("circle", cx=1.25, r=3.0, class_="point")
    '<circle cx="1.2" r="3" class="point"/>'
    """
    parts = [name]
    for key, value in attributes.items():
        parts.append(f'{key.rstrip("_").replace("_", "-")}="{escape(_attribute(value))}"')
    opened = " ".join(parts)
    return f"<{opened}>{''.join(children)}</{name}>" if children else f"<{opened}/>"


def words(content: str, x: float, y: float, **attributes: str | float) -> str:
    """A line of text at its baseline."""
    return tag("text", escape(content), x=x, y=y, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    """A straight line of a class of the style sheet."""
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=kind)


def rectangle(x: float, y: float, width: float, height: float, **attributes: str | float) -> str:
    """A rectangle from its upper left corner."""
    return tag("rect", x=x, y=y, width=max(0.0, width), height=height, **attributes)


def picture(
    identity: str, title: str, description: str, size: tuple[float, float], *shapes: str
) -> str:
    """A whole drawing with what it shows in words; `identity` is unique on its page."""
    width, height = size
    return tag(
        "svg",
        tag("title", escape(title), id=f"{identity}-title"),
        tag("desc", escape(description), id=f"{identity}-desc"),
        *shapes,
        role="img",
        aria_labelledby=f"{identity}-title {identity}-desc",
        viewBox=f"0 0 {_attribute(width)} {_attribute(height)}",
        width=width,
        height=height,
    )


def _attribute(value: str | float) -> str:
    if isinstance(value, str):
        return value
    return f"{round(value, 1) + 0.0:.1f}".removesuffix(".0")

"""A report as Markdown and as one self-contained HTML page; the same view always gives the same text."""

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from state.evidence import ArtifactRef
from tools.report.building import build_page
from tools.report.escaping import markdown_text, one_line, shorten, visible
from tools.report.view import ReportView

TEMPLATES = Path(__file__).parent / "templates"
QUOTED_WORDS = 40
"""Words of a passage that the Markdown report quotes; the page shows all."""
_PICTURES = frozenset({"image/png", "image/jpeg"})
_STATUS = {
    "completed": "completed",
    "failed": "failed",
    "timed_out": "ran out of time",
    "cut_off": "cut off, as it took longer than the others",
}


def render_markdown(view: ReportView, chart_name: Mapping[str, str]) -> str:
    """The report as Markdown. `chart_name` gives the file of a chart's picture or figures by hash.

    A chart whose picture has no file is described in words. Text of the sources is escaped: no markup, HTML,
    link or image comes of it.
    """

    def image(sha256: str) -> Markup:
        return Markup(quote(chart_name.get(sha256, "")))

    helpers = {"image": image, "status": _STATUS.__getitem__, "shorten": lambda text: shorten(text, QUOTED_WORDS)}
    text = _markdown().get_template("report.md.j2").render(page=build_page(view), **helpers)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def render_html(view: ReportView, images: Mapping[str, bytes]) -> str:
    """The report as one HTML page without scripts or requests; charts stand in it as data.

    `images` gives the bytes of the charts' pictures, and of their figures (CSV), by hash; what is not given is
    left out. A policy in the page forbids all but its own style and pictures.
    """

    def embedded(ref: ArtifactRef, kinds: frozenset[str]) -> str:
        if ref.sha256 not in images or ref.media_type not in kinds:
            return ""
        return f"data:{ref.media_type};base64,{base64.b64encode(images[ref.sha256]).decode()}"

    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        _html()
        .get_template("report.html.j2")
        .render(
            page=build_page(view),
            style=Markup(style),
            style_hash=digest,
            line=one_line,
            visible=visible,
            status=_STATUS.__getitem__,
            picture=lambda ref: embedded(ref, _PICTURES),
            data=lambda ref: embedded(ref, frozenset({"text/csv"})),
        )
    )


@cache
def _html() -> Environment:
    return Environment(
        autoescape=True,
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _markdown() -> Environment:
    """Escapes every value for Markdown, as autoescape does for HTML."""
    return _html().overlay(finalize=_escaped)


def _escaped(value: object) -> Markup:
    if isinstance(value, Markup):
        return value
    return Markup(value if isinstance(value, str) and value.isspace() else markdown_text(str(value)))

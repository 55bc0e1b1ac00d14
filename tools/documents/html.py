"""HTML: the main content of a page with its headings, without scripts, navigation and other furniture."""

import re
from collections.abc import Iterator

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PreformattedString, Tag
from bs4.exceptions import ParserRejectedMarkup

from state.errors import SourceError
from tools.dates import iso_date, stated_date
from tools.documents.encodings import decode_html
from tools.documents.extracted import Block, Reading, TextBuilder, squeeze
from tools.documents.html_tables import is_data_table, table_rows, tags_in
from tools.documents.passages import pack

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_DROPPED = frozenset(
    "script style noscript template nav aside footer button svg iframe select input textarea canvas dialog object "
    "video audio math head title".split()
)
_DROPPED_ROLES = frozenset("navigation banner contentinfo search complementary menu menubar toolbar dialog".split())
_DROPPED_CLASSES = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navbox|navheader|navfooter|navigation|menu|sidebar|breadcrumbs?|toc|footer|cookies?|"
    r"skip|skip-?link|noprint|pagination|editsection|catlinks|headerlink)(?:$|[\s_-])",
    re.IGNORECASE,
)
_BOXES = re.compile(r"\b(?:note|tip|important|warning|caution|admonition|callout|alert)\b", re.IGNORECASE)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big br cite code data del dfn em font i ins kbd label mark meter output q rp rt "
    "ruby s samp small span strike strong sub sup time tt u var wbr".split()
)
_DATE_FIELDS = (
    "article:published_time", "citation_publication_date", "citation_date", "dc.date.issued", "dc.date", "dcterms.date",
    "datepublished", "date", "pubdate", "article:modified_time", "last-modified",
)  # fmt: skip
_BREAK = "\x00"
"""Stands for `<br>` in gathered text; decoded text has no control characters."""
_PARAGRAPH_BREAK = re.compile(rf"{_BREAK}\s*{_BREAK}\s*")
_MARK_PARTS = 12
"""Tags and pieces of text that a footnote mark may be made of."""
_MIN_KEPT = 0.05
"""Share of a page's words below which what was taken for furniture is taken for content after all."""


def read(data: bytes, uri: str) -> Reading:
    """The main content as passages; `chars` count in its text. Raises SourceError if the bytes are no HTML."""
    source = decode_html(data)
    if not re.search(r"<[a-zA-Z!]", source):
        raise SourceError("the file is empty" if not source.strip() else "the file holds no HTML")
    source = re.sub(r"^\s*<\?xml[^>]*\?>", "", source)  # a declaration would make the parser doubt that it is HTML
    try:
        soup = BeautifulSoup(source, "html.parser", store_line_numbers=False, multi_valued_attributes=None)
    except ParserRejectedMarkup as error:
        raise SourceError(f"the html is broken: {squeeze(str(error))[:200]}") from error
    marked = _marked(soup)
    text, blocks = _content(_main_part(soup, marked), strict=True)
    if len(text) < _MIN_KEPT * len(soup.get_text()) or not blocks:
        text, blocks = _content(soup, strict=False)
    title = squeeze(soup.title.get_text()) if soup.title else ""
    title = title or next((block.heading[0] for block in blocks if block.heading), "")
    return Reading(title, _date(marked) or stated_date(text), pack(text, blocks), text)


def _marked(soup: BeautifulSoup) -> list[Tag]:
    """The tags that say what the page is about: found in one pass, which `find_all` would make for each
    question.
    """
    names = ("main", "article", "meta", "time")
    return [tag for tag in tags_in(soup) if tag.name in names or tag.attrs.get("role") == "main"]


def _main_part(soup: BeautifulSoup, marked: list[Tag]) -> Tag:
    mains = [tag for tag in marked if tag.name == "main" or tag.attrs.get("role") == "main"]
    mains = mains or [tag for tag in marked if tag.name == "article"]
    return mains[0] if len(mains) == 1 else soup.body or soup


def _content(root: Tag, *, strict: bool) -> tuple[str, list[Block]]:
    walker = _Walker(strict)
    walker.walk(root)
    return walker.builder.finish()


class _Walker:
    """Goes through a page in order, without recursion: pages nest as deep as they like."""

    def __init__(self, strict: bool) -> None:
        self.builder = TextBuilder()
        self._strict = strict
        self._inline: list[str] = []
        self._lead = ""

    def walk(self, root: Tag) -> None:
        stack: list[tuple[Tag, Iterator[object]]] = [(root, iter(root.contents))]
        while stack:
            tag, children = stack[-1]
            child = next(children, None)
            if child is None:
                stack.pop()
                self._close(tag)
            elif isinstance(child, Tag):
                if not self._whole(child):
                    self._open(child)
                    stack.append((child, iter(child.contents)))
            elif isinstance(child, NavigableString) and not isinstance(child, PreformattedString):
                self._inline.append(child)
        self._flush()

    def _whole(self, tag: Tag) -> bool:
        """Deals with a tag that is not walked into; False if it is to be walked into."""
        if tag.name in _DROPPED or self._is_furniture(tag) or _is_reference(tag):
            return True
        if tag.name in _HEADINGS:
            self._flush()
            self._heading(tag)
        elif tag.name == "header":
            self._flush()
            for heading in [part for part in tags_in(tag) if part.name in _HEADINGS]:
                self._heading(heading)
        elif tag.name == "pre":
            self._flush()
            self.builder.add(tag.get_text().strip("\n").rstrip(), hard_lines=True)
        elif tag.name == "table" and is_data_table(tag):
            self._flush()
            for row in table_rows(tag):
                self.builder.add(row)
        else:
            return False
        return True

    def _heading(self, tag: Tag) -> None:
        for part in [part for part in tags_in(tag) if self._is_furniture(part)]:
            part.extract()
        if tag.parent is not None and _BOXES.search(str(tag.parent.get("class", ""))):
            self._lead = squeeze(tag.get_text())  # the title of a box is no heading of what follows the box
        else:
            self.builder.heading(_HEADINGS[tag.name], tag.get_text())

    def _is_furniture(self, tag: Tag) -> bool:
        attributes = tag.attrs
        if not attributes:
            return False
        if "hidden" in attributes or attributes.get("aria-hidden") == "true":
            return True
        if attributes.get("role") in _DROPPED_ROLES or _HIDDEN.search(str(attributes.get("style", ""))):
            return True
        names = f"{attributes.get('class', '')} {attributes.get('id', '')}"
        return (
            self._strict and _DROPPED_CLASSES.search(names) is not None and tag.name not in ("body", "main", "article")
        )

    def _open(self, tag: Tag) -> None:
        if tag.name == "br":
            self._inline.append(_BREAK)
        elif tag.name == "dd" and self._lead == "":
            names = (squeeze(name) for name in "".join(self._inline).split(_BREAK))
            self._lead = ", ".join(filter(None, names))  # a term may have several names, a line each
            self._inline = []
        elif _is_block(tag):
            self._flush()

    def _close(self, tag: Tag) -> None:
        if _is_block(tag) and tag.name != "dt":  # a term stands with its description
            self._flush()

    def _flush(self) -> None:
        text = "".join(self._inline)
        self._inline = []
        pieces = (squeeze(piece.replace(_BREAK, " ")) for piece in _PARAGRAPH_BREAK.split(text))
        for piece in filter(None, pieces):
            lead = f"{self._lead}: " if self._lead else ""
            self._lead = ""
            self.builder.add(lead + piece)


def _is_block(tag: Tag) -> bool:
    return tag.name not in _INLINE and ":" not in tag.name  # inline XBRL marks words with `ix:nonnumeric`


def _is_reference(tag: Tag) -> bool:
    """Whether the tag is a footnote mark such as `[12]`, which would hide the end of a sentence."""
    return tag.name == "sup" and re.fullmatch(r"\s*\[[\w ]{1,12}\]\s*", _little_text(tag)) is not None


def _little_text(tag: Tag) -> str:
    """The text of a tag with few parts, of another an empty one: tags may nest thousands deep."""
    stack: list[object] = [tag]
    text = ""
    for _ in range(_MARK_PARTS):
        part = stack.pop()
        if isinstance(part, Tag):
            stack += reversed(part.contents[:_MARK_PARTS])
        else:
            text += str(part)
        if not stack:
            return text
    return ""


def _date(marked: list[Tag]) -> str | None:
    fields: dict[str, str] = {}
    stamps = []
    for tag in marked:
        if tag.name == "meta":
            name = str(tag.get("property") or tag.get("name") or tag.get("itemprop") or "").lower()
            fields.setdefault(name, str(tag.get("content", "")))
        elif tag.name == "time" and tag.get("datetime"):
            stamps.append(tag)
    stamps.sort(key=lambda tag: tag.get("itemprop") != "datePublished")
    stated = [fields[name] for name in _DATE_FIELDS if name in fields] + [str(tag["datetime"]) for tag in stamps]
    return next(filter(None, map(iso_date, stated)), None)

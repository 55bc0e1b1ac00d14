"""The checks of a bundle: whether its files, passages, citations and charts are what they were published as.

They need the bundle alone: no database, no network, no model. They find what was changed in a bundle, by accident or
by hand. Who makes a bundle anew, with hashes that fit, can only be found out by the bundle's own hash, known from
elsewhere.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping

from pydantic import ValidationError

from state.evidence import Passage, Record
from state.research import Sentence
from tools.facts import check_statement
from tools.report.bundle import (
    CHARTS,
    FORMAT,
    MANIFEST,
    Manifest,
    Provenance,
    chart_files,
    package_versions,
    rendered,
)
from tools.report.view import ReportView, citing_sentences


class BundleCheck(Record):
    """What one check found."""

    name: str
    ok: bool
    found: str


def check_files(files: Mapping[str, bytes], damaged: Collection[str] = ()) -> BundleCheck:
    """Whether each file is there, and has the size and the hash that the manifest lists.

    `damaged` names those that the archive could not give back whole.
    """
    broken = [f"{name} was changed: its bytes in the archive are damaged" for name in damaged]
    try:
        manifest = Manifest.model_validate_json(files.get(MANIFEST, b""))
    except ValidationError:
        return _checked("files", [*broken, f"{MANIFEST} is not there or cannot be read"], "")
    if manifest.format != FORMAT:
        return BundleCheck(name="files", ok=False, found=f"the format is {manifest.format}, not {FORMAT}")
    listed = manifest.files
    faults = broken + [f"{name} is not there" for name in listed if name not in files and name not in damaged]
    faults += [f"{name} is not listed" for name in files if name not in listed and name != MANIFEST]
    faults += [
        f"{name} was changed"
        for name, wanted in listed.items()
        if name in files and (len(files[name]), hashlib.sha256(files[name]).hexdigest()) != (wanted.size, wanted.sha256)
    ]
    return _checked("files", faults, f"{len(listed)} files are as the manifest lists them")


def check_contents(made: Provenance, files: Mapping[str, bytes]) -> tuple[BundleCheck, ...]:
    """The checks of what the files say."""
    view = made.view
    passages = {passage.id: passage for passage in view.passages}
    return (
        _checked("passages", _changed(view), f"{len(passages)} passages have the ids that their contents give"),
        _checked("citations", _unsupported(view, passages), _accuracy(view)),
        _checked("charts", _other_charts(view, files), f"{len(chart_files(view))} files are those of the report"),
        _rendered_again(made, files),
    )


def _checked(name: str, faults: list[str], fine: str) -> BundleCheck:
    more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
    return BundleCheck(name=name, ok=not faults, found="; ".join(faults[:5]) + more if faults else fine)


def _changed(view: ReportView) -> list[str]:
    """Passages whose ids are not those of their contents, or whose source or neighbour is not there."""
    sources = {source.id for source in view.sources}
    owner = {passage.id: passage.source_id for passage in view.passages}
    pairs = ((key, each) for key, around in view.around.items() for each in (around.before, around.after) if each)
    made = [(each, Passage.make(each.source_id, each.locator, each.text)) for each in view.passages]
    faults = [f"passage {each.id} is not as it was read" for each, again in made if each.id != again.id]
    strangers = [(key, each) for key, each in pairs if each not in owner or owner[each] != owner.get(key)]
    faults += [f"passage {each} does not stand beside {key}" for key, each in strangers]
    return faults + [
        f"the source of passage {each.id} is not there" for each, _ in made if each.source_id not in sources
    ]


def _unsupported(view: ReportView, passages: Mapping[str, Passage]) -> list[str]:
    """Citations that lead nowhere, and sentences that a check finds otherwise than the report says."""
    faults = []
    for sentence in citing_sentences(view.draft):
        faults += [f"passage {key} is cited and not there" for key in sentence.passages if key not in passages]
        verdict = _verdict(sentence, passages)
        if verdict != ("partly" if sentence.by_model else sentence.verdict):  # a model judges only what is open
            faults.append(f"“{sentence.text[:80]}” is said to be {sentence.verdict}, and is {verdict}")
    return faults


def _verdict(sentence: Sentence, passages: Mapping[str, Passage]) -> str:
    return check_statement(sentence.text, [passages[key] for key in sentence.passages if key in passages]).verdict


def _accuracy(view: ReportView) -> str:
    citing = citing_sentences(view.draft)
    supported = sum(sentence.verdict == "supported" for sentence in citing)
    return f"{len(citing)} citing sentences were checked again: {supported} supported, as the report says"


def _other_charts(view: ReportView, files: Mapping[str, bytes]) -> list[str]:
    """Charts whose files are not there, or are others than the report was made with."""
    return [
        f"{CHARTS}{ref.name} is not the file of the report"
        for sha256, ref in chart_files(view).items()
        if hashlib.sha256(files.get(f"{CHARTS}{ref.name}", b"")).hexdigest() != sha256
    ]


def _rendered_again(made: Provenance, files: Mapping[str, bytes]) -> BundleCheck:
    """Whether the report's two forms are what its contents give."""
    by, here = (versions.get("stretto", "?") for versions in (made.versions, package_versions()))
    if by != here:
        return BundleCheck(name="report", ok=True, found=f"not rendered again: version {by} made it, this is {here}")
    charts = {key: files.get(f"{CHARTS}{ref.name}", b"") for key, ref in chart_files(made.view).items()}
    other = list(_differing(made, files, charts))
    return _checked("report", other, "its two forms are what its contents give")


def _differing(made: Provenance, files: Mapping[str, bytes], charts: Mapping[str, bytes]) -> Iterator[str]:
    for name, text in rendered(made.view, charts).items():
        if files.get(name) != text:
            yield f"{name} is not what its contents give"

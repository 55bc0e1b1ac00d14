"""Contradictions and wrong facts: what is found of those that are planted, and what is found where there are none.

Sentences are those of the passages of the search data; each is changed in one place (benchmarks/mutations.py).
- Against its own passage: the verdict of the citation check on the changed sentence, and on the sentence as it was.
- Between sources: the sentence in one source, the changed one in another on the same subject; a pair that is found is
  right if it is a planted one.
- In other words: a length of a sentence told again in another form and another unit; one wrong, which should be found,
  and one right, which should not.
- Unrelated passages: every contradiction between sentences, with figures or a negation, of different passages; there
  should be next to none.
"""

import random
import re
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.datasets import json_lines, parser
from benchmarks.mutations import MUTATIONS
from graphs.coordination.contradictions import find_contradictions
from state.evidence import Claim, Contradiction, Locator, Passage, Source, content_id
from tools.attributes import measure_of
from tools.facts import check_statement, find_quantities, split_sentences

OTHER_UNITS = {"m": ("feet", 3.28084), "km": ("miles", 0.621371), "ft": ("metres", 0.3048), "mi": ("km", 1.609344)}
"""How a length in one unit is written in another."""
CORPORA = ("mhqa", "mhr_lite", "anthropic_docs")
CONTRADICTING = ("number", "date", "negation")
"""Kinds that exclude the sentence as it was; another unit or name may be another fact."""
_COMPARABLE = re.compile(r"\d|\b(?:not|never|no)\b")
"""What a sentence needs to be compared at all."""
VERDICTS = ("supported", "partly", "contradicted", "unsupported")


class Evidence:
    """Claims, each with a passage and a source."""

    def __init__(self) -> None:
        self.claims: list[Claim] = []
        self.passages: dict[str, Passage] = {}
        self.sources: dict[str, Source] = {}

    def add(self, text: str, title: str, source: str) -> str:
        """Adds a claim in a source; its id."""
        key = content_id("s", source)
        self.sources[key] = Source(id=key, uri=source, title=title, kind="text", sha256=key, size=len(text))
        passage = Passage.make(key, Locator(), text)
        self.passages[passage.id] = passage
        claim = Claim(
            id=content_id("c", text, source),
            text=text,
            passages=(passage.id,),
            quantities=tuple(find_quantities(text)),
            weight=0.5,
            confidence=0.5,
            verdict="supported",
        )
        self.claims.append(claim)
        return claim.id

    def found(self) -> tuple[Contradiction, ...]:
        """The contradictions between the claims."""
        return find_contradictions(self.claims, self.passages, self.sources)


def documents(data: Path, corpus: str, most: int) -> list[dict[str, Any]]:
    """Documents of a corpus, at most so many, chosen by a fixed chance."""
    known = list(json_lines(data / "retrieval" / corpus / "corpus.jsonl"))
    random.Random(1).shuffle(known)
    return known[:most]


def sentences(document: dict[str, Any]) -> list[str]:
    """The sentences of a document that are neither fragments nor lists."""
    return [each for each in split_sentences(document["text"]) if 6 <= len(each.split()) <= 45]


def against_own_passage(found: Sequence[dict[str, Any]], most: int) -> dict[str, Counter[str]]:
    """Verdicts by what was changed; `as it was` for the sentences themselves."""
    chance, counts = random.Random(2), {kind: Counter[str]() for kind in ("as it was", *MUTATIONS)}
    for document in found:
        known = sentences(document)
        if not known:
            continue
        text, passage = chance.choice(known), Passage.make("s", Locator(), document["text"])
        changed = {kind: change(text, chance) for kind, change in MUTATIONS.items()}
        for kind, told in {"as it was": text, **changed}.items():
            if told is not None and (told != text or kind == "as it was") and counts[kind].total() < most:
                counts[kind][check_statement(told, [passage]).verdict] += 1
    return counts


def between_sources(found: Sequence[dict[str, Any]], kind: str, most: int) -> tuple[int, int, int]:
    """How many pairs were planted, how many of them were found, and how many others."""
    chance, evidence, planted = random.Random(3), Evidence(), set[frozenset[str]]()
    for place, document in enumerate(found):
        known = [(text, MUTATIONS[kind](text, chance)) for text in sentences(document)]
        text, changed = next(((text, wrong) for text, wrong in known if wrong and wrong != text), (None, None))
        if text and changed and len(planted) < most:
            title = str(document["title"])
            planted.add(frozenset((evidence.add(text, title, f"a{place}"), evidence.add(changed, title, f"b{place}"))))
    pairs = {frozenset(side.claim_id for side in each.sides) for each in evidence.found()}
    return len(planted), len(pairs & planted), len(pairs - planted)


def in_other_words(found: Sequence[dict[str, Any]], most: int) -> tuple[int, int, int]:
    """How many lengths were told again in another form and unit, once right and once half as much again; how many of
    the wrong ones were found, and how many of the right ones were taken for contradictions.
    """
    count = wrong = false = 0
    for document in found:
        for text in sentences(document):
            figure = next((each for each in find_quantities(text) if each.unit in OTHER_UNITS), None)
            measure = measure_of(text, figure.text) if figure else None
            if figure is None or measure is None or not measure.name or figure.text.count(" ") > 1 or count >= most:
                continue
            unit, factor = OTHER_UNITS[figure.unit]
            for changed in (False, True):
                evidence, value = Evidence(), figure.value * factor * (1.5 if changed else 1.0)
                kind = " ".join([*measure.modifiers, measure.attribute])
                again = f"With a {kind} of {value:,.6g} {unit}, {measure.holder} is known to many."
                evidence.add(text, str(document["title"]), "a")
                evidence.add(again, str(document["title"]), "b")
                hit = bool(evidence.found())
                wrong, false = wrong + (hit and changed), false + (hit and not changed)
            count += 1
    return count, wrong, false


def unrelated(found: Sequence[dict[str, Any]], most: int) -> tuple[int, tuple[Contradiction, ...]]:
    """How many sentences there were, and the contradictions between them."""
    evidence, chance = Evidence(), random.Random(4)
    told = [(text, document) for document in found for text in sentences(document) if _COMPARABLE.search(text)]
    for text, document in chance.sample(told, min(most, len(told))):
        evidence.add(text, str(document.get("title", "")), str(document.get("title", ""))[:200] + text[:20])
    return len(evidence.claims), evidence.found()


def main() -> None:
    """Measures, and prints three small tables."""
    command = parser(__doc__)
    command.add_argument("--most", type=int, default=300, help="planted errors of each kind (default: %(default)s)")
    command.add_argument("--claims", type=int, default=1500, help="unrelated sentences compared (default: %(default)s)")
    command.add_argument("--show", action="store_true", help="print the contradictions between unrelated sentences")
    options = command.parse_args()
    found = documents(options.data, "mhqa", 6 * options.most)
    print(f"{'changed, against its passage':<32}" + "".join(f"{name:>14}" for name in (*VERDICTS, "n")))
    for kind, counts in against_own_passage(found, options.most).items():
        shares = "".join(f"{counts[name] / max(1, counts.total()):>14.3f}" for name in VERDICTS)
        print(f"{kind:<32}{shares}{counts.total():>14}")
    print(f"\n{'planted between two sources':<32}{'planted':>14}{'found':>14}{'recall':>14}{'precision':>14}")
    for kind in CONTRADICTING:
        planted, right, others = between_sources(found, kind, options.most)
        recall, precision = right / max(1, planted), right / max(1, right + others)
        print(f"{kind:<32}{planted:>14}{right:>14}{recall:>14.3f}{precision:>14.3f}")
    count, wrong, false = in_other_words(documents(options.data, "mhqa", 10**6), options.most)
    print(f"\n{'lengths in other words and units':<32}{'planted':>14}{'found':>14}{'recall':>14}{'false':>14}")
    print(f"{'one wrong, one right, of each':<32}{count:>14}{wrong:>14}{wrong / max(1, count):>14.3f}{false:>14}")
    print(f"\n{'unrelated passages':<32}{'sentences':>14}{'contradictions':>16}{'CPU s':>10}")
    for corpus in CORPORA:
        began = time.process_time()
        count, made = unrelated(documents(options.data, corpus, 4 * options.claims), options.claims)
        print(f"{corpus:<32}{count:>14}{len(made):>16}{time.process_time() - began:>10.1f}")
        for each in made if options.show else ():
            print(f"  {each.sides[0].statement}\n  {each.sides[1].statement}\n  {each.subject}: {each.why}\n")


if __name__ == "__main__":
    main()

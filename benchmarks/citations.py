"""The citation check on WiCE: sentences of Wikipedia, the pages that they cite, and what people said of the two.

Beside it stand the lexical baselines that come with the data. AUC is the chance that a sentence that should score
higher does. A planted wrong number is caught when the check names a number that the page does not state; a false
alarm is the same for the sentence as it was. WiCE: Kamoi et al. 2023, https://arxiv.org/abs/2303.01432.
"""

import ast
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.datasets import json_lines, parser
from state.evidence import Locator, Passage
from tools.facts import Check, check_statement

BASELINES = ("window3_cover", "greedy4_cover", "numbers_ok")
Row = dict[str, Any]


@dataclass(frozen=True)
class Scored:
    """The scores of one method: of each sentence with its page, and with a page that it does not cite."""

    right: Sequence[float]
    wrong: Sequence[float]


@dataclass(frozen=True)
class Measures:
    """Shares from 0 to 1; AUC, and the share of right pages kept where 1 % of the wrong ones are accepted."""

    wrong_page: float
    kept: float
    supported_or_not: float
    supported_or_rest: float


def auc(high: Sequence[float], low: Sequence[float]) -> float:
    """Area under the ROC curve, by the Mann-Whitney U statistic; ties count half."""
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(high, low).statistic) / (len(high) * len(low))


def kept_at(right: Sequence[float], wrong: Sequence[float], accepted: float = 0.01) -> float:
    """Share of `right` above the threshold that lets at most the share `accepted` of `wrong` pass."""
    allowed = sorted(wrong, reverse=True)[int(accepted * len(wrong))]
    return sum(score > allowed for score in right) / len(right)


def measure(scored: Scored, labels: Sequence[str]) -> Measures:
    """What a method's scores are worth against the labels of people."""
    by_label: dict[str, list[float]] = {"supported": [], "partially_supported": [], "not_supported": []}
    for score, label in zip(scored.right, labels, strict=True):
        by_label[label].append(score)
    supported, no = by_label["supported"], by_label["not_supported"]
    return Measures(
        wrong_page=auc(scored.right, scored.wrong),
        kept=kept_at(scored.right, scored.wrong),
        supported_or_not=auc(supported, no),
        supported_or_rest=auc(supported, [*by_label["partially_supported"], *no]),
    )


def other_pages(size: int) -> list[int]:
    """For each sentence another one, whose page it is held against; as the baselines choose them."""
    chance = random.Random(7)
    return [(place + 1 + chance.randrange(size - 1)) % size for place in range(size)]


def baseline(data: Path) -> Callable[[str, Sequence[str]], Mapping[str, float]]:
    """The function of the data's own script that scores a sentence against a page.

    The script measures when it is imported, with a package that is not needed here: only its definitions are run.
    """
    path = data / "scripts" / "citation_baselines.py"
    body = ast.parse(path.read_text(encoding="utf-8")).body
    end = next(place for place, node in enumerate(body) if ast.unparse(node).startswith("out ="))
    wanted = [node for node in body[:end] if "sklearn" not in ast.unparse(node)]
    names: dict[str, Any] = {"__file__": str(path)}
    exec(compile(ast.Module(wanted, type_ignores=[]), str(path), "exec"), names)  # noqa: S102 # the user's own data
    features: Callable[[str, Sequence[str]], Mapping[str, float]] = names["feats"]
    return features


def checks(rows: Sequence[Row], others: Sequence[int]) -> tuple[list[Check], list[Check]]:
    """Our check of each sentence against its page, and against another's."""
    pages = [Passage.make(row["id"], Locator(), "\n".join(row["evidence"])) for row in rows]
    right = [check_statement(row["claim"], [page]) for row, page in zip(rows, pages, strict=True)]
    wrong = [check_statement(row["claim"], [pages[other]]) for row, other in zip(rows, others, strict=True)]
    return right, wrong


def planted(rows: Sequence[Row], mutated: Sequence[Row]) -> tuple[float, float]:
    """Share of planted wrong numbers that are caught, and of the sentences before it in which one is seen too."""
    pages = {row["id"]: Passage.make(row["id"], Locator(), "\n".join(row["evidence"])) for row in rows}
    claims = {row["id"]: row["claim"] for row in rows}
    wrong = [check_statement(row["claim"], [pages[row["base"]]]) for row in mutated]
    right = [check_statement(claims[row["base"]], [pages[row["base"]]]) for row in mutated]
    return _share(each.missing_numbers for each in wrong), _share(each.missing_numbers for each in right)


def _share(values: Any) -> float:
    known = [bool(value) for value in values]
    return sum(known) / len(known)


def main() -> None:
    """Measures, and prints two small tables."""
    command = parser(__doc__)
    command.add_argument("--half", type=int, choices=(0, 1), help="only every second sentence: a look at chance")
    options = command.parse_args()
    folder = options.data / "citation"
    rows = [row for row in json_lines(folder / "wice.jsonl") if row["split"] == "visible"]
    rows = rows if options.half is None else rows[options.half :: 2]
    known = {row["id"] for row in rows}
    mutated = [row for row in json_lines(folder / "mutated.jsonl") if row["base"] in known]
    others, labels = other_pages(len(rows)), [row["label"] for row in rows]
    right, wrong = checks(rows, others)
    print(f"{len(rows)} sentences, {len(mutated)} with a planted wrong number\n")
    print(f"{'method':<34}{'wrong page':>11}{'kept at 1 %':>13}{'sup./not':>10}{'sup./rest':>11}")
    score = baseline(options.data)
    features = [score(row["claim"], row["evidence"]) for row in rows]
    elsewhere = [score(row["claim"], rows[other]["evidence"]) for row, other in zip(rows, others, strict=True)]
    for name in BASELINES:
        _print(f"baseline: {name}", Scored([f[name] for f in features], [f[name] for f in elsewhere]), labels)
    _print("baseline: combined", Scored([*map(_combined, features)], [*map(_combined, elsewhere)]), labels)
    _print("check: cover", Scored([c.cover for c in right], [c.cover for c in wrong]), labels)
    _print("check: support", Scored([c.support for c in right], [c.support for c in wrong]), labels)
    caught, alarms = planted(rows, mutated)
    print(f"\nplanted wrong numbers caught {caught:.3f}, false alarms {alarms:.3f}")
    print("verdicts:" + "".join(f"{name:>14}" for name in ("supported", "partly", "contradicted", "unsupported")))
    groups = {label: [c for c, of in zip(right, labels, strict=True) if of == label] for label in sorted({*labels})}
    for label, found in {**groups, "wrong page": wrong}.items():
        kinds = [each.verdict for each in found]
        counted = (kinds.count("supported"), kinds.count("partly"), kinds.count("contradicted"))
        print(f"{label:<20}" + "".join(f"{n / len(kinds):>14.3f}" for n in (*counted, kinds.count("unsupported"))))


def _combined(features: Mapping[str, float]) -> float:
    """Cover times numbers times names, as the data's script combines them."""
    return features["greedy4_cover"] * (0.5 + 0.5 * features["numbers_ok"]) * (0.5 + 0.5 * features["names_ok"])


def _print(name: str, scored: Scored, labels: Sequence[str]) -> None:
    found = measure(scored, labels)
    figures = (found.wrong_page, found.kept, found.supported_or_not, found.supported_or_rest)
    print(f"{name:<34}{figures[0]:>11.3f}{figures[1]:>13.3f}{figures[2]:>10.3f}{figures[3]:>11.3f}")


if __name__ == "__main__":
    main()

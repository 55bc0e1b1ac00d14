"""Which statistics a question asks for: by the words for methods, and by the columns that it names."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chains.extractive.columns_named import Column, Named, columns_of, named_columns, value_like

Ask = dict[str, Any]
"""The arguments of one computation."""

_TIME = frozenset({"year", "date", "month", "day", "quarter", "week", "time"})
_CASE = frozenset({"id", "subject", "patient", "person", "case", "participant", "animal", "pair", "block"})
_ONTO = re.compile(r"\b(?:on|against|by|from|versus|vs|~|with|as a function of)\b", re.IGNORECASE)
_CLAUSE = re.compile(r"[;?]\s+|\.\s+")
_BY = re.compile(r"\b(?:by|between|across|per|among)\b", re.IGNORECASE)
_MANY = 12
"""Different values above which a column of numbers is one of amounts."""
_DEGREE = {"quadratic": 2, "cubic": 3, "quartic": 4}


@dataclass(frozen=True)
class Question:
    """A question and a table, with the columns of it that the question names."""

    text: str
    columns: tuple[Column, ...]
    named: tuple[Named, ...]
    counts: str | None
    """The column that says how many cases a row stands for."""
    whole: str
    """All that was asked, where this is one clause of it."""

    @classmethod
    def of(cls, text: str, table: dict[str, Any]) -> "Question":
        """The question over the table that `load_data` showed."""
        columns = columns_of(table)
        counts = str(table["counts"]) if table.get("counts") else _said_to_count(text, columns)
        return cls(text, tuple(columns), tuple(named_columns(text, columns)), counts, text)

    def clauses(self) -> "list[Question]":
        """Its parts, each with the columns that it names by itself; none where there is only one."""
        parts = [part for part in _CLAUSE.split(self.text) if part.strip()]
        return (
            [replace(self, text=p, named=tuple(named_columns(p, self.columns))) for p in parts]
            if len(parts) > 1
            else []
        )

    def says(self, *words: str) -> bool:
        """Whether it has one of the words; a word stands for its forms."""
        return any(re.search(rf"\b{word}", self.text, re.IGNORECASE) for word in words)

    def numbers(self) -> list[Column]:
        """The columns of numbers that it names by header, in its order; not the one that counts cases."""
        return [each.column for each in self.named if each.column.is_number and each.column.name != self.counts]

    def measured(self) -> list[Column]:
        """The same without those that name cases or times; where none is named, the only one that there is."""
        found = [column for column in self.numbers() if not is_case(column) and not is_time(column)]
        others = [
            c for c in self.columns if c.is_number and c.name != self.counts and not is_case(c) and not is_time(c)
        ]
        return found or (others if len(others) == 1 else [])

    def groups(self) -> list[Column]:
        """The columns of groups that it names, by header or by value, texts before numbers."""
        found = [each.column for each in self.named if each.column.makes_groups() and each.column.name != self.counts]
        return sorted(found, key=lambda column: column.is_number)

    def split(self) -> tuple[Column | None, list[Column]]:
        """What is measured, and by which groups: what stands before and after the word `by`, as far as it does."""
        measured, by = self.measured(), _BY.search(self.text)
        places = {each.column.name: each.place for each in self.named}
        before = [c for c in measured if by and places.get(c.name, -1) < by.start()]
        y = (
            before[-1]
            if before
            else next((c for c in measured if c.distinct > _MANY), measured[0] if measured else None)
        )
        groups = [column for column in self.groups() if column is not y and not is_case(column)]
        after = [column for column in groups if by and places[column.name] > by.start()]
        return y, after or groups

    @property
    def time(self) -> Column | None:
        """The column of time."""
        return next((column for column in self.columns if is_time(column)), None)

    def weighted(self) -> Ask:
        """The argument for cases, if a column counts them."""
        return {"weights": self.counts} if self.counts else {}


def is_time(column: Column) -> bool:
    """Whether it holds dates, or is called after a time."""
    return column.kind == "date" or bool(_TIME & set(column.name.lower().replace("_", " ").split()))


def is_case(column: Column) -> bool:
    """Whether it names cases: an identifier."""
    return bool(_CASE & set(column.name.lower().replace("_", " ").split()))


def _said_to_count(text: str, columns: Sequence[Column]) -> str | None:
    """The column of which the question says that it is a count."""
    for column in columns:
        if re.search(
            rf"\b{re.escape(column.name)} (?:is|are|gives?|holds?) (?:a |the )?(?:count|number|frequenc)", text
        ):
            return column.name
    return None


def asked_statistics(text: str, table: dict[str, Any]) -> list[Ask]:
    """The computations that the question asks for of this table, each once, in the order of the rules; none if it asks
    for nothing by name.
    """
    question = Question.of(text, table)
    found: list[Ask] = []
    for rule in _RULES:
        parts = [asks for part in question.clauses() if (asks := rule(part))] or [rule(question)]
        # A second clause on shares refers back to the first, mostly.
        for ask in (ask for asks in (parts[:1] if rule is _share else parts) for ask in asks):
            if ask not in found:
                found.append(ask)
    return [{"table": str(table["table"]), **ask} for ask in found]


# --- one rule for each kind of question -------------------------------------------------------------------


def _logistic(question: Question) -> list[Ask]:
    if not question.says("logit", "logistic"):
        return []
    y, x = _explained(question)
    return [{"method": "logistic", "values": y, "x": x}] if y and x else []


def _regression(question: Question) -> list[Ask]:
    is_other = question.says("logit", "logistic", "nonlinear", "anova", "analysis of variance")
    if is_other or not question.says("regress", "fit", "least squares", "linear model", "slope", "polynomial"):
        return []
    pairs = _numbered_pairs(question)
    if pairs:
        return [{"method": "regression", "values": y, "x": [x]} for x, y in pairs]
    y, x = _explained(question)
    if not y or not x:
        return []
    ask: Ask = {"method": "regression", "values": y, "x": x}
    degree = next((power for word, power in _DEGREE.items() if question.says(word)), None)
    told = re.search(r"degree (\d+)", question.text)
    if (degree or told) and len(x) == 1:
        ask["degree"] = degree or int(told[1] if told else 1)
    if question.says("without an? (?:intercept|constant)", "through (?:the origin|zero)", "no intercept"):
        ask["intercept"] = False
    if len(x) == 1 and (at := _value_at(question, x[0])) is not None:
        ask["at"] = {x[0]: at}
    return [ask]


def _explained(question: Question) -> tuple[str, list[str]]:
    """What is explained, and what explains it: what stands before and after the word `on`."""
    named = [each for each in question.named if not each.by_value and each.column.name != question.counts]
    if not named:
        return "", []
    y = named[0].column
    if question.says("(?:all|the) (?:the )?(?:other|remaining)"):
        return y.name, [c.name for c in question.columns if c.is_number and c is not y and not is_case(c)]
    onto = _ONTO.search(question.text, named[0].place)
    after = [each.column.name for each in named[1:] if onto is None or each.place > onto.start()]
    return y.name, list(dict.fromkeys(after))


def _value_at(question: Question, x: str) -> float | None:
    """The value of x for which a prediction is asked: `x = 3`, or an amount in the unit in which x is said to be."""
    if not re.search(r"\b(?:predict|expected|estimate)", question.whole, re.IGNORECASE):
        return None
    number = r"(-?\d[\d,]*\.?\d*)"
    text = question.whole
    plain = re.search(rf"\b{re.escape(x)}\s*(?:=|of|is|at)\s*{number}(?!\s*[a-z])", text, re.IGNORECASE)
    if plain:
        return float(plain[1].replace(",", ""))
    scale = re.search(rf"\b{re.escape(x)} is (?:in|per) (?:{number}\s*)?([a-z]+)", text, re.IGNORECASE)
    if scale is None:
        return None
    unit, one = scale[2], float((scale[1] or "1").replace(",", ""))
    amounts = re.finditer(rf"{number}\s*{unit}\b", text, re.IGNORECASE)
    found = [float(each[1].replace(",", "")) for each in amounts if not scale.start() <= each.start() < scale.end()]
    return found[0] / one if found else None


def _numbered_pairs(question: Question) -> list[tuple[str, str]]:
    """Columns that come as pairs with the same number (x1, y1, x2, y2), where the question is about each of them."""
    if not question.says("each", "all (?:four|\\d)", "four", "pairs", "sets"):
        return []
    split = [re.fullmatch(r"(.*?)[ _]?(\d+)", column.name) for column in question.columns if column.is_number]
    parts = [(found[1].lower(), found[2], found[0]) for found in split if found]
    stems = sorted({stem for stem, _, _ in parts})
    if len(stems) != 2 or len(parts) < 4:
        return []
    by = {(stem, number): name for stem, number, name in parts}
    numbers = sorted({number for _, number, _ in parts}, key=int)
    return [(by[stems[0], n], by[stems[1], n]) for n in numbers if (stems[0], n) in by and (stems[1], n) in by]


def _correlation(question: Question) -> list[Ask]:
    if not question.says("correlat"):
        return []
    if pairs := _numbered_pairs(question):
        return [{"method": "correlation", "values": y, "x": [x]} for x, y in pairs]
    names = [column.name for column in question.numbers() if not is_case(column)]
    if len(names) > 2 or (len(names) < 2 and question.says("all", "each other", "strongest")):
        every = names if len(names) > 2 else [c.name for c in question.columns if c.is_number and not is_case(c)]
        return [{"method": "correlations", "x": every[:20]}] if len(every) > 1 else []
    if len(names) < 2:
        return []
    groups = [c for c in question.groups() if c.name not in names]
    inside = {"groups": groups[0].name} if groups else {}
    return [{"method": "correlation", "values": names[0], "x": [names[1]], **inside}]


def _chi_square(question: Question) -> list[Ask]:
    groups = [column.name for column in question.groups()]
    if not question.says("chi", "contingency", "independen", "associat", "cramér", "cramer") or len(groups) < 2:
        return []
    return [{"method": "chi_square", "values": groups[0], "groups": groups[1], **question.weighted()}]


def _anova(question: Question) -> list[Ask]:
    y, columns = question.split()
    groups = [column.name for column in columns]
    words = ("anova", "analysis of variance", "f test", "f-test", "two-way", "one-way")
    if not question.says(*words) or y is None or not groups:
        return []
    two = {"within": groups[1]} if len(groups) > 1 and not question.says("one-way") else {}
    asked: Ask = {"method": "anova", "values": y.name, "groups": groups[0]}
    sides = [{"method": "describe", "values": y.name, "groups": group} for group in groups[:2]] if two else []
    return [{**asked, **two}, *sides]


def _compared(question: Question) -> list[Ask]:
    """Groups that are compared by their means: paired where the same cases are in both."""
    is_asked = question.says(
        "differ", "compar", "t-test", "t test", "welch", "mann-whitney", "wilcoxon", "kruskal", "paired"
    )
    if not is_asked or question.says("anova", "analysis of variance", "chi", "correlat", "regress", *_SHARES):
        return []
    cases = [column for column in question.columns if is_case(column)]
    two = [c for c in question.groups() if not is_case(c) and c.distinct == 2]
    is_paired = question.says("paired", "the same", "before and after", "matched", "repeated")
    measured = [column for column in question.measured() if column not in two]
    if is_paired and cases and two and measured:
        return [{"method": "paired", "values": measured[0].name, "groups": two[0].name, "pairs": cases[0].name}]
    y, groups = question.split()
    if y is None or not groups:
        return []
    return [{"method": "groups", "values": y.name, "groups": groups[0].name}]


_SHARES = ("rate", "proportion", "share", "percent", "fraction", "how often", "probability", "survival", "odds")


def _share(question: Question) -> list[Ask]:
    if not question.says(*_SHARES):
        return []
    for candidate in _counted(question):
        value = value_like(candidate.values, question.text)
        is_counted = candidate.name != question.counts and candidate.distinct <= 3
        if value is None or not is_counted:
            continue
        groups = [column.name for column in question.groups() if column.name != candidate.name]
        ask: Ask = {"method": "share", "values": candidate.name, "value": value, **question.weighted()}
        inside = [{**ask, "groups": groups[0], "within": groups[1]}] if len(groups) > 1 else []
        single = [{**ask, "groups": group} for group in groups[1 if inside else 0 :]]
        return [*inside, *single] or [ask]
    return []


def _counted(question: Question) -> list[Column]:
    """The columns whose value may be what is counted: those named by header first, the nearest to the word for a share
    before others; then columns of two values.
    """
    places = [found.start() for word in _SHARES if (found := re.search(rf"\b{word}", question.text, re.IGNORECASE))]
    ordered = sorted(question.named, key=lambda each: (each.by_value, abs(each.place - min(places))))
    named = [each.column for each in ordered if each.column.makes_groups()]
    return [*named, *(column for column in question.columns if column.makes_groups(2) and column not in named)]


def _count(question: Question) -> list[Ask]:
    if not question.says("how many", "number of", "count of", "missing") or question.says("chi", *_SHARES):
        return []
    groups = [column.name for column in question.groups()]
    weighted = question.weighted()
    asked: list[Ask] = [{"method": "count", "groups": group, **weighted} for group in groups[:2]]
    return asked or [{"method": "count", **weighted}]


def _described(question: Question) -> list[Ask]:
    question = replace(question, text=re.sub(r"residual standard \w+", "", question.text, flags=re.IGNORECASE))
    words = ("mean", "average", "median", "standard deviation", "variance", "quartile", "highest", "lowest", "maximum")
    if not question.says(*words, "minimum", "largest", "smallest", "peak", "total", "sum of", "range"):
        return []
    if pairs := _numbered_pairs(question):
        return [{"method": "describe", "values": name} for pair in pairs for name in pair]
    groups = [c for c in question.groups() if not is_time(c) or question.says("by", "per", "each", "with the", "which")]
    measured = question.measured()
    amounts = [column for column in measured if column.distinct > _MANY] or measured
    asked: list[Ask] = []
    for column in amounts[:4]:
        asked.append({"method": "describe", "values": column.name})
        others = [group for group in groups if group is not column]
        asked += [{"method": "describe", "values": column.name, "groups": group.name} for group in others[:2]]
    return asked


def _over_time(question: Question) -> list[Ask]:
    measured, time = question.measured(), question.time
    if not measured:
        return []
    y, x = measured[0].name, [time.name] if time else []
    asked: list[Ask] = []
    if question.says("period", "cycle", "spectr"):
        asked.append({"method": "period", "values": y, "x": x})
    if question.says("season"):
        rows = 4 if question.says("quarter") else 12
        asked.append({"method": "season", "values": y, "x": x, "period": rows})
    if question.says("change[- ]?points?", "break", "shift", "when did", "level chang"):
        asked.append({"method": "change_points", "values": y, "x": x})
    if question.says("autocorrel"):
        asked.append({"method": "autocorrelation", "values": y})
    if x and question.says("trend", "over time", "rise", "grow", "per year", "fall"):
        asked.append({"method": "trend", "values": y, "x": x})
    return asked


def _outliers(question: Question) -> list[Ask]:
    if not question.says("outlier", "unusual", "extreme values") or question.says("regress", "fit"):
        return []
    return [{"method": "outliers", "values": column.name} for column in question.measured()[:4]]


def _bootstrap(question: Question) -> list[Ask]:
    measured = question.measured()
    if not question.says("bootstrap") or not measured:
        return []
    statistic = next((s for s in ("median", "correlation", "standard deviation") if question.says(s)), "mean")
    if statistic == "correlation":
        other = {"x": [measured[1].name]} if len(measured) > 1 else {}
        return [{"method": "bootstrap", "values": measured[0].name, "statistic": statistic, **other}]
    short = {"standard deviation": "sd"}.get(statistic, statistic)
    return [{"method": "bootstrap", "values": measured[0].name, "statistic": short}]


_RULES: tuple[Callable[[Question], list[Ask]], ...] = (
    _logistic,
    _regression,
    _correlation,
    _chi_square,
    _anova,
    _compared,
    _share,
    _count,
    _described,
    _over_time,
    _outliers,
    _bootstrap,
)

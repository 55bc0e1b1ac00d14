"""Questions in German, French and Spanish are answered in their own words or not at all; of others that is said."""

import pytest

from chains.extractive.languages import ENGLISH, UNKNOWN, language_of, limits
from chains.extractive.quoting import pick_quotes
from state.evidence import Locator, Passage, Source
from tools.evidence_text import ShownPassage, parse_evidence, render_evidence

TEXTS = {
    "Harrow-Brücke": "Die Harrow-Brücke ist eine Straßenbrücke in Tamwort. Sie ist 312 Meter lang und wurde am 4. Mai "
    "1931 vom Bürgermeister eröffnet. Die Brücke trägt zwei Spuren. Der Bau kostete 2,4 Millionen Mark.",
    "Rathaus Tamwort": "Das Rathaus von Tamwort wurde 1902 von Ada Fink entworfen. Es ist 21 Meter hoch.",
    "Pont de Harrow": "Le pont de Harrow est un pont routier. Il mesure 312 mètres de long et a été inauguré en 1931. "
    "L'église de Tamville a été construite en 1850 par Jean Moulinet.",
    "Puente de Harrow": "El puente de Harrow está en Tamvilla. Mide 312 metros y fue inaugurado el 4 de mayo de 1931.",
}


def evidence() -> list[ShownPassage]:
    """A passage of a source each."""
    sources = [
        Source(id=f"s{number}", uri=f"{number}.md", title=title, kind="markdown", sha256="0" * 64, size=1)
        for number, title in enumerate(TEXTS)
    ]
    passages = [Passage.make(source.id, Locator(), TEXTS[source.title]) for source in sources]
    return parse_evidence(render_evidence(passages, sources))


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("Wie lang ist die Harrow-Brücke?", ["312 Meter lang und wurde am 4. Mai 1931"]),
        ("Wann wurde die Harrow-Brücke eröffnet und was hat sie gekostet?", ["4. Mai 1931", "Der Bau kostete"]),
        ("Wer hat das Rathaus von Tamwort entworfen?", ["von Ada Fink"]),
        ("Quelle est la longueur du pont de Harrow ?", ["Le pont de Harrow est un pont routier. Il mesure 312 mètres"]),
        ("Qui a construit l’église de Tamville ?", ["Jean Moulinet"]),
        ("¿Cuándo fue inaugurado el puente de Harrow?", ["El puente de Harrow está en Tamvilla. Mide 312"]),
    ],
)
def test_a_sentence_with_the_questions_words_answers_it(question: str, said: list[str]) -> None:
    """Each part is answered by a sentence that has its words; one without its subject comes after the one before it."""
    quotes = [quote.text for quote in pick_quotes(question, evidence())]
    assert len(quotes) == len(said)
    assert all(part in quote for part, quote in zip(said, quotes, strict=True))


@pytest.mark.parametrize(
    "question",
    [
        "Wer hat die Harrow-Brücke entworfen?",
        "Wann wurde die Harrow-Brücke eröffnet und wer hat sie gemalt?",
        "Qui a conçu le pont de Harrow ?",
        "¿Quién diseñó el puente de Harrow?",
        "Hoe lang is de brug van Harrow?",
        "Какова длина моста Харроу?",
    ],
)
def test_without_its_words_nothing_is_claimed(question: str) -> None:
    """Another thing's designer, half an answer, and a language that is not known give no quote."""
    assert pick_quotes(question, evidence()) == []


@pytest.mark.parametrize(
    ("question", "language"),
    [
        ("Was ist ein Tablespace?", "German"),
        ("Qu’est-ce que le pont de Harrow ?", "French"),
        ("¿Qué es el puente de Harrow?", "Spanish"),
        ("Quanto è lungo il ponte di Harrow?", UNKNOWN),
        ("ハロー橋の長さは?", UNKNOWN),
        ("Who wrote La vie en rose?", ENGLISH),
        ("harrow bridge cost", ENGLISH),
        ("In which film does Die Dame von Welt appear?", ENGLISH),
        ("", ENGLISH),
    ],
)
def test_function_words_tell_the_language(question: str, language: str) -> None:
    """A foreign title makes no foreign question, and a question without function words is taken for English."""
    assert language_of(question) == language
    assert bool(limits(question)) == (language != ENGLISH)
    assert language == ENGLISH or language in limits(question)

"""What is quoted from a passage."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Quote:
    """Sentences as they stand in a passage: one, or one with those beside it that it cannot be read without; before
    them, with a colon, the name of the entry of a list that they belong to.
    """

    text: str
    passage_id: str
    confidence: float
    """That it is part of the answer, 0 to 1: the probability of its passage, less the fewer of the question's terms
    it holds beside the best quote.
    """

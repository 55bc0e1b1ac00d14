"""False alarms: how many passages of ordinary corpora would be withheld as orders to a model, and what looking costs.

`python -m benchmarks.injection [--data FOLDER]`

That the orders of twenty poisoned documents are found is a test: tests/end_to_end/test_end_to_end_injection.py.
"""

import time

from benchmarks.datasets import json_lines, parser
from state.evidence import Locator, Passage
from tools.screening import order_in

CORPORA = ("mhqa", "mhr_lite", "anthropic_docs")


def main() -> None:
    """Prints a line a corpus."""
    data = parser(__doc__).parse_args().data / "retrieval"
    print(f"{'corpus':16}{'passages':>9}{'withheld':>9}{'share':>9}{'CPU ms a passage':>18}")
    for name in CORPORA:
        records = json_lines(data / name / "corpus.jsonl")
        passages = [Passage.make("s", Locator(heading=(each.get("title", ""),)), each["text"]) for each in records]
        started = time.process_time()
        withheld = sum(order_in(passage, None) is not None for passage in passages)
        spent = 1000 * (time.process_time() - started) / len(passages)
        print(f"{name:16}{len(passages):9}{withheld:9}{withheld / len(passages):9.2%}{spent:18.2f}")


if __name__ == "__main__":
    main()

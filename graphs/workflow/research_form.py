"""Research as a workflow that steps can run: its name, what it takes and what it gives back."""

from state.runs import Json

RESEARCH = "research"
"""The name by which a `workflow` step runs research."""
INPUTS: Json = {
    "type": "object",
    "required": ["question", "sources"],
    "properties": {
        "question": {"type": "string", "minLength": 1},
        "sources": {"type": "array", "items": {"type": "string"}, "minItems": 1},
    },
    "additionalProperties": False,
}
OUTPUTS = ("outcome", "report", "page", "summary", "text", "citation_accuracy", "missing", "defects")
"""`report` and `page` are paths of files of the run, as Markdown and HTML; `text` is the report itself,
`summary` its first section, empty where nothing was established."""

"""The one list of records that may stand in state: the allow-list of the strict checkpoint serializer.

A class that is moved or renamed makes older checkpoints unreadable: the list is a persisted contract.
"""

from pydantic import BaseModel

from state.context import ApprovalPolicy, BranchLimits
from state.evidence import (
    ArtifactRef,
    Chart,
    Claim,
    Collection,
    Contradiction,
    Estimate,
    Finding,
    Grounds,
    Quantity,
    Side,
    SkippedSource,
)
from state.research import (
    AgentSpec,
    Branch,
    BranchResult,
    Draft,
    Feedback,
    GateReport,
    Merged,
    MergeEdits,
    Missing,
    Plan,
    Refusal,
    Review,
    Section,
    Sentence,
)
from state.runs import ActionRequest, ApprovalRequest, ReviewConfig
from state.specialisation import AnalysisSpeciality, ResearchSpeciality

RECORDS: tuple[type[BaseModel], ...] = (
    # of a run's state
    AgentSpec,
    AnalysisSpeciality,
    ArtifactRef,
    Branch,
    BranchLimits,
    BranchResult,
    Chart,
    Claim,
    Collection,
    Contradiction,
    Draft,
    Estimate,
    Feedback,
    Finding,
    GateReport,
    Grounds,
    MergeEdits,
    Merged,
    Missing,
    Plan,
    Quantity,
    Refusal,
    ResearchSpeciality,
    Review,
    Section,
    Sentence,
    Side,
    SkippedSource,
    # of an interrupt
    ActionRequest,
    ApprovalPolicy,
    ApprovalRequest,
    ReviewConfig,
)

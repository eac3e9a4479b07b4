"""The claims, in the order of the paper, then those beyond it."""

from pastur.experiments.claims._statements.assumptions import (
    ASSUMPTION_1,
    ASSUMPTION_2,
    ASSUMPTION_3,
)
from pastur.experiments.claims._statements.beyond import FINITE_SIZE, FLUCTUATION, UNIVERSALITY
from pastur.experiments.claims._statements.critical_strength import CRITICAL_STRENGTH
from pastur.experiments.claims._statements.finite_rank import FINITE_RANK
from pastur.experiments.claims._statements.lemma_3_2 import LEMMA_3_2
from pastur.experiments.claims._statements.lemma_4_1 import LEMMA_4_1
from pastur.experiments.claims._statements.lemma_4_2 import LEMMA_4_2, VARIANCE
from pastur.experiments.claims._statements.outlier_density import OUTLIER_DENSITY
from pastur.experiments.claims._statements.pasturs_law import PASTURS_LAW, SEMICIRCLE
from pastur.experiments.claims._statements.proposition_3_1 import PROPOSITION_3_1
from pastur.experiments.claims._statements.rectangular import RECTANGULAR
from pastur.experiments.claims._statements.second_moment import SECOND_MOMENT
from pastur.experiments.claims._statements.theorem_2_1 import THEOREM_2_1, THEOREM_2_1_LARGE
from pastur.experiments.claims._statements.theorem_2_2 import COUNTER_EXAMPLE, THEOREM_2_2
from pastur.experiments.claims._testing.claim import Claim

CLAIMS: tuple[Claim, ...] = (
    PASTURS_LAW,
    SEMICIRCLE,
    FINITE_RANK,
    ASSUMPTION_1,
    ASSUMPTION_2,
    ASSUMPTION_3,
    THEOREM_2_1,
    THEOREM_2_1_LARGE,
    THEOREM_2_2,
    COUNTER_EXAMPLE,
    PROPOSITION_3_1,
    LEMMA_3_2,
    LEMMA_4_1,
    LEMMA_4_2,
    VARIANCE,
    SECOND_MOMENT,
    OUTLIER_DENSITY,
    FINITE_SIZE,
    UNIVERSALITY,
    FLUCTUATION,
    RECTANGULAR,
    CRITICAL_STRENGTH,
)

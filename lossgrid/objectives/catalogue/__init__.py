"""Every loss that a study can name. Adding one is a function in a loss module and an entry in its family here."""

from lossgrid.objectives.catalogue.gpo import GPO
from lossgrid.objectives.catalogue.ipo import IPO
from lossgrid.objectives.catalogue.logistic import LOGISTIC
from lossgrid.objectives.catalogue.modulated import MODULATED
from lossgrid.objectives.specification import Objective

# In the order in which documentation and errors list them.
FAMILIES: dict[str, tuple[Objective, ...]] = {
    "logistic": LOGISTIC,
    "IPO": IPO,
    "GPO": GPO,
    "modulated": MODULATED,
}

OBJECTIVES = tuple(objective for family in FAMILIES.values() for objective in family)
CATALOGUE = {objective.name: objective for objective in OBJECTIVES}

"""Every loss that a study can name. Adding one is a function in a loss module and an entry in its family here."""

from lossgrid.objectives.catalogue.batch import BATCH
from lossgrid.objectives.catalogue.discovered import DISCOVERED
from lossgrid.objectives.catalogue.gpo import GPO
from lossgrid.objectives.catalogue.ipo import IPO
from lossgrid.objectives.catalogue.logistic import LOGISTIC
from lossgrid.objectives.catalogue.modulated import MODULATED
from lossgrid.objectives.catalogue.reference_free import REFERENCE_FREE
from lossgrid.objectives.catalogue.responses import RESPONSES
from lossgrid.objectives.specification import Objective

# In the order in which documentation and errors list them.
FAMILIES: dict[str, tuple[Objective, ...]] = {
    "Logistic": LOGISTIC,
    "IPO": IPO,
    "Functions of the margin (GPO)": GPO,
    "Modulated": MODULATED,
    "Each response on its own": RESPONSES,
    "Coupled over the micro-batch": BATCH,
    "Without a reference": REFERENCE_FREE,
    "Discovered by a language model": DISCOVERED,
}

OBJECTIVES = tuple(objective for family in FAMILIES.values() for objective in family)
CATALOGUE = {objective.name: objective for objective in OBJECTIVES}

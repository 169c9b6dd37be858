"""The identity of code changes with what decides a result, and with nothing else."""

import ast
import re
import shutil
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.studies.code_identity import ROOT, CodeTree, get_code_identity

PLOTS = {
    f"plot_{name}"
    for name in (
        "differences", "frontier", "judge_card", "learned_mix", "length_differences", "loss_shapes", "mt_bench",
        "plane", "training_curves", "win_rates",
    )
}  # fmt: skip
SCRIPTS = sorted(path.stem for path in (ROOT / "workflow_scripts").glob("*.py"))


@pytest.fixture
def copy(tmp_path) -> Path:
    """A copy of the package and the scripts that a test may edit."""
    for folder in ("lossgrid", "workflow_scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def identify(root: Path) -> dict[str, str]:
    """The identities that the workflow uses: one a script, one an objective's cells."""
    tree = CodeTree(root)
    scripts = {name: tree.get_identity(f"workflow_scripts/{name}.py") for name in SCRIPTS}
    cells = {
        f"cells of {name}": tree.get_identity(
            "workflow_scripts/train_cell.py", f"lossgrid.objectives.{objective.function}"
        )
        for name, objective in CATALOGUE.items()
    }
    return scripts | cells


def find_changed(root: Path, file: str, old: str, new: str) -> set[str]:
    """Which identities change when a piece of a file is replaced."""
    before = identify(root)
    text = (root / file).read_text(encoding="utf-8")
    assert text.count(old) >= 1, f"{old!r} is not in {file} any more"
    (root / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    after = identify(root)
    return {name for name in before if before[name] != after[name]}


ALL_CELLS = {f"cells of {name}" for name in CATALOGUE}
CHANGES = {
    "a loss": (
        "lossgrid/objectives/modulated.py",
        "torch.sigmoid(-mix_logit) * logistic",
        "torch.sigmoid(-mix_logit) * 2 * logistic",
        {"cells of discopop", "cells of dlrml", "cells of dlrml_learned"},
    ),
    "one loss of several in a file": (
        "lossgrid/objectives/gpo.py",
        "return torch.relu(1 - beta * rho)",
        "return torch.relu(2 - beta * rho)",
        {"cells of hinge"},
    ),
    "the precision that all losses share": (
        "lossgrid/objectives/pairs.py",
        "return [tensor.float() if tensor.dtype in half",
        "return [tensor.double() if tensor.dtype in half",
        ALL_CELLS,
    ),
    "the record of a step": (
        "lossgrid/training/health.py",
        '"accuracy": (rho > 0)',
        '"accuracy": (rho >= 0)',
        {"train_cell"} | ALL_CELLS,
    ),
    "a method of the trainer": (
        "lossgrid/training/pair_trainer.py",
        "use_cache=False",
        "use_cache=True",
        {"train_cell"} | ALL_CELLS,
    ),
    "the palette": (
        "lossgrid/figures/looks.py",
        '"dpo": Look("#0072B2"',
        '"dpo": Look("#0072B3"',
        # The pages draw the losses as the figures do; two figures show no loss.
        (PLOTS - {"plot_judge_card", "plot_length_differences"}) | {"make_explorer", "make_report"},
    ),
    "the backend that matplotlib is told to use": (
        "lossgrid/figures/style.py",
        'mpl.use("Agg")',
        'mpl.use("svg")',
        PLOTS,
    ),
    "a command line": (
        "workflow_scripts/make_corpus.py",
        "beside.rename(corpus)",
        "beside.replace(corpus)",
        {"make_corpus"},
    ),
    "the wording of an error in a study": (
        "lossgrid/studies/cells.py",
        "no such cell; the nearest is",
        "there is no such cell; the nearest is",
        set(),
    ),
    "the live view of a training": (
        "lossgrid/training/live/watch.py",
        "if place and is_main():",
        "if is_main() and place:",
        set(),
    ),
    "whether a training is watched at all": (
        "lossgrid/training/preference.py",
        "    watch_training(trainer)\n",
        "",
        set(),
    ),
    "a title in the catalogue": (
        "lossgrid/objectives/catalogue/logistic.py",
        'title="DPO"',
        'title="Direct"',
        set(),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_product_reruns_what_it_decides(change, copy):
    """Missed code leaves stale results in a paper; code too much retrains a week of cells for nothing."""
    file, old, new, expected = CHANGES[change]
    assert find_changed(copy, file, old, new) == expected


def test_a_new_loss_reruns_nothing(copy):
    """Adding one's own loss to a finished study must train that loss alone."""
    before = identify(copy)
    with (copy / "lossgrid/objectives/logistic.py").open("a") as file:
        file.write(
            "\n\nOFFSET = 1.0\n\n\ndef new_loss(a, b, c, d, beta=0.1):\n"
            "    return OFFSET - log_ratio_margin(a, b, c, d)\n"
        )
    catalogue = copy / "lossgrid/objectives/catalogue/logistic.py"
    entry = 'Objective("new", "New", "logistic:new_loss", "1 − ρ", (BETA,), ""),\n'
    text = catalogue.read_text(encoding="utf-8")
    catalogue.write_text(text.replace("LOGISTIC = (\n", f"LOGISTIC = (\n    {entry}", 1), encoding="utf-8")
    assert ast.parse(catalogue.read_text(encoding="utf-8"))
    assert entry in catalogue.read_text(encoding="utf-8")
    assert identify(copy) == before


def test_comments_docstrings_and_layout_count_nowhere(copy):
    """Whoever polishes a comment the night before the deadline must not wait for the cluster."""
    before = identify(copy)
    for file in [*copy.glob("lossgrid/**/*.py"), *copy.glob("workflow_scripts/*.py")]:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and ast.get_docstring(node):
                node.body[0].value.value = "Another docstring."
        # Unparsing drops every comment and lays each statement out anew.
        file.write_text(f"# A new first line.\n\n{ast.unparse(tree)}\n\n# A last one.\n", encoding="utf-8")
    assert identify(copy) == before


# Small packages: the file that is edited, then its text before and after. The entry is lossgrid.main:run.
RUN = "def run():\n    return f()\n"
IMPORT_F = "from lossgrid.other import f\n"
WATCH = "from lossgrid.training.live.watch import watch\n"
SEEN = {
    "a function that is called": {
        "main": IMPORT_F + RUN,
        "other": ("def f(): return 1", "def f(): return 2"),
    },
    "a function called by that": {
        "main": IMPORT_F + RUN,
        "other": ("def f(): return g()\ndef g(): return 1", "def f(): return g()\ndef g(): return 2"),
    },
    "what a foreign name stands for": {
        "main": ("from x import a as F\ndef run(): return F()", "from x import b as F\ndef run(): return F()"),
    },
    "a foreign module under a name": {
        "main": ("import a.b as n\ndef run(): return n.f()", "import a.c as n\ndef run(): return n.f()"),
    },
    "import lossgrid.other": {
        "main": "import lossgrid.other\ndef run(): return lossgrid.other.f()",
        "other": ("def f(): return 1", "def f(): return 2"),
    },
    "import lossgrid.other as o": {
        "main": "import lossgrid.other as o\ndef run(): return o.f()",
        "other": ("def f(): return 1", "def f(): return 2"),
    },
    "from lossgrid import other": {
        "main": "from lossgrid import other\ndef run(): return other.f()",
        "other": ("def f(): return 1", "def f(): return 2"),
    },
    "a module handed on as a value": {
        "main": "from lossgrid import other\ndef run(): return getattr(other, 'f')()",
        "other": ("def f(): return 1", "def f(): return 2"),
    },
    "a name handed on by a package": {
        "main": "from lossgrid.part import f\n" + RUN,
        "part/__init__": "from lossgrid.other import f",
        "other": ("def f(): return 1", "def f(): return 2"),
    },
    "a function named like its module, handed on": {
        "main": "from lossgrid.part import f\n" + RUN,
        "part/__init__": "from lossgrid.part.f import f",
        "part/f": ("def f(): return 1", "def f(): return 2"),
    },
    "an import inside a function": {
        "main": "def run():\n    from lossgrid.other import f\n    return f()",
        "other": ("def f(): return 1", "def f(): return 2"),
    },
    "import lossgrid.other inside a function": {
        "main": "def run():\n    import lossgrid.other\n    return lossgrid.other.f()",
        "other": ("def f(): return 1", "def f(): return 2"),
    },
    "a decorator": {
        "main": "from lossgrid.other import f\n@f\ndef run(): return 1",
        "other": ("def f(g): return g", "def f(g): return 2"),
    },
    "a decorator's argument": {
        "main": ("@print(1)\ndef run(): return 1", "@print(2)\ndef run(): return 1"),
    },
    "a default argument": {
        "main": "from lossgrid.other import N\ndef run(n=N): return n",
        "other": ("N = 1", "N = 2"),
    },
    "a keyword's default": {
        "main": "N = 1\ndef run(*, n=lambda: g()): return n()\ndef g(): return h()\n" + IMPORT_F + "h = f",
        "other": ("def f(): return 1", "def f(): return 2"),
    },
    "a base class": {
        "main": "from lossgrid.other import A\nclass B(A): pass\ndef run(): return B()",
        "other": ("class A:\n    x = 1", "class A:\n    x = 2"),
    },
    "a metaclass": {
        "main": "from lossgrid.other import A\nclass B(metaclass=A): pass\ndef run(): return B()",
        "other": ("class A(type):\n    x = 1", "class A(type):\n    x = 2"),
    },
    "a class attribute": {
        "main": "from lossgrid.other import N\nclass B:\n    n = N\ndef run(): return B().n",
        "other": ("N = 1", "N = 2"),
    },
    "a method": {
        "main": "from lossgrid.other import A\ndef run(): return A().f()",
        "other": ("class A:\n    def f(self): return 1", "class A:\n    def f(self): return 2"),
    },
    "a constant": {"main": ("N = 1\ndef run(): return N", "N = 2\ndef run(): return N")},
    "a constant bound with others": {
        "main": ("M, (N, *O) = 1, (2, 3)\ndef run(): return N", "M, (N, *O) = 1, (4, 3)\ndef run(): return N"),
    },
    "a constant changed later": {
        "main": ("N = [1]\nN += [2]\ndef run(): return N", "N = [1]\nN += [3]\ndef run(): return N"),
    },
    "an entry added to a table": {
        "main": ("N = {}\nN['a'] = 1\ndef run(): return N", "N = {}\nN['a'] = 2\ndef run(): return N"),
    },
    "the order of a constant and its use": {
        "main": (
            "import os\nN = 1\nos.x = N\nN = 2\ndef run(): return N",
            "import os\nN = 1\nN = 2\nos.x = N\ndef run(): return N",
        ),
    },
    "an environment variable": {
        "main": IMPORT_F + RUN,
        "other": (
            "import os\nos.environ['A'] = '1'\ndef f(): return 1",
            "import os\nos.environ['A'] = '2'\ndef f(): return 1",
        ),
    },
    "a call at the top": {
        "main": IMPORT_F + RUN,
        "other": ("import m\nm.use('a')\ndef f(): return 1", "import m\nm.use('b')\ndef f(): return 1"),
    },
    "a call whose value is kept but never used": {
        "main": IMPORT_F + RUN,
        "other": (
            "import torch\n_ = torch.manual_seed(1)\ndef f(): return 1",
            "import torch\n_ = torch.manual_seed(2)\ndef f(): return 1",
        ),
    },
    "an effect of a module that is imported for it": {
        "main": "import lossgrid.other\ndef run(): return 1",
        "other": ("import os\nos.environ['A'] = '1'", "import os\nos.environ['A'] = '2'"),
    },
    "an effect of an unused import's own import": {
        "main": "from lossgrid.other import g\ndef run(): return 1",
        "other": "from lossgrid.third import h\ndef g(): return h()",
        "third": ("import os\nos.a = 1\ndef h(): return 1", "import os\nos.a = 2\ndef h(): return 1"),
    },
    "an effect of the package around a module": {
        "main": "from lossgrid.part.inner import f\n" + RUN,
        "part/__init__": ("import os\nos.a = 1", "import os\nos.a = 2"),
        "part/inner": "def f(): return 1",
    },
    "an effect of a class body": {
        "main": IMPORT_F + RUN,
        "other": (
            "import a\nclass A:\n    a.b('x')\ndef f(): return 1",
            "import a\nclass A:\n    a.b('y')\ndef f(): return 1",
        ),
    },
    "a function that registers itself": {
        "main": "TABLE = {}\ndef register(f): TABLE[f.__name__] = f\nimport lossgrid.other\ndef run(): return TABLE",
        "other": (
            "from lossgrid.main import register\n@register\ndef g(): return 1",
            "from lossgrid.main import register\n@register\ndef g(): return 2",
        ),
    },
    "a name hidden by a local one": {
        "main": IMPORT_F + "def run(f=None):\n    f = f or 1\n    return f",
        "other": ("def f(): return 1", "def f(): return 2"),
    },
    "the branch that runs beside TYPE_CHECKING": {
        "main": (
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    N = 0\nelse:\n    N = 1\ndef run(): return N",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    N = 0\nelse:\n    N = 2\ndef run(): return N",
        ),
    },
    "an import that may fail": {
        "main": "try:\n    from lossgrid.other import f\nexcept ImportError:\n    f = None\n" + RUN,
        "other": ("def f(): return 1", "def f(): return 2"),
    },
    "its alternative": {
        "main": ("try:\n    import a as f\nexcept ImportError:\n    f = 1\n" + RUN,
                 "try:\n    import a as f\nexcept ImportError:\n    f = 2\n" + RUN),
    },
    "a definition under a condition": {
        "main": "import sys\nif sys.platform == 'linux':\n    def f(): return g()\nelse:\n    def f(): return 0\n"
        + "from lossgrid.other import g\n" + RUN,
        "other": ("def g(): return 1", "def g(): return 2"),
    },
    "a definition in a with block": {
        "main": ("with open('a'):\n    f = 1\n" + RUN, "with open('b'):\n    f = 1\n" + RUN),
    },
    "a name that a match binds": {
        "main": "from lossgrid.other import f\n" + RUN,
        "other": ("match 1:\n    case f: pass", "match 2:\n    case f: pass"),
    },
    "a name made by the module's __getattr__": {
        "main": "from lossgrid import other\ndef run(): return other.anything",
        "other": ("def __getattr__(name): return 1", "def __getattr__(name): return 2"),
    },
    "an f-string, a lambda and a comprehension": {
        "main": "from lossgrid.other import f, g, h\ndef run(): return f'{f()}', lambda: g(), [h() for _ in ()]",
        "other": ("def f(): 1\ndef g(): 1\ndef h(): 1", "def f(): 1\ndef g(): 1\ndef h(): 2"),
    },
    "the type of a number": {"main": ("def run(): return 1", "def run(): return 1.0")},
    "None for nothing": {"main": ("def run(x): return", "def run(x): return None")},
    "a definition that comes twice": {
        "main": ("def f(): return 1\ndef f(): return 2\n" + RUN, "def f(): return 2\ndef f(): return 1\n" + RUN),
    },
    "a class named by an annotation": {
        "main": "from lossgrid.other import A\ndef run(x: A): return x",
        "other": ("class A:\n    x = 1", "class A:\n    x = 2"),
    },
    "what a watcher gives back, once it is used": {
        "main": WATCH + "def run(x):\n    watch(x)\n    return watch(x)",
        "training/live/watch": ("def watch(x): return 1", "def watch(x): return 2"),
    },
    "a watcher that is handed on": {
        "main": WATCH + "def run(x): return map(watch, x)",
        "training/live/watch": ("def watch(x): return 1", "def watch(x): return 2"),
    },
    "what is done on the way to a watcher": {
        "main": (WATCH + "def run(x):\n    watch(x.pop())", WATCH + "def run(x):\n    watch(x.pop(0))"),
        "training/live/watch": "def watch(x): return 1",
    },
}  # fmt: skip

UNSEEN = {
    "an unrelated function": {
        "main": IMPORT_F + RUN,
        "other": ("def f(): return 1", "def f(): return 1\ndef g(): return 2"),
    },
    "an unrelated constant": {
        "main": IMPORT_F + RUN,
        "other": (
            "def f(): return 1",
            "import math\nfrom dataclasses import dataclass\nN = math.log(2)\nM = frozenset('ab')\n"
            "@dataclass(frozen=True)\nclass A:\n    x: int = 1\nO = A(2)\ndef f(): return 1",
        ),
    },
    "a foreign import that nothing mentions": {
        "main": ("def run(): return 1", "import a\nfrom b import c\ndef run(): return 1"),
    },
    "another name of the same import": {
        "main": ("from a import b\ndef run(): return b", "from a import b, c\ndef run(): return b"),
    },
    "a module that is imported for an unrelated function": {
        "main": (
            "def run(): return 1",
            "from lossgrid.other import f\ndef g(): return f()\ndef run(): return 1",
        ),
        "other": "def f(): return 1",
    },
    "an import inside an unrelated function": {
        "main": ("def run(): return 1", "def g():\n    import lossgrid.other\ndef run(): return 1"),
        "other": "import os\nos.environ['A'] = '1'",
    },
    "what only type checkers read": {
        "main": (
            "import typing\ndef run(): return 1",
            "import typing\nif typing.TYPE_CHECKING:\n    from lossgrid.other import f\ndef run(): return 1",
        ),
        "other": "def f(): return 1",
    },
    "a comment and the layout": {
        "main": (
            "def run(): return {'a': 1}",
            'def run():\n    # Why.\n    return {\n        "a": 1,\n    }',
        ),
    },
    "docstrings": {
        "main": ("def run(): return 1", '"""Module."""\ndef run():\n    """Function."""\n    return 1'),
    },
    "the string under a class attribute": {
        "main": (
            "class A:\n    x = 1\ndef run(): return A()",
            'class A:\n    """A."""\n    x = 1\n    "What x is."\ndef run(): return A()',
        ),
    },
    "a docstring that is all there is": {
        "main": ("class A:\n    'One.'\ndef run(): return A", "class A:\n    pass\ndef run(): return A"),
    },
    "the order of functions": {
        "main": ("def f(): return 1\n" + RUN, RUN + "def f(): return 1"),
    },
    "the call of a watcher": {
        "main": (
            "def run(x):\n    return x",
            WATCH + "def run(x):\n    watch(x.log, often=True)\n    return x",
        ),
        "training/live/watch": "import os\nos.nice(1)\ndef watch(x, often): return 1",
    },
    "what a watcher does": {
        "main": WATCH + "def run(x):\n    watch(x)\n    return x",
        "training/live/watch": ("import os\nos.nice(1)\ndef watch(x): return 1", "def watch(x): return 2"),
    },
    "the code of a study": {
        "main": "from lossgrid.studies.cells import f\n" + RUN,
        "studies/cells": ("def f(): return 1", "def f(): return 2"),
    },
}


@pytest.mark.parametrize("construct", SEEN)
def test_a_construct_is_seen(construct, tmp_path):
    """A construct that hides a change leaves results that no code in the repository produces."""
    before, after = identify_package(SEEN[construct], tmp_path)
    assert before != after


@pytest.mark.parametrize("construct", UNSEEN)
def test_what_decides_nothing_is_not_seen(construct, tmp_path):
    """Cells would be trained again for a change that cannot alter them."""
    before, after = identify_package(UNSEEN[construct], tmp_path)
    assert before == after


def identify_package(files: dict, root: Path) -> tuple[str, str]:
    """The identity of lossgrid.main:run before and after the one edit that the files describe."""
    assert sum(isinstance(text, tuple) for text in files.values()) == 1
    identities = []
    for version in (0, 1):
        for name, text in {"__init__": "", **files}.items():
            file = root / str(version) / "lossgrid" / f"{name}.py"
            file.parent.mkdir(parents=True, exist_ok=True)
            text = text[version] if isinstance(text, tuple) else text
            ast.parse(text)
            file.write_text(text, encoding="utf-8")
        identities.append(CodeTree(root / str(version)).get_identity("lossgrid.main:run"))
    return identities[0], identities[1]


def test_a_package_with_a_longer_name_is_no_setting(tmp_path):
    """`lossgrid.studies_extra` would be left out because `lossgrid.studies` is."""
    files = {
        "main": "from lossgrid.studies_extra import f\n" + RUN,
        "studies_extra": ("def f(): return 1", "def f(): return 2"),
    }
    before, after = identify_package(files, tmp_path)
    assert before != after


def test_every_statement_of_a_script_counts(tmp_path):
    """A script's functions are called by its command line, which names none of them."""
    script = tmp_path / "workflow_scripts" / "a.py"
    script.parent.mkdir()
    script.write_text("import x\ndef main():\n    return 1\n")
    before = CodeTree(tmp_path).get_identity("workflow_scripts/a.py")
    script.write_text("import y\ndef main():\n    return 1\n")
    assert CodeTree(tmp_path).get_identity("workflow_scripts/a.py") != before


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("from lossgrid.other import *", "a star import"),
        ("from .other import f", "a relative import"),
        ("from . import other", "a relative import"),
        ("def g():\n    from .other import f", "a relative import"),
    ],
)
def test_an_import_that_cannot_be_followed_is_refused(line, kind, tmp_path):
    """The names behind it would silently be left out of the identity."""
    files = {"__init__": "", "main": f"{line}\n{RUN}", "other": "def f(): return 1"}
    (tmp_path / "lossgrid").mkdir()
    for name, text in files.items():
        (tmp_path / "lossgrid" / f"{name}.py").write_text(text)
    number = line.count("\n") + 1
    expected = (
        f"code identity: lossgrid.main, line {number}: {kind} cannot be followed; "
        "import each name from its full module"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(expected)}$"):
        CodeTree(tmp_path).get_identity("lossgrid.main:run")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("workflow_scripts/train.py", "there is no script workflow_scripts/train.py"),
        ("lossgrid.objectives.logistics:dpo_loss", "there is no module lossgrid.objectives.logistics"),
        ("lossgrid.objectives.logistic:dpo", "lossgrid.objectives.logistic defines no 'dpo'; write module:function"),
        ("lossgrid.objectives.logistic", "lossgrid.objectives.logistic defines no ''; write module:function"),
    ],
)  # fmt: skip
def test_an_unknown_entry_is_named(entry, expected):
    """A catalogue entry with a misspelled function would give all its cells the hash of nothing."""
    with pytest.raises(LookupError, match=re.escape(f"code identity: {entry!r}: {expected}")):
        get_code_identity(entry)


def test_the_spelling_is_fixed(tmp_path):
    """Another Python or a changed spelling would rerun every finished study."""
    (tmp_path / "lossgrid").mkdir()
    (tmp_path / "lossgrid" / "__init__.py").write_text("")
    (tmp_path / "lossgrid" / "main.py").write_text(
        "import numpy as np\nN = 1\ndef run(x: int = 2, *, y=None):\n    return f'{x!r:>{N}}', np.add.at, b'', ...\n"
    )
    # Written down once: 3.12 added type parameters to trees and 3.13 changed how ast.dump writes empty fields.
    assert CodeTree(tmp_path).get_identity("lossgrid.main:run") == (
        "fb8645697ba70af4b35e950f4b5741e799c0751ac9158bc5cae6f80f9cc36293"
    )


def test_identities_differ_and_torch_is_not_imported():
    """Every Slurm job parses the workflow twice: torch would cost it seconds each time."""
    program = (
        "import sys\n"
        "from lossgrid.studies.code_identity import get_code_identity\n"
        "print(get_code_identity('workflow_scripts/train_cell.py', 'lossgrid.objectives.logistic:dpo_loss'))\n"
        "print(sorted({'torch', 'transformers', 'trl', 'matplotlib'} & sys.modules.keys()))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    expected = get_code_identity("workflow_scripts/train_cell.py", "lossgrid.objectives.logistic:dpo_loss")
    assert result.stdout.split("\n")[:2] == [expected, "[]"]
    identities = identify(ROOT)
    functions = {f"cells of {name}": objective.function for name, objective in CATALOGUE.items()}
    for one, other in combinations(identities, 2):
        # Two objectives may train with one function, as dlrml does with a fixed and a learned mix.
        same = one in functions and functions[one] == functions.get(other)
        assert (identities[one] == identities[other]) == same, (one, other)

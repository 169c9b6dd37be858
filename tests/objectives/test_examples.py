"""The examples in the docstrings."""

import doctest
import pkgutil
from importlib import import_module

import pytest
import torch

import lossgrid.objectives

MODULES = sorted(module.name for module in pkgutil.iter_modules(lossgrid.objectives.__path__))
LOSS_MODULES = [name for name in MODULES if name not in ("catalogue", "specification")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_show(name):
    """A reader who tries the documentation's first lines would see another result."""
    module = import_module(f"lossgrid.objectives.{name}")
    assert doctest.testmod(module, extraglobs={"torch": torch}).failed == 0


@pytest.mark.parametrize("name", LOSS_MODULES)
def test_every_public_function_has_an_example(name):
    """A loss would have no example, or its examples would not be found and so never run."""
    module = import_module(f"lossgrid.objectives.{name}")
    with_examples = {
        found.name.rsplit(".", 1)[-1] for found in doctest.DocTestFinder().find(module) if found.examples
    }
    public = {
        key for key, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__
    }
    assert public
    assert public == with_examples

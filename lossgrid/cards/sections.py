"""The sections of a card, each as Markdown."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lossgrid.cards.measured import Measured
from lossgrid.objectives.catalogue import CATALOGUE
from lossgrid.objectives.specification import Objective
from lossgrid.studies import Cell, Study
from lossgrid.studies.identity import WITHOUT_EFFECT

REVIEWS = "reviews"
# A first question that the world's vocabulary can spell.
QUESTIONS = {REVIEWS: "how would you describe the acting ?"}


def warn_of_divergence(row: Mapping[str, Any]) -> str:
    """What stands on top of the card of a run that diverged; empty for others."""
    if row["status"] != "diverged":
        return ""
    return (
        f"> **This run diverged** after {_spell(row['steps'])} of {_spell(row['planned_steps'])} steps: "
        f"{row.get('reason', 'no reason was written down')}. The weights here are the last finite ones, not those of "
        "a finished training, and the numbers below are theirs.\n"
    )


def describe_objective(objective: Objective, cell: Cell, row: Mapping[str, Any]) -> str:
    """Formula, source and setting of the loss."""
    known = {each.name: each for each in objective.hyperparameters}
    settings = [
        (
            name,
            _spell(value),
            " ".join(filter(None, [known[name].description, known[name].unit and f"({known[name].unit})"])),
        )
        for name, value in cell.setting.items()
    ]
    lines = [
        f"{objective.title}: the loss of a pair is",
        f"```text\n{spell_formula(objective)}\n```",
        "with ρ = log π(chosen)/π_ref(chosen) − log π(rejected)/π_ref(rejected), in nats. "
        f"{_end(objective.reference)} {_end(objective.convention)}".strip(),
        _tabulate(("hyper-parameter", "value", ""), settings) if settings else "It has no hyper-parameters.",
    ]
    finals = {each.name: row.get(f"final_{each.name}") for each in objective.learned}
    finals = {name: final for name, final in finals.items() if final is not None}
    for name, final in finals.items():
        lines.append(
            f"{name} was trained beside the policy, from {_spell(cell.setting[name])} to {_spell(final)}."
        )
    if (ratio := objective.get_mix_ratio(cell.setting)) is not None:
        last = objective.get_mix_ratio({**cell.setting, **finals})
        ratios = _spell(float(ratio)) + (f", at the end {_spell(float(last))}" if finals else "")
        lines.append(f"r = β_mix/(τ·β_kl) = {ratios}: it alone shapes the loss as a function of β_kl·ρ.")
    return _section("Objective", *lines)


def spell_formula(objective: Objective) -> str:
    """The formula, with that of another loss where it names one."""
    named = [CATALOGUE[word] for word in re.findall(r"\w+", objective.formula) if word in CATALOGUE]
    return "\n".join([objective.formula, *(f"{each.name}: {each.formula}" for each in named)])


def describe_training(study: Study, cell: Cell, pairs: Mapping[str, Any], folder: str) -> str:
    """Start, data, seeds and recipe."""
    start = f"The start, and the reference, is the study's SFT model (`{folder}/sft/policy`){_describe_start(study)}."
    data = (
        f"The data are {pairs['kept']:,} preference pairs of the {study.world.kind} world{_describe_labels(study)} "
        f"(digest `{pairs['digest'][:16]}`; {pairs['truncated_responses']:,} responses cut at the longest sequence)."
    )
    others = {"SFT model": study.sft, "world": study.world, "sampling": study.evaluation}
    named = [f"{block.seed} of the {name}" for name, block in others.items() if hasattr(block, "seed")]
    seeds = f"Seeds: {', '.join([f'{cell.seed} of this training', *named])}."
    # When a checkpoint or a line of the log is written decides nothing.
    settings = study.training.model_dump(mode="json", exclude=WITHOUT_EFFECT)
    adapter = settings.pop("adapter") or {}
    settings |= {f"adapter: {name}": value for name, value in adapter.items()}
    recipe = [(name, _spell(value)) for name, value in settings.items() if value is not None]
    world = []
    if study.world.kind != REVIEWS:
        # Its models and data have names and revisions.
        settings = study.world.model_dump(mode="json", exclude_none=True)
        world = [_tabulate(("world", "value"), [(name, _spell(value)) for name, value in _flatten(settings)])]
    return _section("Training", start, data, seeds, *world, _tabulate(("recipe", "value"), recipe))


def _describe_start(study: Study) -> str:
    if study.world.kind != REVIEWS:
        return ""
    policy, chats = study.world.policy, study.world.corpus_chats
    return f": {policy.layers} layers of width {policy.hidden_size}, trained from random weights on {chats:,} chats"


def _describe_labels(study: Study) -> str:
    if study.world.kind != REVIEWS:
        return ""
    return (
        ", sampled from that model and labelled by the true reward with Bradley–Terry noise of temperature "
        f"{_spell(study.world.label_temperature)} points"
    )


def _flatten(block: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """The values of nested keys, by their dotted paths."""
    for name, value in block.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def describe_health(row: Mapping[str, Any]) -> str:
    """Whether the run came to its end, and what the largest numbers on the way were."""
    names = {
        "status": "status",
        "healthy": "every loss and gradient finite",
        "steps": "steps made",
        "planned_steps": "steps planned",
        "nonfinite_steps": "steps with a loss or gradient that is not finite",
        "first_nonfinite_step": "the first of them",
        "max_grad_norm": "largest gradient norm before clipping",
        "rho_min": "smallest margin ρ, nats",
        "rho_max": "largest margin ρ, nats",
        "final_accuracy": "share of the last step's pairs with ρ > 0",
    }
    return _section(
        "Health", _tabulate(("", ""), [(name, _spell(row[key])) for key, name in names.items() if key in row])
    )


def describe_measured(measured: Sequence[Measured], judge: Mapping[str, Any]) -> str:
    """The numbers with their intervals and n, and who judged."""
    if not measured:
        return _section("Measured", "Nothing was measured of this policy.")
    rows = [
        (each.questions, each.name, _spell(each.value), _spell_interval(each.low, each.high), each.n)
        for each in measured
    ]
    lines = [
        _tabulate(("questions", "what", "mean", "95 % interval", "n"), rows),
        "Intervals are over other questions, for this very policy: another seed can differ by more.",
    ]
    if judge:
        lines.append(
            f"The judge of ratings and win rates is {judge['model']} (`{judge['server']}`), {judge['when']}. "
            "Numbers from different judges, or from one hosted judge at different times, are not comparable."
        )
    return _section("Measured", *lines)


def describe_loading(study: Study, policy: str) -> str:
    """Code that loads the policy and has it answer."""
    sampling, is_adapter = study.evaluation, study.training.adapter is not None
    classes = "AutoTokenizer" if is_adapter else "AutoModelForCausalLM, AutoTokenizer"
    # The repository's own function knows where the base lies.
    own_import = "\nfrom lossgrid.training.policies import load_policy\n" if is_adapter else ""
    load = "load_policy(folder)" if is_adapter else "AutoModelForCausalLM.from_pretrained(folder)"
    where = (
        "  # beside the study's sft/policy, to which it is an adapter"
        if is_adapter
        else "  # or wherever this folder is"
    )
    return _section(
        "How to load it",
        f'''```python
from transformers import {classes}
{own_import}
folder = "{policy}"{where}
tokenizer = AutoTokenizer.from_pretrained(folder)
model = {load}
chat = [{{"role": "user", "content": "{QUESTIONS.get(study.world.kind, "Hello!")}"}}]
inputs = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=True, return_tensors="pt")
reply = model.generate(
    **inputs, do_sample=True, temperature={sampling.temperature}, max_new_tokens={sampling.max_new_tokens}
)
print(tokenizer.decode(reply[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
```''',
    )


def describe_limits(study: Study, aliases: Sequence[str]) -> str:
    """What the policy is not for."""
    lines = [
        "It is one run of a study of losses, kept so that its numbers can be checked. It was not made to be used: "
        "nobody has looked at what it says beyond the numbers above, nor made it safe.",
    ]
    if study.world.kind == REVIEWS:
        lines.append(
            "It knows nothing but synthetic chats about films: a few hundred words, in sentences of a grammar. What "
            "holds of losses here need not hold of a large model on real preferences."
        )
    if aliases:
        lines.append(f"The same function under other names: {', '.join(f'`{alias}`' for alias in aliases)}.")
    return _section("What it is not for", *lines)


def describe_origin(study: Study, policy: str, identity: str, commit: str) -> str:
    """Study, identity and commit, and the command that makes the policy again."""
    facts = [
        ("study", f"`studies/{study.name}.yaml`: {study.title}"),
        ("identity", f"`{identity}`, of settings, inputs and code of the training"),
        *([("commit", f"{commit}, which wrote this card")] if commit else []),
    ]
    command = f'```sh\nsnakemake --profile profiles/local "{policy}"\n```'
    return _section("Where it comes from", _tabulate(("", ""), facts), "To make it again:", command)


def _section(title: str, *paragraphs: str) -> str:
    return "\n\n".join([f"## {title}", *paragraphs]) + "\n"


def _tabulate(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    # A bar would open a column.
    lines = [[cell.replace("|", "\\|") for cell in row] for row in [names, ["---"] * len(names), *rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _spell(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return {"True": "yes", "False": "no"}.get(str(value), str(value))
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e9 else f"{value:.4g}"


def _spell_interval(low: float, high: float) -> str:
    return f"{_spell(low)} to {_spell(high)}" if math.isfinite(low) and math.isfinite(high) else "none"


def _end(sentence: str) -> str:
    return sentence if not sentence or sentence.endswith(".") else f"{sentence}."

"""What `prepare` writes down: the commits that names stood for, and the rows of every split."""

from pathlib import Path

from transformers import AutoConfig

from lossgrid.studies.lock import Lock, LockedDataset, LockedModel
from lossgrid.worlds.hub.repositories import HubError, fetch_dataset, fetch_model
from lossgrid.worlds.hub.rows import describe_split, load_split


def lock_study(study) -> tuple[Lock, list[str]]:
    """Fetch what a study of the world `hub` needs, and read what its names stand for.

    What the study's lock holds already stays as it is: it is fetched at that commit, and found to have these rows.

    Args:
        study: The study with the lock that it has so far.

    Returns:
        The lock, and a line for each repository.

    Raises:
        HubError: Something cannot be had, or is not what the study or its lock says.
    """
    world, old = study.world, study.lock or Lock()
    models, datasets, lines = {}, {}, []
    for field, (kind, repository) in study.list_repositories().items():
        known = getattr(old, kind).get(repository.name)
        is_known = known is not None and known.asked == repository.revision
        wanted = known.revision if is_known else repository.revision
        folder = (fetch_model if kind == "models" else fetch_dataset)(repository.name, wanted)
        commit = folder.name
        if kind == "models":
            models[repository.name] = LockedModel(asked=repository.revision, revision=commit)
        else:
            kept = known if is_known and known.config == repository.config else None
            datasets[repository.name] = _lock_dataset(world, folder, commit, kept)
        if field == "model":
            _check_shape(repository, folder)
        lines.append(f"{repository.name}: {commit}" + (" (as locked)" if is_known else ""))
    return Lock(models=models, datasets=datasets), lines


def _lock_dataset(world, folder: Path, commit: str, kept: LockedDataset | None) -> LockedDataset:
    data, splits = world.data, {}
    expected = {data.train: data.train_rows, data.heldout: data.heldout_rows}
    for split in world.list_splits():
        splits[split] = found = describe_split(load_split(folder, data, split))
        wanted = expected.get(split)
        if wanted is not None and wanted != found.rows:
            key = "train_rows" if split == data.train else "heldout_rows"
            raise HubError(
                f"{data.name} {split}: has {found.rows:,} rows, and the study says {wanted:,}; name the revision "
                f"that was meant, or correct world.data.{key}"
            )
        if kept is not None and kept.splits.get(split, found) != found:
            raise HubError(
                f"{data.name} {split}: is not what was locked at {commit}: {found.rows:,} rows with hash "
                f"{found.sha256[:12]} for {kept.splits[split].rows:,} with {kept.splits[split].sha256[:12]}; fetch "
                "it again into an empty HF_HOME"
            )
    return LockedDataset(asked=data.revision, config=data.config, revision=commit, splits=splits)


def _check_shape(model, folder: Path) -> None:
    """Refuse a model that is not of the size for which jobs are planned."""
    config, shape = AutoConfig.from_pretrained(folder), model.shape
    found = {
        "layers": config.num_hidden_layers,
        "hidden_size": config.hidden_size,
        "heads": config.num_attention_heads,
        "key_value_heads": getattr(config, "num_key_value_heads", None) or config.num_attention_heads,
        "vocabulary": config.vocab_size,
    }
    for key, value in found.items():
        if getattr(shape, key) != value:
            raise HubError(
                f"{model.name}: has {key} {value}, and the study says {getattr(shape, key)}; correct "
                f"world.model.shape.{key}"
            )

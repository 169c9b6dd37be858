"""A job sees the device that its study names."""

import os

import pytest
import torch

from lossgrid.training.device import choose_device


@pytest.fixture
def gpu(monkeypatch):
    """A machine on which torch would find a GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)


@pytest.mark.parametrize("seen", ["3,4", "", None])
def test_a_study_of_the_cpu_sees_no_gpu(monkeypatch, seen):
    """Its results would differ between machines."""
    set_seen(monkeypatch, seen)
    choose_device("cpu", "mini")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""


@pytest.mark.parametrize(("seen", "kept"), [("3,4", "3"), ("", ""), (None, "0"), ("MIG-1,MIG-2", "MIG-1")])
def test_a_job_of_one_process_sees_one_gpu(monkeypatch, gpu, seen, kept):
    """The trainer would split the batch over all GPUs of the machine and multiply it by their number."""
    monkeypatch.delenv("ACCELERATE_USE_DEEPSPEED", raising=False)
    set_seen(monkeypatch, seen)
    choose_device("gpu", "mini")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == kept


def test_a_launched_job_keeps_its_gpus(monkeypatch, gpu):
    """One for each of its processes."""
    monkeypatch.setenv("ACCELERATE_USE_DEEPSPEED", "true")
    monkeypatch.setenv("ACCELERATE_DEEPSPEED_CONFIG_FILE", "deepspeed/zero3.json")
    set_seen(monkeypatch, "3,4")
    choose_device("gpu", "mini")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "3,4"


def test_a_missing_gpu_is_an_error(monkeypatch):
    """Training a large model on the CPU would take for ever."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    set_seen(monkeypatch, None)
    with pytest.raises(RuntimeError, match=r"studies/imdb\.yaml: device: gpu, and this job sees none"):
        choose_device("gpu", "imdb")


def set_seen(monkeypatch, seen):
    """Set what a scheduler has given to the job; also restores it after the test."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    if seen is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", seen)

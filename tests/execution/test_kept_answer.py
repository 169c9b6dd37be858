"""How long Slurm remembers a job, as the plugin hears it: with the controller away it would turn to sacct."""

from execution.watch import keep_answer


def test_an_answer_outlives_the_controller():
    """The plugin chooses its command by it in every round, and keeps to a useless one for 500 attempts."""
    answers = iter([300, None, None])
    ask = keep_answer(lambda: next(answers))
    assert [ask(), ask(), ask()] == [300, 300, 300]


def test_without_an_answer_it_is_asked_again():
    """A controller that comes up late is heard all the same."""
    answers = iter([None, None, 120])
    ask = keep_answer(lambda: next(answers))
    assert [ask(), ask(), ask()] == [None, 120, 120]


def test_the_plugin_asks_by_that_name():
    """Under another name nothing would be kept."""
    import snakemake_executor_plugin_slurm as plugin

    assert "get_min_job_age" in plugin.Executor.check_active_jobs.__code__.co_names
    assert callable(plugin.get_min_job_age)

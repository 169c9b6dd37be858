"""The load of the jobs that answer or weigh with a trained model: pairs, reference log-probabilities, responses."""

from dataclasses import replace

from lossgrid.planning.activations import get_answering_bytes, get_scoring_activations
from lossgrid.planning.durations import get_answering_seconds, get_scoring_seconds
from lossgrid.planning.hardware import CPU, DISK_BANDWIDTH, get_machine
from lossgrid.planning.load import Load
from lossgrid.planning.model_shape import ModelShape
from lossgrid.planning.replies import ReplyGroup, list_reply_groups
from lossgrid.planning.training_adapter import get_frozen_bytes
from lossgrid.planning.training_jobs import SEQUENCES_PER_PAIR
from lossgrid.planning.training_state import BFLOAT16, FLOAT32, get_weight_bytes
from lossgrid.planning.world_facts import get_world_facts
from lossgrid.studies import Study

# Python's lists of token ids, texts and their copies: measured in `mini`, 55 MB for the two sequences of 4,096 pairs.
DATA_BYTES_PER_TOKEN = 100
# Two replies are sampled for a pair.
SAMPLES = 2
MODELS = 2
# Assumed of a classifier: the size of RoBERTa-large (355M weights), and its longest text. Its feed-forward layers
# have two matrices of 4096, as many weights as three of 2731.
CLASSIFIER = ModelShape(24, 1024, 2731, 16, 16, 50265, tied=True)
CLASSIFIER_TOKENS = 512
# Four tables of the divergence at 64 positions of 8 texts (lossgrid/training/reference_divergence.py).
DIVERGENCE_POSITIONS = 4 * 64 * 8
# Assumed: a server that loads a policy before it answers.
SERVER_SECONDS = 300
SERVER_CPUS = 2


def describe_pairs(study: Study) -> Load:
    """Sampling of two replies to every prompt, in float32."""
    facts, evaluation = get_world_facts(study), study.evaluation
    if not facts.samples_pairs:
        tokens = SEQUENCES_PER_PAIR * facts.pairs * facts.pair_tokens
        return Load(CPU.import_seconds, CPU.process_bytes + DATA_BYTES_PER_TOKEN * tokens)
    limit = evaluation.max_new_tokens
    longest = facts.prompt_tokens + limit
    group = ReplyGroup(facts.pairs, facts.prompt_tokens, longest, limit, evaluation.batch_size)
    seconds = get_answering_seconds(facts.model, get_machine(study.device), [group] * SAMPLES)
    extra = get_answering_bytes(facts.model, min(group.prompts, group.batch_size), longest, FLOAT32)
    return _describe(study, seconds, extra, FLOAT32, SEQUENCES_PER_PAIR * facts.pairs * longest)


def describe_reference(study: Study) -> Load:
    """Log-probabilities of chosen and rejected replies."""
    facts, training, machine = get_world_facts(study), study.training, get_machine(study.device)
    batch_size, sequences = training.get_micro_batch_size(), SEQUENCES_PER_PAIR * facts.pairs
    tokens, longest = facts.pair_tokens, training.max_length
    seconds = get_scoring_seconds(facts.model, machine, sequences, tokens, batch_size)
    together = min(batch_size, sequences)
    extra = get_scoring_activations(facts.model, together, longest, longest, machine.number_bytes)
    held = get_weight_bytes(study.device, training.precision)
    if training.adapter:
        weight_bytes = get_frozen_bytes(facts.model, training.adapter, held) / facts.model.count_parameters()
    else:
        # Without DeepSpeed float32 weights run under autocast, which may hold a bfloat16 copy.
        weight_bytes = held if training.deepspeed or held == FLOAT32 else FLOAT32 + held
    return _describe(study, seconds, extra, weight_bytes, sequences * tokens)


def describe_generation(study: Study) -> Load:
    """Answers to all prompts by one run, and what policy and reference make of those to the held-out chats."""
    facts, machine, evaluation = get_world_facts(study), get_machine(study.device), study.evaluation
    groups = list_reply_groups(study, facts)
    seconds = get_answering_seconds(facts.model, machine, groups)
    weighed = list_reply_groups(study, facts, judged=False)
    for group in weighed:
        tokens = group.prompt_tokens + group.limit
        # By the policy and by the reference, and by both again for their divergence at every position.
        passes = MODELS * (2 if evaluation.reference_kl else 1)
        seconds += passes * get_scoring_seconds(facts.model, machine, group.prompts, tokens, group.batch_size)
    # Weighing takes the answers to the held-out chats alone.
    extra = max(
        *(
            get_answering_bytes(facts.model, group.together, group.longest, machine.number_bytes)
            for group in groups
        ),
        *(
            get_scoring_activations(
                facts.model, group.together, group.longest, group.limit, machine.number_bytes
            )
            for group in weighed
        ),
    )
    if evaluation.reference_kl:
        # The reference is held beside the policy.
        other = machine.number_bytes * facts.model.count_parameters()
        extra = max(extra, other + DIVERGENCE_POSITIONS * FLOAT32 * facts.model.vocabulary)
    tokens = sum(group.prompts * (group.prompt_tokens + group.limit) for group in groups)
    return _describe(study, seconds, extra, BFLOAT16, tokens, serves=evaluation.engine == "server")


def describe_classification(study: Study) -> Load:
    """Classification of every response of one run, by a model of RoBERTa's larger size."""
    facts, machine = get_world_facts(study), get_machine(study.device)
    tokens = min(facts.question_tokens + facts.reply_tokens, CLASSIFIER_TOKENS)
    batch_size = study.world.reward.batch_size
    seconds = get_scoring_seconds(CLASSIFIER, machine, facts.heldout_chats, tokens, batch_size)
    weights = FLOAT32 * CLASSIFIER.count_parameters()
    # A logit or two a text, and no table of them.
    without_table = replace(CLASSIFIER, vocabulary=1)
    extra = get_scoring_activations(without_table, batch_size, CLASSIFIER_TOKENS, 1, FLOAT32)
    on_gpu = study.device == "gpu"
    return Load(
        seconds=seconds + machine.import_seconds + weights / DISK_BANDWIDTH,
        host_bytes=machine.process_bytes + weights + (0.0 if on_gpu else extra),
        gpu_bytes=machine.context_bytes + weights + extra if on_gpu else 0.0,
        gpus=1 if on_gpu else 0,
    )


def _describe(
    study: Study, seconds: float, extra: float, weight_bytes: float, tokens: float, serves: bool = False
) -> Load:
    """A job of one process with one model; on a CPU the model is float32, and on a GPU the host loads it first."""
    parameters, machine = get_world_facts(study).model.count_parameters(), get_machine(study.device)
    on_gpu = study.device == "gpu"
    host = machine.process_bytes + DATA_BYTES_PER_TOKEN * tokens + FLOAT32 * parameters
    if serves:
        # The server is another process with another copy.
        host += machine.process_bytes + FLOAT32 * parameters
        seconds += SERVER_SECONDS
    return Load(
        seconds=seconds + machine.import_seconds + FLOAT32 * parameters / DISK_BANDWIDTH,
        host_bytes=host + (0.0 if on_gpu else extra),
        gpu_bytes=machine.context_bytes + weight_bytes * parameters + extra if on_gpu else 0.0,
        gpus=1 if on_gpu else 0,
        cpus=1 + (SERVER_CPUS if serves else 0),
    )

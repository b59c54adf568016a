"""What a Recorder costs: the time in it over the time of all else in a training step. `python benchmarks/recorder.py`.

The model has the shape of MiniLM of 6 layers, with random weights; an epoch is batches of random sentences. Both times
are of the same steps, so what the machine does meanwhile falls on each alike.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
from transformers import BertConfig, BertForTokenClassification

from settling.recording.recorder import Recorder
from settling.recording.words import NO_WORD, Words

TAGS = ["O", *(f"{letter}-{kind}" for kind in ("PER", "ORG", "LOC", "MISC") for letter in "BI")]
# CoNLL-2003 has 14.5 words a sentence; every third of ours has a second piece.
BATCH_SIZE, WORDS = 32, 15
PIECES = WORDS + WORDS // 3 + 2


def main() -> None:
    """Print the ratio: the median over the epochs, with the least and the greatest."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=5, help="after one that is not measured (default: %(default)s)")
    parser.add_argument("--batches", type=int, default=20, help="in an epoch (default: %(default)s)")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    device = torch.device(options.device)
    config = BertConfig(
        vocab_size=5000, hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
    )
    config.num_labels = len(TAGS)
    model: torch.nn.Module = BertForTokenClassification(config)
    model.to(device)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    num_sentences = BATCH_SIZE * options.batches
    words = Words([["word"] * WORDS] * num_sentences, [[0] * WORDS] * num_sentences, TAGS)
    first_pieces = [1 + place + place // 3 for place in range(WORDS)]
    ids = torch.full((options.batches, BATCH_SIZE, PIECES), NO_WORD)
    ids[:, :, first_pieces] = torch.arange(len(words)).reshape(options.batches, BATCH_SIZE, WORDS)
    labels = torch.where(ids >= 0, 0, NO_WORD)
    pieces = torch.randint(5000, ids.shape)

    def now() -> float:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter()

    ratios = []
    with tempfile.TemporaryDirectory() as folder, Recorder(Path(folder) / "record", words) as recorder:
        for epoch in range(options.epochs + 1):
            inside, began = 0.0, now()
            for number in range(options.batches):
                output = model(input_ids=pieces[number].to(device), labels=labels[number].to(device))
                before = now()
                recorder.log(epoch, ids[number], output.logits, labels[number])
                inside += now() - before
                output.loss.backward()
                optimizer.step()
                optimizer.zero_grad()
            if epoch:
                ratios.append(inside / (now() - began - inside))
    median, least, most = (100 * found for found in (statistics.median(ratios), min(ratios), max(ratios)))
    print(f"{median:.2f} % of a step ({least:.2f} to {most:.2f} over {options.epochs} epochs on {device})")


main()

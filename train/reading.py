"""``python -m train read``: teach a reader the notes that networks hear, so that it tells who plays them.

The networks stay as they are. Mixtures of ten seconds, as the loader makes them, are heard once, and what was heard of
each note is kept with what is true of it: in which share of its frames each instrument plays it, and who begins it. The
reader (:class:`mtinst.reader.NoteReader`) is then trained on these.

Best heard are parts that the networks were not trained on (`prepare` with another seed): of those that they were, they
are surer than they will be of anybody's song.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader
from tqdm import tqdm

from mtinst.checkpoint import load_checkpoint, save_checkpoint
from mtinst.model import Committee, Network, UNet, sizes_for_reader
from mtinst.notes import notes_to_onset_roll
from mtinst.reader import Heard, NoteReader, NotesHeard, ReaderConfig, Tokens, find_notes, tokens_of
from mtinst.spec import N_INSTRUMENTS
from train.clips import ClipArrays
from train.config import EXPERIMENTS
from train.datasets import MixtureDataset, PartStore, collate
from train.prepare import N_FRAMES

logger = logging.getLogger(__name__)

# Chances of one to six players: more than in the training of the networks, since errors sit in crowds.
PLAYERS = (0.16, 0.22, 0.24, 0.20, 0.12, 0.06)
_CLIPS_PER_FILE = 500
# Every other file is heard with timbres changed more, as they would be that no network knows,
_STRONG_TIMBRE_DB, _STRONG_PARTIALS_DB = 8.0, 6.0
# and two of four begin in the middle of the music, as all windows of a song but its first do.
_CUT_FRAMES = 250
_BATCH = 16
_FORGOTTEN = 0.1  # of a clip's notes in training, on average, so that it does not learn clips by heart
_LONGEST_WEIGHT = 60  # frames: a note counts as many times as it is long, up to this


class Example(NamedTuple):
    """The notes of a clip and what is true of them."""

    tokens: Tokens
    truth: Tensor  # (n, n_answers), in [0, 1]


def collect_notes(
    weights: Path,
    store: PartStore,
    out_dir: Path,
    *,
    n_clips: int,
    seed: int,
    is_compiled: bool = False,
) -> None:
    """Hear `n_clips` mixtures and write what was heard of their notes to ``out_dir/notes-*.npz``.

    Files that are there stay, so that a collection that was interrupted goes on. Their names say by which networks, of
    which parts and how many.
    """
    network, _ = load_checkpoint(weights)
    committee = _without_reader(network)
    hear = torch.compile(committee.hear, dynamic=False) if is_compiled else committee.hear
    out_dir.mkdir(parents=True, exist_ok=True)
    heard_by = f"notes-{_digest(committee)}-{store.digest[:8]}-{seed}"
    plain = replace(EXPERIMENTS["default"].mix, n_frames=N_FRAMES, n_instruments=PLAYERS)
    for first in tqdm(range(0, n_clips, _CLIPS_PER_FILE), desc="hearing", unit="file"):
        n_here = min(_CLIPS_PER_FILE, n_clips - first)
        path = out_dir / f"{heard_by}-{first:06d}-{n_here}.npz"
        if path.is_file():
            continue
        is_cut, is_strong = divmod(first // _CLIPS_PER_FILE % 4, 2)
        mix = replace(plain, n_frames=_CUT_FRAMES) if is_cut else plain
        if is_strong:
            mix = replace(mix, timbre_db=_STRONG_TIMBRE_DB, partials_db=_STRONG_PARTIALS_DB)
        dataset = MixtureDataset(store, mix, seed=seed, epoch=first, n_clips=n_here)
        heard = [
            _example(hear, batch.log_cqt, batch.piano[0], batch.onset[0])
            for batch in DataLoader(dataset, num_workers=1, collate_fn=collate)
        ]
        _save(path, heard)


def hear_set(weights: Path, clips: ClipArrays) -> list[Example]:
    """The notes heard in a fixed set of clips, to see how a reader fares with what it does not learn from."""
    network, _ = load_checkpoint(weights)
    committee = _without_reader(network)
    heard = []
    for clip, features in enumerate(tqdm(clips.features(committee.spec), desc="validation", unit="clip")):
        piano = torch.from_numpy(clips.truth(clip)).float()
        onset = torch.from_numpy(notes_to_onset_roll(clips.reference_notes(clip), clips.n_frames(clip))).float()
        heard.append(_example(committee.hear, torch.from_numpy(features)[None], piano, onset))
    return [example for example in heard if len(example.truth)]


def fit_reader(
    weights: Path,
    notes_dir: Path,
    out: Path,
    *,
    epochs: int = 12,
    learning_rate: float = 1e-3,
    dropout: float = 0.1,
    seed: int = 1,
    held_out: Sequence[Example] = (),
    is_compiled: bool = False,
) -> None:
    """Train a reader on what :func:`collect_notes` wrote, and write it with its networks to `out`.

    Where `weights` have a reader, that one goes on. Its loss on `held_out` is told after each epoch.
    """
    network, info = load_checkpoint(weights)
    committee = _without_reader(network)
    paths = sorted(notes_dir.glob(f"notes-{_digest(committee)}-*.npz"))
    heard = [example for path in paths for example in _load(path)]
    examples = [example for example in heard if len(example.truth)]
    if len(examples) < _BATCH:
        raise ValueError(f"{notes_dir} holds {len(examples)} clips in which notes were heard; {_BATCH} are the least.")
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    before = network.reader if isinstance(network, Committee) else None
    config = before.config if before is not None else ReaderConfig(**sizes_for_reader(committee.networks))
    reader = NoteReader(config, dropout=dropout)
    if before is not None:
        reader.load_state_dict(before.state_dict())
    else:
        inputs = torch.cat([example.tokens.inputs for example in examples[:2000]]).float()
        reader.input_mean.copy_(inputs.mean(dim=0))
        reader.input_std.copy_(inputs.std(dim=0).clamp_min(1e-2))
    answers = torch.compile(reader.answers, dynamic=True) if is_compiled else reader.answers
    optimizer = torch.optim.AdamW(reader.parameters(), lr=learning_rate, weight_decay=0.05)
    n_steps, step = epochs * (len(examples) // _BATCH), 0
    n_warm = max(1, min(200, n_steps // 10))
    began = time.monotonic()
    for epoch in range(epochs):
        reader.train()
        losses = []
        for batch in _batches(examples, rng):
            rate = learning_rate * min(1.0, (step + 1) / n_warm) * max(0.01, 1 - step / n_steps)
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = _loss(answers, [_with_some_forgotten(example) for example in batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
            step += 1
        reader.eval()
        with torch.inference_mode():
            held = [_loss(reader.answers, held_out[i : i + _BATCH]).item() for i in range(0, len(held_out), _BATCH)]
        print(
            f"epoch {epoch + 1}  minutes {(time.monotonic() - began) / 60:.1f}  loss {np.mean(losses):.4f}"
            + (f"  validation {np.mean(held):.4f}" if held else ""),
            flush=True,
        )
        record = {"clips": len(examples), "epochs": epoch + 1, "learning_rate": learning_rate, "seed": seed}
        save_checkpoint(
            out,
            Committee(committee.networks, reader),
            thresholds=info.thresholds,
            training={**info.training, "reader": record},
            bits=info.bits,
        )


def _without_reader(network: Network) -> Committee:
    """Their networks; ValueError when they are not what a reader can read."""
    members = (network,) if isinstance(network, UNet) else network.networks
    sizes_for_reader(members)
    return Committee(members).eval()


def _digest(committee: Committee) -> str:
    """Names these networks: the first 8 hexadecimal digits of the SHA-256 of their weights."""
    total = hashlib.sha256()
    for tensor in committee.state_dict().values():
        total.update(tensor.contiguous().view(torch.uint8).numpy() if tensor.ndim else str(tensor.item()).encode())
    return total.hexdigest()[:8]


@torch.inference_mode()
def _example(hear: Callable[[Tensor], list[Heard]], log_cqt: Tensor, piano: Tensor, onset: Tensor) -> Example:
    """Of a batch of one clip, (1, n_bins, n_frames), and its rolls."""
    with torch.autocast("cpu", torch.bfloat16):
        (heard,) = hear(log_cqt)
    notes = find_notes(heard.pitch, heard.onset)
    return Example(tokens_of(heard, notes), truth_of(notes, piano, onset))


def truth_of(notes: NotesHeard, piano: Tensor, onset: Tensor) -> Tensor:
    """(n, n_answers): in which share of its frames each instrument plays a note, any does; who begins it."""
    begins = (notes.most_at_beginning(onset) > 0.75).float()  # an onset between two frames is 0.795 in both
    return torch.cat((notes.mean(piano), notes.mean(piano.amax(dim=0)[None]), begins), dim=1)


def _with_some_forgotten(example: Example) -> Example:
    stays = torch.rand(len(example.truth)) >= 2 * _FORGOTTEN * torch.rand(())
    if stays.sum() < 2:
        return example
    return Example(Tokens(*(field[stays] for field in example.tokens)), example.truth[stays])


def _loss(answers_of: Callable[[Tokens, Tensor], Tensor], examples: Sequence[Example]) -> Tensor:
    """Cross-entropy over answers; notes weigh by their length, beginnings one each."""
    longest = max(len(example.truth) for example in examples)

    def padded(tensors: list[Tensor]) -> Tensor:
        return torch.stack([functional.pad(t.float(), (0, 0, 0, longest - len(t))) for t in tensors])

    tokens = Tokens(*(padded([getattr(e.tokens, name) for e in examples]) for name in Tokens._fields))
    truth = padded([example.truth for example in examples])
    is_note = tokens.place[..., 2] > 0
    with torch.autocast("cpu", torch.bfloat16):
        answers = answers_of(tokens, is_note).float()
    errors = functional.binary_cross_entropy_with_logits(answers, truth, reduction="none")
    length = (tokens.place[..., 2] - tokens.place[..., 1]).clamp(max=_LONGEST_WEIGHT)
    n_held = N_INSTRUMENTS + 1
    held = (errors[..., :n_held].sum(dim=-1) * length).sum() / length.sum().clamp_min(1)
    begun = errors[..., n_held:].sum(dim=-1)[is_note].sum() / is_note.sum().clamp_min(1)
    return held + 0.5 * begun


def _batches(examples: list[Example], rng: np.random.Generator) -> list[list[Example]]:
    """All of them, shuffled, those of a batch about as long as each other."""
    order = rng.permutation(len(examples))
    batches = []
    for first in range(0, len(order), 10 * _BATCH):
        near = sorted(order[first : first + 10 * _BATCH].tolist(), key=lambda index: len(examples[index].truth))
        batches += [[examples[i] for i in near[b : b + _BATCH]] for b in range(0, len(near) - _BATCH + 1, _BATCH)]
    return [batches[index] for index in rng.permutation(len(batches))]


def _save(path: Path, examples: list[Example]) -> None:
    partial = path.with_name(f"partial-{path.name}")
    np.savez(
        partial,
        n_notes=np.array([len(example.truth) for example in examples]),
        inputs=np.concatenate([example.tokens.inputs.numpy().astype(np.float16) for example in examples]),
        base=np.concatenate([example.tokens.base.numpy().astype(np.float16) for example in examples]),
        place=np.concatenate([example.tokens.place.numpy().astype(np.int16) for example in examples]),
        truth=np.concatenate([example.truth.numpy().astype(np.float16) for example in examples]),
    )
    partial.replace(path)


def _load(path: Path) -> list[Example]:
    with np.load(path) as arrays:
        ends = np.cumsum(arrays["n_notes"])[:-1].tolist()
        fields = [torch.from_numpy(arrays[name]).tensor_split(ends) for name in ("inputs", "base", "place", "truth")]
    return [Example(Tokens(i, b, p), t) for i, b, p, t in zip(*fields, strict=True)]

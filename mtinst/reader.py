"""The notes of a window, read in the light of each other: who plays them, which of them sound, where they begin.

The networks judge cell by cell. One cell often cannot tell a trumpet from a saxophone, but the notes around it can:
those that sound like it, go before or after it, or sound with it. Here each note that the networks heard becomes a
token, what they found in its cells averaged over it, and a small transformer (Vaswani et al., "Attention is all you
need", NeurIPS 2017) lets the notes of a window attend to each other, by their sound and by how far apart they are in
pitch and time. Its answers move the log-odds of the note's cells.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

SOUNDS = 0.3
"""A note is a run of frames in which its pitch is more probable than this, cut where it begins anew."""
BEGINS = 0.3
"""A note begins anew where the probability of an onset, by any instrument, is a local maximum above this."""
MOST_NOTES = 1024
"""In a window; of more the shortest stay as they were heard, so that noise cannot ask for all the memory there is."""
TOGETHER = 0.8
"""How far the log-odds of each frame are drawn to what was read of its note: 0 not at all, 1 all the way."""

FRAME_S = 0.032  # of the relations' time scale; hop over sample rate
_N_RELATIONS = 14
_N_PLACE = 6
_LOUDEST = 8.0  # log-odds farther from 0 than this say no more


@dataclass(frozen=True, kw_only=True)
class ReaderConfig:
    """What shapes the reader.

    Parameters
    ----------
    n_members : int
        Networks that it reads.
    n_cells : int
        Features of a cell, those of all members together.
    n_partials : int
        Bins of the log-CQT that a cell's partials lie in.
    n_instruments : int
        Classes.
    width : int
        Features of a note.
    n_layers, n_heads : int
        Of the transformer.
    """

    n_members: int
    n_cells: int
    n_partials: int
    n_instruments: int = 9
    width: int = 96
    n_layers: int = 3
    n_heads: int = 4

    def __post_init__(self) -> None:
        sizes = (self.n_members, self.n_cells, self.n_partials, self.n_instruments)
        if min(*sizes, self.width, self.n_layers, self.n_heads) < 1:
            raise ValueError(f"every size of a reader must be at least 1: {self}")
        if self.width % self.n_heads:
            raise ValueError(f"width {self.width} is no multiple of {self.n_heads} heads")

    @property
    def n_inputs(self) -> int:
        """Numbers that a note comes with."""
        of_members = self.n_members * self.n_instruments
        return of_members + 2 * self.n_cells + 3 * self.n_instruments + 1 + 3 * self.n_partials + _N_PLACE

    @property
    def n_answers(self) -> int:
        """Who plays it, whether it sounds, who begins it."""
        return 2 * self.n_instruments + 1


class Heard(NamedTuple):
    """What several networks heard in one window of T frames, as log-odds, and what they heard it in."""

    piano: Tensor  # (member, instrument, pitch, T)
    onset: Tensor  # (instrument, pitch, T), their mean
    pitch: Tensor  # (pitch, T), their mean
    presence: Tensor  # (instrument,), their mean
    cells: Tensor  # (n_cells, pitch, T): features under the heads of all of them
    partials: Tensor  # (n_partials, pitch, T): the log-CQT where each pitch's partials lie, of mean 0 and deviation 1


class NotesHeard(NamedTuple):
    """Where n notes lie, sorted by pitch and time, and which cells are theirs."""

    place: Tensor  # (n, 3) int64: row, first frame, end frame
    cell: Tensor  # (n_cells,) int64, into pitch * T flattened
    note_of_cell: Tensor  # (n_cells,) int64

    def mean(self, rolls: Tensor) -> Tensor:
        """(channel, pitch, T) -> (n, channel), over the frames of each note."""
        values = rolls.flatten(1)[:, self.cell].float()
        sums = values.new_zeros(len(rolls), len(self.place)).index_add_(1, self.note_of_cell, values)
        return (sums / (self.place[:, 2] - self.place[:, 1]).float()).T

    def most_at_beginning(self, rolls: Tensor) -> Tensor:
        """(channel, pitch, T) -> (n, channel), the maximum over a note's first frame and its neighbours."""
        row, first = self.place[:, 0], self.place[:, 1]
        at = (first[:, None] + torch.arange(-1, 2, device=first.device)).clamp(0, rolls.shape[2] - 1)
        return rolls[:, row[:, None], at].float().amax(dim=2).T


def find_notes(pitch: Tensor, onset: Tensor) -> NotesHeard:
    """Runs of sounding frames, cut at onsets, out of log-odds (pitch, T) and (instrument, pitch, T).

    Examples
    --------
    >>> pitch = torch.full((88, 10), -5.0)
    >>> pitch[40, 2:6] = 3.0
    >>> find_notes(pitch, torch.full((9, 88, 10), -5.0)).place
    tensor([[40,  2,  6]])
    """
    is_sounding = pitch > _log_odds(SOUNDS)
    begins = onset.amax(dim=0)
    is_start = begins > _log_odds(BEGINS)  # local maxima; of several equal frames, the last
    is_start[:, 1:] &= begins[:, 1:] >= begins[:, :-1]
    is_start[:, :-1] &= begins[:, :-1] > begins[:, 1:]
    is_start[:, 1:] |= ~is_sounding[:, :-1]
    is_start[:, 0] = True
    is_start &= is_sounding
    cell = is_sounding.flatten().nonzero()[:, 0]
    note_of_cell = is_start.flatten().long().cumsum(0)[cell] - 1
    row, first = is_start.nonzero().unbind(1)
    length = torch.bincount(note_of_cell, minlength=len(row))
    if len(row) > MOST_NOTES:
        stays = torch.zeros(len(row), dtype=torch.bool, device=row.device)
        stays[length.argsort(descending=True, stable=True)[:MOST_NOTES]] = True
        number = stays.long().cumsum(0) - 1
        row, first, length = row[stays], first[stays], length[stays]
        is_kept = stays[note_of_cell]
        cell, note_of_cell = cell[is_kept], number[note_of_cell[is_kept]]
    return NotesHeard(torch.stack((row, first, first + length), dim=1), cell, note_of_cell)


class Tokens(NamedTuple):
    """What the reader is told about n notes."""

    inputs: Tensor  # (n, n_inputs)
    base: Tensor  # (n, n_answers): what was heard so far, log-odds
    place: Tensor  # (n, 3) float32: row, first frame, end frame


def tokens_of(heard: Heard, notes: NotesHeard) -> Tokens:
    """Everything about each note: what each network says of who plays it, the features it was judged by, its partials.

    Those are means over the note; features and partials at its beginning come besides, as an attack tells much about
    who plays, and how far the partials change, which they do when a string is plucked and not when it is bowed.
    """
    n_instruments, n_frames = heard.onset.shape[0], heard.pitch.shape[1]
    row, first, end = notes.place.unbind(1)
    piano = heard.piano.float().clamp(-_LOUDEST, _LOUDEST)
    of_members = notes.mean(piano.flatten(0, 1))  # (n, member * instrument)
    who = of_members.view(len(row), len(piano), n_instruments).mean(dim=1)
    together = piano.mean(dim=0).flatten(1)[:, notes.cell]
    surest = torch.full((n_instruments, len(row)), -_LOUDEST, dtype=together.dtype, device=together.device)
    surest = surest.scatter_reduce(1, notes.note_of_cell.expand(n_instruments, -1), together, "amax").T
    attack_at = torch.minimum(first[:, None] + torch.arange(3, device=first.device), (end - 1)[:, None])

    def attack(rolls: Tensor) -> Tensor:  # (channel, pitch, T) -> (n, channel)
        return rolls[:, row[:, None], attack_at].float().mean(dim=2).T

    level = notes.mean(heard.partials)
    change = (notes.mean(heard.partials.float().square()) - level.square()).clamp_min(0).sqrt()
    onset = notes.most_at_beginning(heard.onset).clamp(-_LOUDEST, _LOUDEST)
    pitch = notes.mean(heard.pitch.clamp(-_LOUDEST, _LOUDEST)[None])
    where = torch.stack(
        (
            (end - first).float().log(),
            row.float() / 20 - 2,
            torch.sin(row.float() * (2 * math.pi / 12)),
            torch.cos(row.float() * (2 * math.pi / 12)),
            (first == 0).float(),
            (end == n_frames).float(),
        ),
        dim=1,
    )
    presence = heard.presence.float().expand(len(row), -1)
    said = (of_members, notes.mean(heard.cells), attack(heard.cells), surest, onset, presence, pitch)
    inputs = torch.cat((*said, level, attack(heard.partials), change, where), dim=1)
    return Tokens(inputs, torch.cat((who, pitch, onset), dim=1), notes.place.float())


class NoteReader(nn.Module):
    """Notes in the light of each other.

    Shape
    -----
    ``answers``: inputs (B, n, n_inputs), base (B, n, n_answers), place (B, n, 3), is_note (B, n) -> (B, n, n_answers).
    """

    input_mean: Tensor
    input_std: Tensor

    def __init__(self, config: ReaderConfig, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.register_buffer("input_mean", torch.zeros(config.n_inputs))
        self.register_buffer("input_std", torch.ones(config.n_inputs))
        self.enter = nn.Sequential(
            nn.Linear(config.n_inputs, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, width)
        )
        self.relation = nn.Linear(_N_RELATIONS, config.n_layers * config.n_heads)
        self.layers = nn.ModuleList(_Layer(width, config.n_heads, dropout) for _ in range(config.n_layers))
        self.norm = nn.LayerNorm(width)
        self.out = nn.Linear(width, config.n_answers)
        self.scale = nn.Parameter(torch.ones(config.n_answers))
        nn.init.zeros_(self.out.weight)  # it begins by saying again what was heard
        nn.init.zeros_(self.out.bias)

    def answers(self, tokens: Tokens, is_note: Tensor) -> Tensor:
        """Log-odds for each note: who plays it (instrument), whether it sounds (1), who begins it (instrument)."""
        x = self.enter((tokens.inputs - self.input_mean) / self.input_std)
        bias = self.relation(_relations(tokens.place)).permute(0, 3, 1, 2)
        bias = bias.masked_fill(~is_note[:, None, None, :], -1e4)
        for layer, its_bias in zip(self.layers, bias.split(self.config.n_heads, dim=1), strict=True):
            x = layer(x, its_bias)
        result: Tensor = tokens.base * self.scale + self.out(self.norm(x))
        return result

    def forward(self, heard: Heard) -> tuple[Tensor, Tensor, Tensor]:
        """Pianoroll (instrument, pitch, T), onsets (instrument, pitch, T) and pitches (pitch, T), as log-odds."""
        piano, onset, pitch = heard.piano.mean(dim=0), heard.onset.clone(), heard.pitch.clone()
        notes = find_notes(heard.pitch, heard.onset)
        if len(notes.place) == 0:
            return piano, onset, pitch
        tokens = tokens_of(heard, notes)
        is_note = torch.ones(1, len(notes.place), dtype=torch.bool, device=piano.device)
        answers = self.answers(Tokens(*(field[None] for field in tokens)), is_note)[0]
        n_instruments = self.config.n_instruments
        who, sounds, begins = answers.tensor_split((n_instruments, n_instruments + 1), dim=1)

        def drawn(roll: Tensor, answer: Tensor) -> None:  # (channel, pitch, T), (n, channel)
            cells = roll.flatten(1)
            heard_before = cells[:, notes.cell]
            cells[:, notes.cell] = heard_before + TOGETHER * (answer.T[:, notes.note_of_cell] - heard_before)

        drawn(piano, who)
        drawn(pitch[None], sounds)
        row, first = notes.place[:, 0], notes.place[:, 1]
        lifted_by = (begins - notes.most_at_beginning(heard.onset)).T
        change = torch.zeros_like(onset)
        for offset in (-1, 1, 0):  # where notes begin side by side, a note's own frame goes by what was read of it
            at = first + offset
            is_inside = (at >= 0) & (at < onset.shape[2])
            change[:, row[is_inside], at[is_inside]] = lifted_by[:, is_inside]
        onset += change
        return piano, onset, pitch


class _Layer(nn.Module):
    """Attention and two linear maps, each around a shortcut, after a norm."""

    def __init__(self, width: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.norm1 = nn.LayerNorm(width)
        self.attend = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.think = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Dropout(dropout), nn.Linear(2 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """(B, n, width) and (B, head, n, n) -> (B, n, width)."""
        n_clips, n_notes, width = x.shape
        heads = self.attend(self.norm1(x)).view(n_clips, n_notes, 3, self.n_heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = heads.unbind(0)
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias.contiguous())
        x = x + self.dropout(self.merge(seen.transpose(1, 2).reshape(n_clips, n_notes, width)))
        result: Tensor = x + self.dropout(self.think(self.norm2(x)))
        return result


def _relations(place: Tensor) -> Tensor:
    """(B, n, 3) -> (B, n, n, relation): how far each note is from each other one, in pitch and in time."""
    row, first, end = place.unbind(-1)
    pitch = row[:, :, None] - row[:, None, :]
    seconds = FRAME_S * (first[:, :, None] - first[:, None, :])
    overlap = torch.minimum(end[:, :, None], end[:, None, :]) - torch.maximum(first[:, :, None], first[:, None, :])
    distance, apart = pitch.abs(), seconds.abs()
    return torch.stack(
        (
            pitch / 24,
            distance / 12,
            torch.tanh(distance / 4),
            torch.tanh(seconds),
            torch.tanh(apart),
            torch.tanh(apart / 3),
            (apart < 0.07).float(),
            (overlap > 0).float(),
            *((distance == interval).float() for interval in (0, 12, 19, 24)),
            *((distance <= interval).float() for interval in (2, 5)),
        ),
        dim=-1,
    )


def _log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))

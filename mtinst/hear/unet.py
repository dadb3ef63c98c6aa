"""The network: a U-net from a log-CQT to a pianoroll, with the instrument and pitch rolls derived from it.

Hung, Chen & Yang, "Multitask learning for frame-level instrument recognition", ICASSP 2019, section 3. One class serves
the paper's network (`PAPER`) and ours (`DEFAULT`); what differs is in :class:`ModelConfig`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from mtinst.grid import N_INSTRUMENTS, SPEC, FeatureSpec


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Everything that shapes the network.

    Parameters
    ----------
    widths : tuple of int
        Channels of the encoder blocks, from full resolution to the bottleneck.
    harmonics : tuple of int
        Shifts of the CQT in semitones, one input channel each. A note's partials at 12, 19, 24 ... semitones above it
        come to lie in its own row, where a small kernel sees them together: that is where timbre is.
    has_onset_head : bool
        Whether to predict where notes begin, besides where they sound.
    has_ensemble_head : bool
        Whether to judge from the first pianoroll which instruments are in the clip at all, and to add the answer to the
        log-odds of each of their cells: one note often cannot tell a guitar from a piano, the whole clip can.
    has_context : bool
        Whether each block weighs its channels by what they hold on average over all pitches and frames ("squeeze and
        excitation", Hu, Shen & Sun, CVPR 2018): what sounds elsewhere in the clip says who plays here.
    derivation : "mean", "max" or "any"
        How the instrument and pitch logits come out of the pianoroll's. The paper sums over the other axis (up to a
        constant, a mean); the maximum is the most certain cell. With "any" the pitch is that at least one of the
        instruments plays it, as if they chose independently ("noisy or"), so that a note that may be a guitar's or a
        piano's is a certain note; the instrument is the maximum.
    frames_at_once : int
        Frames that lie beside each other as channels within the network, so that it has so many times fewer cells to
        look at; its last layer speaks for each of them apart.
    n_instruments : int
        Classes.
    """

    widths: tuple[int, ...] = (32, 64, 128, 256)
    harmonics: tuple[int, ...] = (0,)
    has_onset_head: bool = False
    has_ensemble_head: bool = False
    has_context: bool = False
    derivation: Literal["mean", "max", "any"] = "mean"
    frames_at_once: int = 1
    n_instruments: int = N_INSTRUMENTS

    def __post_init__(self) -> None:
        if len(self.widths) < 2 or min(self.widths) < 1:
            raise ValueError(f"widths must be two or more positive numbers, not {self.widths}")
        if self.frames_at_once < 1:
            raise ValueError(f"frames_at_once must be at least 1, not {self.frames_at_once}")
        if 0 not in self.harmonics:
            raise ValueError(f"harmonics must include 0, the CQT itself, not only {self.harmonics}")
        if self.derivation not in ("mean", "max", "any"):
            raise ValueError(f"derivation must be 'mean', 'max' or 'any', not {self.derivation!r}")


PAPER = ModelConfig()
DEFAULT = ModelConfig(
    widths=(32, 48, 96, 160),
    harmonics=(-12, 0, 12, 19, 24, 28, 31, 34),
    has_onset_head=True,
    has_ensemble_head=True,
    has_context=True,
    derivation="any",
)


class Logits(NamedTuple):
    """What the network says, before the sigmoid."""

    piano: Tensor  # (B, instrument, pitch, frame)
    onset: Tensor | None  # (B, instrument, pitch, frame); None without an onset head
    instrument: Tensor  # (B, instrument, frame)
    pitch: Tensor  # (B, pitch, frame)
    presence: Tensor | None = None  # (B, instrument): in the clip at all; None without an ensemble head


class UNet(nn.Module):
    """Log-CQT to pianoroll logits.

    Shape
    -----
    Input ``(B, n_bins, T)`` in [0, 1], any T of at least 1. Output :class:`Logits`, with the same T.

    Examples
    --------
    >>> logits = UNet(ModelConfig(widths=(4, 8)))(torch.zeros(2, 88, 50))
    >>> logits.piano.shape, logits.instrument.shape, logits.pitch.shape
    (torch.Size([2, 11, 88, 50]), torch.Size([2, 11, 50]), torch.Size([2, 88, 50]))
    """

    feature_mean: Tensor
    feature_std: Tensor

    def __init__(self, config: ModelConfig = DEFAULT, spec: FeatureSpec = SPEC) -> None:
        super().__init__()
        self.config = config
        self.spec = spec
        self.register_buffer("feature_mean", torch.zeros(spec.n_bins))
        self.register_buffer("feature_std", torch.ones(spec.n_bins))

        widths = config.widths
        block = partial(ResidualBlock, has_context=config.has_context)
        self.encoders = nn.ModuleList(
            block(n_in, n_out) for n_in, n_out in zip((self.n_inputs, *widths), widths, strict=False)
        )
        self.downs = nn.ModuleList(nn.Conv2d(width, width, 2, stride=2) for width in widths)
        self.bottleneck = block(widths[-1], widths[-1])
        wider = (*widths[1:], widths[-1])
        self.ups = nn.ModuleList(
            nn.ConvTranspose2d(n_in, n_out, 2, stride=2) for n_in, n_out in zip(wider, widths, strict=True)
        )
        self.decoders = nn.ModuleList(block(2 * width, width) for width in widths)
        n_rolls = 2 if config.has_onset_head else 1
        self.head = nn.Conv2d(widths[0], config.frames_at_once * n_rolls * config.n_instruments, 1)
        self.ensemble_head = EnsembleHead(widths[0], config.n_instruments) if config.has_ensemble_head else None
        assert self.head.bias is not None
        nn.init.constant_(self.head.bias, -4.0)  # nearly all cells are silent: start there, not at one half

    @property
    def n_instruments(self) -> int:
        """Classes."""
        return self.config.n_instruments

    @property
    def n_partials(self) -> int:
        """Bins of the log-CQT that are seen of each pitch in each frame."""
        return len(self.config.harmonics) * self.spec.bins_per_semitone

    @property
    def n_inputs(self) -> int:
        """Channels that the first block sees."""
        return self.config.frames_at_once * self.n_partials

    def forward(self, log_cqt: Tensor) -> Logits:
        """Logits for a batch of clips."""
        n_frames, together = log_cqt.shape[-1], self.config.frames_at_once
        # To a whole number of the bottleneck's frames, or those at the end would have nothing from it: the last ones
        # again, from the end back, and for clips of less than a third of a second what is usual in each bin.
        coarsest = together * 2 ** len(self.config.widths)
        again = n_frames - 2 - torch.arange(-n_frames % coarsest, device=log_cqt.device)
        mirrored = log_cqt[..., again.clamp_min(0)]
        x = self.partials(torch.cat((log_cqt, torch.where(again >= 0, mirrored, self.feature_mean[:, None])), dim=-1))
        x = torch.cat([x[..., nth::together] for nth in range(together)], dim=1)  # (B, n_inputs, pitch, T / together)

        skips = []
        for encode, down in zip(self.encoders, self.downs, strict=True):
            x = encode(x)
            skips.append(x)
            x = down(x)  # (B, width, pitch / 2, T / 2)
        x = self.bottleneck(x)
        for decode, up, skip in zip(reversed(self.decoders), reversed(self.ups), reversed(skips), strict=True):
            x = up(x, output_size=skip.shape[-2:])
            x = decode(torch.cat((x, skip), dim=1))

        apart = _in_turn(self.head(x).chunk(together, dim=1))
        rolls = apart[..., :n_frames].float()  # (B, rolls * instrument, pitch, T)
        cells = _in_turn([x] * together)[..., :n_frames]
        presence = None
        if self.ensemble_head is not None:
            presence = self.ensemble_head(rolls[:, : self.config.n_instruments], cells)
            rolls = rolls + presence.repeat(1, rolls.shape[1] // presence.shape[1])[:, :, None, None]
        piano, *onset = torch.split(rolls, self.config.n_instruments, dim=1)
        return Logits(piano, onset[0] if onset else None, *self._derive(piano), presence)

    def partials(self, log_cqt: Tensor) -> Tensor:
        """(B, n_bins, T) -> (B, n_partials, n_pitches, T): what the first block sees, the CQT shifted by each harmonic.

        Bins have mean 0 and deviation 1 over the training; outside the CQT are zeros.
        """
        x = (log_cqt - self.feature_mean[:, None]) / self.feature_std[:, None]
        per_semitone = self.spec.bins_per_semitone
        below = -min(self.config.harmonics) * per_semitone
        above = max(0, max(self.config.harmonics) - self.spec.semitones_above) * per_semitone
        padded = functional.pad(x, (0, 0, below, above))
        n_bins = self.spec.n_pitches * per_semitone
        shifted = [padded[:, below + shift * per_semitone :][:, :n_bins] for shift in self.config.harmonics]
        stacked = torch.stack(shifted, dim=1)  # (B, harmonic, pitch * bin, T)
        by_pitch = stacked.reshape(*stacked.shape[:2], self.spec.n_pitches, per_semitone, -1)
        return by_pitch.movedim(3, 2).flatten(1, 2)

    def _derive(self, piano: Tensor) -> tuple[Tensor, Tensor]:
        """Instrument (B, instrument, T) and pitch (B, pitch, T) logits out of the pianoroll's."""
        if self.config.derivation == "any":
            return piano.amax(dim=2), noisy_or(piano, dim=1)
        if self.config.derivation == "max":
            return piano.amax(dim=2), piano.amax(dim=1)
        return piano.mean(dim=2), piano.mean(dim=1)


class Committee(nn.Module):
    """Several networks that vote: the mean of their log-odds.

    Networks that were trained apart err apart, and the mean of what they say is better than the best of them.

    Parameters
    ----------
    members : sequence of UNet
        One or more, with the same features, and all of them with an onset head or none.

    Raises
    ------
    ValueError
        If they cannot vote together.

    Examples
    --------
    >>> members = [UNet(ModelConfig(widths=(4, 8))).eval() for _ in range(2)]
    >>> clip = torch.rand(1, 88, 16)
    >>> first, second = (member(clip).piano for member in members)
    >>> torch.allclose(Committee(members)(clip).piano, (first + second) / 2)
    True
    """

    def __init__(self, members: Sequence[UNet]) -> None:
        super().__init__()
        if not members:
            raise ValueError("a committee needs members")
        if len({member.spec for member in members}) > 1:
            raise ValueError("the networks of a committee must be for the same features")
        if len({member.n_instruments for member in members}) > 1:
            raise ValueError("the networks of a committee must be for the same instruments")
        if len({member.config.has_onset_head for member in members}) > 1:
            raise ValueError("either all networks of a committee have an onset head, or none has")
        self.members = nn.ModuleList(members)
        self.spec = members[0].spec
        self.n_instruments = members[0].n_instruments

    @property
    def networks(self) -> tuple[UNet, ...]:
        """The members."""
        return tuple(member for member in self.members if isinstance(member, UNet))

    def forward(self, log_cqt: Tensor) -> Logits:
        """As :class:`UNet` does; presence only where all members judge it."""
        votes = [member(log_cqt) for member in self.members]
        return Logits(*(_mean_vote(rolls) for rolls in zip(*votes, strict=True)))


def _mean_vote(rolls: Sequence[Tensor | None]) -> Any:
    given = [roll for roll in rolls if roll is not None]
    return torch.stack(given).mean(dim=0) if len(given) == len(rolls) else None


Network = UNet | Committee


def noisy_or(logits: Tensor, dim: int) -> Tensor:
    """The logit of 1 - product(1 - p) over `dim`, for logits of p.

    Examples
    --------
    >>> either = noisy_or(torch.zeros(2), dim=0)  # two chances of a half
    >>> round(torch.sigmoid(either).item(), 6)
    0.75
    """
    nobody = functional.softplus(logits).sum(dim=dim).clamp_min(1e-7)  # -log of the probability that none does
    return functional.softplus(nobody) + torch.log(torch.tanh(nobody / 2))  # log(exp(nobody) - 1)


def _in_turn(rolls: Sequence[Tensor]) -> Tensor:
    """The first frame of each roll, then the second of each, and so on."""
    return torch.stack(tuple(rolls), dim=-1).flatten(-2) if len(rolls) > 1 else rolls[0]


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions, each with batch norm and leaky ReLU, around a 1 x 1 shortcut (the paper's figure 2)."""

    def __init__(self, n_in: int, n_out: int, *, has_context: bool = False) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(n_out)
        self.shortcut = nn.Conv2d(n_in, n_out, 1)
        self.context = Context(n_out) if has_context else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, n_in, pitch, T) -> (B, n_out, pitch, T)."""
        y = functional.leaky_relu(self.norm1(self.conv1(x)))
        y = functional.leaky_relu(self.norm2(self.conv2(y)))
        if self.context is not None:
            y = y * self.context(y)
        result: Tensor = y + self.shortcut(x)
        return result


class Context(nn.Module):
    """A weight between 0 and 2 for each channel, out of all channels' means over the clip; 1 to begin with."""

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(n_channels, n_channels)
        self.out = nn.Linear(n_channels, n_channels)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channel, pitch, T) -> (B, channel, 1, 1)."""
        hidden = functional.leaky_relu(self.hidden(x.mean(dim=(2, 3))))
        return 2 * torch.sigmoid(self.out(hidden))[:, :, None, None]


class EnsembleHead(nn.Module):
    """Which instruments are in a clip, out of a first pianoroll and of the features under its notes.

    For each instrument: its probability of sounding in a frame, on average and in the frames where it is most probable,
    and the mean features of the cells where it sounds.
    """

    def __init__(self, n_features: int, n_instruments: int, n_hidden: int = 128) -> None:
        super().__init__()
        self.hidden = nn.Linear(n_instruments * (n_features + 2), n_hidden)
        self.out = nn.Linear(n_hidden, n_instruments)
        # It begins without an opinion, so that it can be added to a network that was trained without it.
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, piano: Tensor, features: Tensor) -> Tensor:
        """Logits (B, instrument, pitch, T) and features (B, n_features, pitch, T) -> (B, instrument)."""
        probs = torch.sigmoid(piano)
        in_frame = torch.sigmoid(piano.amax(dim=2))  # (B, instrument, T)
        # A mean that leans to the frames of high probability, whatever the clip's length.
        likeliest = (in_frame**3).sum(dim=2) / (in_frame**2).sum(dim=2).clamp_min(1e-6)
        shares = (probs / probs.sum(dim=(2, 3), keepdim=True).clamp_min(1e-3)).flatten(2)  # (B, instrument, cell)
        heard = shares @ features.float().flatten(2).transpose(1, 2)  # (B, instrument, n_features)
        seen = torch.cat((in_frame.mean(dim=2), likeliest, heard.flatten(1)), dim=1)
        result: Tensor = self.out(functional.leaky_relu(self.hidden(seen)))
        return result


def n_weights(model: nn.Module) -> int:
    """How many numbers training adjusts."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)

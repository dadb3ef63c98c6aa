"""Log-CQT to rolls of probabilities: overlapping windows through the network, blended into one.

The network sees at most `LONGEST_S` at a time, so its memory does not grow with the song. All windows are equally wide,
as few as will do, and where two overlap, by `OVERLAP_S`, a ramp fades from one to the other. Where the
processor has bfloat16, convolutions run in it, as in training: in six tenths of the time, for probabilities that are
0.02 off at most.
"""

import math
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mtinst.grid import N_INSTRUMENTS, SPEC, FeatureSpec, FloatArray
from mtinst.hear.unet import Logits
from mtinst.records import Rolls

LONGEST_S = 15.0
OVERLAP_S = 2.0


class WindowProgress(NamedTuple):
    """How far :func:`iter_windows` is.

    `rolls` is a view of the frames that are finished, which later windows leave alone.
    """

    fraction: float
    rolls: Rolls


def predict_rolls(model: nn.Module, log_cqt: FloatArray, spec: FeatureSpec = SPEC) -> Rolls:
    """Run the network over a clip of any length.

    Parameters
    ----------
    model : nn.Module
        Takes (batch, n_bins, frame) and gives :class:`~mtinst.hear.unet.Logits`; in evaluation mode, on any device.
    log_cqt : ndarray of float32, shape (n_bins, n_frames)
    spec : FeatureSpec

    Returns
    -------
    Rolls
        With the frames of `log_cqt`. Without an onset head, `onset` is the rise of `piano` from frame to frame.

    Raises
    ------
    ValueError
        If `log_cqt` does not have ``spec.n_bins`` rows and at least one frame.
    """
    *_, last = iter_windows(model, log_cqt, spec)
    return last.rolls


def iter_windows(model: nn.Module, log_cqt: FloatArray, spec: FeatureSpec = SPEC) -> Iterator[WindowProgress]:
    """:func:`predict_rolls` step by step: yields after each window, so that a caller can show or stop it.

    The last item has ``fraction == 1.0`` and all the frames. Arguments and errors are those of :func:`predict_rolls`.
    """
    if log_cqt.ndim != 2 or log_cqt.shape[0] != spec.n_bins or log_cqt.shape[1] == 0:
        raise ValueError(f"log_cqt must have the shape ({spec.n_bins}, at least 1), not {log_cqt.shape}")
    return _iter_windows(model, log_cqt, spec)


def _iter_windows(model: nn.Module, log_cqt: FloatArray, spec: FeatureSpec) -> Iterator[WindowProgress]:
    n_frames = log_cqt.shape[1]
    longest, overlap = window_frames(spec)
    n_windows = 1 + math.ceil(max(0, n_frames - longest) / (longest - overlap))
    width = math.ceil((n_frames + (n_windows - 1) * overlap) / n_windows)
    starts = [index * (n_frames - width) // max(1, n_windows - 1) for index in range(n_windows)]
    ramp = _ramp(width, overlap)
    total = np.zeros(n_frames, np.float32)
    for start in starts:
        total[start : start + width] += ramp

    rolls = Rolls.zeros(n_frames, spec)
    n_finished = 0
    for index, (start, end) in enumerate(zip(starts, [*starts[1:], n_frames], strict=True), 1):
        window = slice(start, start + width)
        weight = ramp / total[window]
        for roll, part in zip(rolls.between(start, start + width), _predict(model, log_cqt[:, window]), strict=True):
            roll += part * weight
        for roll in rolls.between(n_finished, end):
            np.clip(roll, 0.0, 1.0, out=roll)  # weights add up to 1 only to the last digit
        n_finished = end
        yield WindowProgress(index / len(starts), rolls.between(0, n_finished))


def window_frames(spec: FeatureSpec) -> tuple[int, int]:
    """The most frames of a window, and by how many it overlaps with the next."""
    return spec.n_frames(round(LONGEST_S * spec.sample_rate)), round(OVERLAP_S * spec.frame_rate)


def _ramp(width: int, overlap: int) -> FloatArray:
    """Weights of a window: 1 in the middle, falling towards both ends over `overlap` frames, never to 0."""
    from_edge = 1 + np.minimum(np.arange(width), np.arange(width)[::-1])
    return np.minimum(1.0, from_edge / (overlap + 1)).astype(np.float32)


@cache
def has_bfloat16() -> bool:
    """Whether this processor multiplies in bfloat16 by itself, as far as PyTorch tells (early versions do not)."""
    capabilities: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name, False) for name in ("amx_bf16", "avx512_bf16"))


@torch.inference_mode()
def _predict(model: nn.Module, window: FloatArray) -> Rolls:
    """A window (n_bins, width) to its rolls."""
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    try:
        with torch.autocast("cpu", torch.bfloat16, enabled=has_bfloat16()):
            logits: Logits = model(torch.from_numpy(window[None].copy()).to(device))
    except RuntimeError as error:  # PyTorch has no error of its own for a lack of memory on the CPU
        if "DefaultCPUAllocator" not in str(error):
            raise
        raise MemoryError(str(error)) from error
    return Rolls(*(roll[0].float().cpu().numpy() for roll in probabilities(logits)))


def probabilities(logits: Logits) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The four of :class:`~mtinst.records.Rolls` for a batch of clips, with rows of zeros for unknown instruments."""
    piano, instrument, pitch = logits.piano.sigmoid(), logits.instrument.sigmoid(), logits.pitch.sigmoid()
    if logits.onset is not None:
        onset = logits.onset.sigmoid()
    else:
        onset = (piano - functional.pad(piano, (1, 0))[..., :-1]).clamp_min(0.0)
    unknown = N_INSTRUMENTS - piano.shape[1]
    piano, onset = (functional.pad(roll, (0, 0, 0, 0, 0, unknown)) for roll in (piano, onset))
    return piano, onset, functional.pad(instrument, (0, 0, 0, unknown)), pitch

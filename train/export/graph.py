"""``python -m train export``: from samples to probabilities in one ONNX graph, at any length.

Input: ``samples``, float32 (1, n_samples), mono at ``sample_rate``, in about [-1, 1], a whole song, tuned to 440 Hz
within a tenth of a semitone. (Any other is first brought there by playing it faster or slower, see `example.py`.)

Outputs, float32 in [0, 1]: ``piano`` and ``onset`` (instrument, pitch, frame), ``instrument`` (instrument, frame) and
``pitch`` (pitch, frame) are :class:`~mtinst.records.Rolls`, as :func:`~mtinst.hear.windows.predict_rolls` has them;
``levels`` (pitch, frame) is the log-CQT, below the loudest of the song, from which velocities are estimated.

Within: the constant-Q transform, its decibels, the network in overlapping windows one after the other, and their blend.

Metadata, each a string: ``format`` (`FORMAT`), ``version`` of mtinst, ``weights`` (their digest), and as JSON
``sample_rate``, ``frame_seconds``, ``lowest_pitch``, ``dynamic_range_db`` (of the levels), ``instruments`` (of each
row: name, label, General MIDI program, colours) and ``thresholds`` (:class:`~mtinst.records.Thresholds`).
"""

import json
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from mtinst.files import replace_file
from mtinst.grid import INSTRUMENTS, N_INSTRUMENTS, FeatureSpec, short_label
from mtinst.hear.checkpoint import CheckpointInfo, load_checkpoint
from mtinst.hear.cqt import ConstantQ
from mtinst.hear.unet import Network
from mtinst.hear.windows import probabilities, window_frames
from mtinst.palette import instrument_colour
from mtinst.version import __version__

FORMAT = "mtinst-onnx/1"
OPSET = 17
OUTPUTS = ("piano", "onset", "instrument", "pitch", "levels")
_TRACED_S = 32.0  # of nothing in particular: several windows


def export(weights: Path, out: Path) -> None:
    """Write the network of `weights` to `out` as ONNX, weights as float16.

    Raises
    ------
    CheckpointError
        If `weights` cannot be read.
    OSError
        If `out` cannot be written.
    """
    network, info = load_checkpoint(weights)
    model = _to_onnx(network)
    _store_as_float16(model.graph)
    helper.set_model_props(model, metadata_of(network.spec, info))
    onnx.checker.check_model(model)
    replace_file(out, model.SerializeToString())


def metadata_of(spec: FeatureSpec, info: CheckpointInfo) -> dict[str, str]:
    """What the file says of itself."""
    instruments = [
        {
            "name": row.name,
            "label": row.label,
            "short": short_label(row),
            "program": row.program,
            "light": instrument_colour(row, "light"),
            "dark": instrument_colour(row, "dark"),
        }
        for row in INSTRUMENTS
    ]
    return {
        "format": FORMAT,
        "version": __version__,
        "weights": info.digest,
        "sample_rate": json.dumps(spec.sample_rate),
        "frame_seconds": json.dumps(spec.frame_to_second(1)),
        "lowest_pitch": json.dumps(spec.lowest_pitch),
        "dynamic_range_db": json.dumps(spec.dynamic_range_db),
        "instruments": json.dumps(instruments),
        "thresholds": json.dumps(info.thresholds.to_json()),
    }


class Windows(nn.Module):
    """Samples to the log-CQT: its levels by pitch, its windows (window, n_bins, width), and where each starts."""

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__()
        self.spec = spec
        self.cqt = ConstantQ(spec)
        self.longest, self.overlap = window_frames(spec)

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As :func:`~mtinst.hear.cqt.log_cqt`, and the windows of :func:`~mtinst.hear.windows.iter_windows`."""
        spec = self.spec
        real, imaginary = self.cqt.parts(samples[0])
        magnitude = (real**2 + imaginary**2).sqrt()
        loudest = magnitude.max()
        floor = loudest * 10.0 ** (-spec.dynamic_range_db / 20)
        decibels = 20 * torch.log10(torch.maximum(magnitude, floor) / loudest)
        scaled = torch.where(loudest > 0, (1 + decibels / spec.dynamic_range_db).clamp(0, 1), torch.zeros(()))
        n_frames = scaled.shape[-1]
        of_rows = scaled[: spec.n_pitches * spec.bins_per_semitone]
        levels = of_rows.reshape(spec.n_pitches, spec.bins_per_semitone, n_frames).amax(dim=1)

        beyond = torch.arange(n_frames)[self.longest :].shape[0]  # not less than 0, in a way that the tracer sees
        hop = self.longest - self.overlap
        n_windows = 1 + (beyond + hop - 1) // hop
        width = (n_frames + (n_windows - 1) * self.overlap + n_windows - 1) // n_windows
        places = torch.arange(n_windows)
        starts = places * (n_frames - width) // places.amax().clamp_min(1)
        windows = scaled[:, starts[:, None] + torch.arange(width)]
        return levels, windows.transpose(0, 1), starts


class Hearing(nn.Module):
    """The network on one window (n_bins, width): all rolls as rows, one below the other."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, window: Tensor) -> Tensor:
        """(n_bins, width) -> (row, width)."""
        rolls = probabilities(self.network(window[None]))
        return torch.cat([roll.flatten(1, -2) for roll in rolls], dim=1)[0]


class Blend(nn.Module):
    """Windows to the song: where several overlap, a ramp fades from one to the next."""

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__()
        self.spec = spec
        _, self.overlap = window_frames(spec)

    def forward(self, rows: Tensor, starts: Tensor, levels: Tensor) -> tuple[Tensor, ...]:
        """(window, row, width), and what :class:`Windows` gives besides -> the four rolls."""
        width = rows.shape[-1]
        frames = torch.arange(levels.shape[-1])
        latest = (starts[:, None] <= frames).sum(dim=0) - 1
        heard, total = torch.zeros(()), torch.zeros(())
        for back in range(2):  # more than two never overlap
            window = (latest - back).clamp_min(0)
            place = frames - starts[window]
            is_there = (latest >= back) & (place < width)
            place = place.clamp_max(width - 1)
            from_edge = 1 + torch.minimum(place, width - 1 - place)
            weight = (from_edge / (self.overlap + 1)).clamp_max(1) * is_there
            heard = heard + weight[:, None] * rows[window, :, place]
            total = total + weight
        blended = (heard / total[:, None]).clamp(0, 1).T  # (row, frame)
        n_pitches = self.spec.n_pitches
        n_cells = N_INSTRUMENTS * n_pitches
        piano, onset, instrument, pitch = torch.split(blended, [n_cells, n_cells, N_INSTRUMENTS, n_pitches])
        cells = (N_INSTRUMENTS, n_pitches, -1)
        return piano.reshape(cells), onset.reshape(cells), instrument, pitch


class Song(nn.Module):
    """All of it, for TorchScript's compiler, which makes a loop of a loop.

    Everything else is traced. The newer `torch.export` is of no use here: it wants to prove things about lengths, and
    about those of nine octaves, each half as long as the one above, it does not come to an end.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        spec = network.spec
        samples = torch.linspace(-1, 1, round(_TRACED_S * spec.sample_rate))[None]
        self.windows = _traced(Windows(spec), samples)
        levels, windows, starts = self.windows(samples)
        self.hearing = _traced(Hearing(network), windows[0])
        rows = self.hearing(windows[0]).expand(len(windows), -1, -1)
        self.blend = _traced(Blend(spec), rows, starts, levels)

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """(1, n_samples) -> what `OUTPUTS` names."""
        levels, windows, starts = self.windows(samples)
        heard: list[Tensor] = []
        for index in range(windows.shape[0]):
            heard.append(self.hearing(windows[index]))
        piano, onset, instrument, pitch = self.blend(torch.stack(heard), starts, levels)
        return piano, onset, instrument, pitch, levels


def _traced(module: nn.Module, *examples: Tensor) -> Any:
    return torch.jit.trace(module.eval(), examples, check_trace=False)  # type: ignore[no-untyped-call]


@torch.no_grad()
def _to_onnx(network: Network) -> onnx.ModelProto:
    with warnings.catch_warnings(), TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")  # that TorchScript is old, and that what is constant is taken for constant
        path = Path(folder) / "song.onnx"
        torch.onnx.export(
            torch.jit.script(Song(network)),
            (torch.zeros(1, network.spec.sample_rate),),
            path,
            input_names=["samples"],
            output_names=list(OUTPUTS),
            dynamic_axes={"samples": {1: "n_samples"}}
            | {name: {2 if name in ("piano", "onset") else 1: "n_frames"} for name in OUTPUTS},
            opset_version=OPSET,
            training=torch.onnx.TrainingMode.PRESERVE,  # or it would fold normalisation into weights, float16 no more
            dynamo=False,
        )
        return onnx.load(path)


def _store_as_float16(graph: onnx.GraphProto) -> None:
    """Keep weights that are float16 in the checkpoint so, and have them made float32 when they are loaded."""
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        halved = values.astype(np.float16) if values.dtype == np.float32 and values.ndim > 1 else values
        if halved is values or not np.array_equal(halved, values):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(halved, f"{name}.float16"))
        graph.node.insert(0, helper.make_node("Cast", [tensor.name], [name], to=onnx.TensorProto.FLOAT))

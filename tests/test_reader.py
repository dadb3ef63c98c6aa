"""The reader: which notes were heard, and what reading them in the light of each other changes."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.testing import assert_close

from mtinst import reader as reader_module
from mtinst.checkpoint import load_checkpoint, save_checkpoint
from mtinst.model import Committee, ModelConfig, UNet
from mtinst.notes import Thresholds
from mtinst.reader import TOGETHER, Heard, NoteReader, ReaderConfig, Tokens, find_notes, tokens_of
from mtinst.rolls import predict_rolls
from mtinst.spec import N_INSTRUMENTS

SILENCE = -6.0
NETWORK = ModelConfig(
    widths=(4, 8), harmonics=(0, 12, 19), has_onset_head=True, has_ensemble_head=True, derivation="any"
)
CONFIG = ReaderConfig(n_members=2, n_cells=8, n_partials=3, width=16, n_layers=2, n_heads=2)


def heard_notes(*notes: tuple[int, int, int], n_frames: int = 40) -> Heard:
    """Two networks that hear the same notes, (row, first, end), of the first instrument."""
    piano = torch.full((2, N_INSTRUMENTS, 88, n_frames), SILENCE)
    onset = torch.full((N_INSTRUMENTS, 88, n_frames), SILENCE)
    for row, first, end in notes:
        piano[:, 0, row, first:end] = 3.0
        onset[0, row, first] = 2.0
    torch.manual_seed(len(notes))
    cells, partials = torch.rand(8, 88, n_frames), torch.randn(3, 88, n_frames)
    return Heard(piano, onset, piano.mean(dim=0).amax(dim=0), torch.zeros(N_INSTRUMENTS), cells, partials)


def stirred(seed: int = 0, config: ReaderConfig = CONFIG) -> NoteReader:
    """A reader that was never trained and has opinions nevertheless."""
    torch.manual_seed(seed)
    reader = NoteReader(config).eval()
    torch.nn.init.normal_(reader.out.weight, std=0.5)
    return reader


def committee(reader: NoteReader | None) -> Committee:
    torch.manual_seed(3)
    members = [UNet(NETWORK).eval() for _ in range(2)]
    for member in members:
        torch.nn.init.normal_(member.head.weight, std=2.0)  # heard enough for notes to be found
    return Committee(members, reader).eval()


def test_a_note_struck_again_is_two() -> None:
    heard = heard_notes((30, 5, 12), (30, 12, 20), (31, 0, 40))
    notes = find_notes(heard.pitch, heard.onset)
    assert notes.place.tolist() == [[30, 5, 12], [30, 12, 20], [31, 0, 40]]
    assert torch.bincount(notes.note_of_cell).tolist() == [7, 8, 40]
    assert set((notes.cell // 40).tolist()) == {30, 31}


def test_of_too_many_notes_the_longest_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "MOST_NOTES", 2)
    heard = heard_notes((20, 3, 9), (40, 5, 7), (60, 1, 20))
    notes = find_notes(heard.pitch, heard.onset)
    assert notes.place.tolist() == [[20, 3, 9], [60, 1, 20]]
    assert torch.bincount(notes.note_of_cell).tolist() == [6, 19]
    assert notes.cell.tolist() == [*range(20 * 40 + 3, 20 * 40 + 9), *range(60 * 40 + 1, 60 * 40 + 20)]


def test_a_note_comes_with_the_means_over_it() -> None:
    heard = heard_notes((30, 5, 12))
    tokens = tokens_of(heard, find_notes(heard.pitch, heard.onset))
    assert tokens.inputs.shape == (1, CONFIG.n_inputs)
    n_who = 2 * N_INSTRUMENTS
    who, cells, attack, _ = tokens.inputs[0].tensor_split((n_who, n_who + 8, n_who + 16))
    assert_close(who, heard.piano[:, :, 30, 5:12].mean(dim=2).flatten())
    assert_close(cells, heard.cells[:, 30, 5:12].mean(dim=1))
    assert_close(attack, heard.cells[:, 30, 5:8].mean(dim=1))
    sounds = heard.partials[:, 30, 5:12]
    expected = torch.cat((sounds.mean(dim=1), sounds[:, :3].mean(dim=1), sounds.std(dim=1, correction=0)))
    assert_close(tokens.inputs[0, -15:-6], expected)
    others = torch.full((N_INSTRUMENTS - 1,), SILENCE)
    expected = torch.cat((torch.tensor([3.0]), others, torch.tensor([3.0, 2.0])))
    assert_close(tokens.base[0, : len(expected)], expected)


def test_a_reader_without_an_opinion_only_evens_notes_out() -> None:
    heard = heard_notes((30, 5, 12))
    heard.piano[:, 4, 30, 5:12] += torch.arange(7.0)
    piano, onset, pitch = NoteReader(CONFIG).eval()(heard)
    before = heard.piano[0, 4, 30, 5:12]
    assert_close(piano[4, 30, 5:12], before + TOGETHER * (before.mean() - before))
    assert_close(onset, heard.onset)
    assert_close(pitch, heard.pitch)
    outside = torch.ones(88, 40, dtype=torch.bool)
    outside[30, 5:12] = False
    assert_close(piano[:, outside], heard.piano[0][:, outside])


def test_notes_are_read_in_the_light_of_the_others() -> None:
    reader = stirred()
    alone = heard_notes((30, 5, 12))
    together = heard_notes((30, 5, 12), (37, 20, 30))
    together = together._replace(cells=alone.cells, partials=alone.partials)
    answers = [reader(heard)[0][:, 30, 5:12] for heard in (alone, together)]
    assert not torch.allclose(*answers)


@pytest.mark.parametrize("loudest", [2.0, -12.0])
def test_a_note_begins_as_surely_as_was_read_of_it(loudest: float) -> None:
    heard = heard_notes((30, 5, 12))
    heard.onset[0, 30] = -20.0
    heard.onset[0, 30, 5] = loudest
    heard.pitch[30, 4] = 3.0  # it seems to sound before it begins: a sliver of a note, then the note
    notes = find_notes(heard.pitch, heard.onset)
    expected = [[30, 4, 5], [30, 5, 12]] if loudest > 0 else [[30, 4, 12]]
    assert notes.place.tolist() == expected
    reader = NoteReader(CONFIG).eval()
    torch.nn.init.constant_(reader.scale, 0.0)
    torch.nn.init.constant_(reader.out.bias, -0.5)
    _, onset, _ = reader(heard)
    assert_close(onset[0, 30].max(), torch.tensor(-0.5))
    assert int(onset[0, 30].argmax()) == 5


def test_how_far_into_the_window_notes_are_makes_no_difference() -> None:
    reader = stirred()
    early = heard_notes((30, 5, 12), (37, 8, 14))
    rolls = ("piano", "onset", "pitch", "cells", "partials")
    later = {name: torch.roll(getattr(early, name), 7, dims=-1) for name in rolls}
    assert_close(reader(early._replace(**later))[0], torch.roll(reader(early)[0], 7, dims=-1))


def test_silence_stays_silent() -> None:
    heard = heard_notes()
    for after, before in zip(stirred()(heard), (heard.piano[0], heard.onset, heard.pitch), strict=True):
        assert_close(after, before)


def test_padding_is_not_read() -> None:
    reader = stirred()
    heard = heard_notes((30, 5, 12), (37, 8, 14), (50, 0, 3))
    tokens = tokens_of(heard, find_notes(heard.pitch, heard.onset))
    alone = reader.answers(Tokens(*(t[None] for t in tokens)), torch.ones(1, 3, dtype=torch.bool))

    def padded(tensor: Tensor) -> Tensor:
        return torch.cat((tensor, torch.full((2, tensor.shape[1]), 9.0)))[None]

    is_note = torch.tensor([[True, True, True, False, False]])
    assert_close(reader.answers(Tokens(*(padded(t) for t in tokens)), is_note)[:, :3], alone)


def test_a_committee_reads_each_clip_by_itself() -> None:
    networks = committee(stirred())
    clips = torch.rand(2, 88, 50)
    with torch.inference_mode():
        both = networks(clips)
        for index in range(2):
            one = networks(clips[index : index + 1])
            for name in ("piano", "onset", "instrument", "pitch"):
                assert_close(getattr(both, name)[index], getattr(one, name)[0], atol=1e-4, rtol=1e-4)
        assert both.presence is None
        assert_close(both.instrument, both.piano.amax(dim=2))
        assert not torch.allclose(both.piano, committee(None)(clips).piano)


def test_songs_of_any_length_are_read() -> None:
    networks = committee(stirred())
    for n_frames in (1, 3, 700):
        rolls = predict_rolls(networks, torch.rand(88, n_frames).numpy())
        assert rolls.piano.shape == (N_INSTRUMENTS, 88, n_frames)
        assert all(math.isfinite(float(roll.sum())) for roll in rolls)


def test_a_reader_is_for_its_networks() -> None:
    members = [UNet(NETWORK), UNet(NETWORK)]
    for other in (replace(CONFIG, n_members=3), replace(CONFIG, n_cells=12), replace(CONFIG, n_partials=4)):
        with pytest.raises(ValueError, match="for other networks"):
            Committee(members, NoteReader(other))
    deaf = UNet(replace(NETWORK, has_ensemble_head=False))
    with pytest.raises(ValueError, match="ensemble head"):
        Committee([deaf, deaf], NoteReader(CONFIG))
    for sizes in ({"width": 0}, {"width": 15}, {"n_layers": 0}):
        with pytest.raises(ValueError, match=r"reader|heads"):
            replace(CONFIG, **sizes)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_reader_survives_the_file(tmp_path: Path, bits: int) -> None:
    networks, path = committee(stirred()), tmp_path / "read.safetensors"
    save_checkpoint(path, networks, thresholds=Thresholds.uniform(), training={}, bits=8 if bits == 8 else 16)
    loaded, info = load_checkpoint(path)
    assert isinstance(loaded, Committee)
    assert loaded.reader is not None
    assert (loaded.reader.config, info.bits) == (CONFIG, bits)
    heard = heard_notes((30, 5, 12), (37, 8, 14))
    assert networks.reader is not None
    with torch.inference_mode():
        assert_close(loaded.reader(heard)[0], networks.reader(heard)[0], atol=0.05, rtol=0.05)
    assert any(name.startswith("reader.") for name in load_file(path))

"""Mixtures: reproducible, linear, labelled as they sound."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from torch.utils.data import DataLoader

from mtinst.grid import N_INSTRUMENTS, SPEC, FeatureSpec, FloatArray
from mtinst.hear.cqt import cqt, log_cqt, scale_to_unit
from mtinst.hear.unet import Logits, ModelConfig, UNet
from tests.train.data import tone_store
from train.config import LossWeights, MixConfig
from train.data.mixtures import Batch, MixtureDataset, Voice, _shift_rows, collate
from train.networks.losses import multitask_loss
from train.store import UNKNOWN, PartStore, PartWriter, RenderedPart

STORE = tone_store()


def dataset(config: MixConfig | None = None, *, epoch: int = 0, n_clips: int = 12) -> MixtureDataset:
    return MixtureDataset(STORE, config or MixConfig(), seed=1, epoch=epoch, n_clips=n_clips)


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("n_workers", [1, 4])
def test_clips_are_the_same_for_any_number_of_workers(n_workers: int) -> None:
    def batches(workers: int) -> list[Batch]:
        return list(DataLoader(dataset(), batch_size=4, num_workers=workers, collate_fn=collate))

    for alone, shared in zip(batches(0), batches(n_workers), strict=True):
        for one, other in zip(alone, shared, strict=True):
            assert torch.equal(one, other)


def test_no_two_clips_of_a_run_are_the_same() -> None:
    clips = [dataset(epoch=epoch)[index][0] for epoch in range(2) for index in range(4)]
    assert len({clip.tobytes() for clip in clips}) == len(clips)


def test_adding_cqts_is_mixing_sounds() -> None:
    time = np.arange(3 * SPEC.sample_rate) / SPEC.sample_rate
    one = np.sin(2 * np.pi * 220 * time).astype(np.float32)
    other = (0.3 * np.sin(2 * np.pi * 523 * time)).astype(np.float32)
    stored = [np.stack((part.real, part.imag), -1).astype(np.float16) for part in (cqt(one), cqt(other))]
    added = sum(part.astype(np.float32).view(np.complex64)[..., 0] for part in stored)
    in_both = log_cqt(one + other) > 0.5
    assert_allclose(scale_to_unit(np.abs(added))[in_both], log_cqt(one + other)[in_both], atol=5e-3)


def test_only_melodies_have_their_partials_moved() -> None:
    store = tone_store()
    quiet = MixConfig(n_instruments=(1.0,), noise=0.0, other=0.0, drums=0.0, empty=0.0, most_shift=0)
    note = store.notes_of(0)[0]
    first, end, third = int(note["first"]), int(note["end"]), int(note["pitch"]) + 4
    chord = np.array([note, (first + 10, first + 10, end, third)], dtype=store.notes.dtype)
    then = np.array([note, (end - 2, end - 2, end + 20, third)], dtype=store.notes.dtype)
    for notes, expected in ((chord, None), (then, {int(note["pitch"]), int(note["pitch"]) + 4})):
        changed = replace(store, notes=notes, note_ends=np.full(len(store), len(notes)))
        melody = MixtureDataset(changed, quiet, seed=1, epoch=0, n_clips=1)._melody(Voice(0, 100, 1.0))
        assert (None if melody is None else set(melody.tolist())) == expected
    plain, moved = dataset(quiet), dataset(replace(quiet, partials_db=6.0))
    assert any((plain[index][0] != moved[index][0]).any() for index in range(4))


def test_what_is_labelled_sounds_there() -> None:
    clips = dataset(MixConfig(noise=0.0, other=0.0, drums=0.0), n_clips=40)
    checked = 0
    for index in range(len(clips)):
        features, piano, *_ = clips[index]
        cells = piano.any(axis=0).astype(bool)
        if cells.any():
            checked += 1
            assert features[cells].min() > (80 - 50 - 15) / 80 - 0.01
    assert checked > 10


def test_what_the_medium_swallows_is_not_labelled(monkeypatch: pytest.MonkeyPatch) -> None:
    def only_low(rng: np.random.Generator, spec: FeatureSpec) -> FloatArray:
        return np.where(np.arange(spec.n_bins) < 40, 1.0, 1e-4).astype(np.float32)

    monkeypatch.setattr("train.data.mixtures.band_limit", only_low)
    clips = dataset(MixConfig(band_limit=1.0, noise=0.0, most_shift=0), n_clips=60)
    heard = np.stack([clips[index][1].sum(axis=(0, 2)) > 0 for index in range(len(clips))])  # (clip, row)
    assert heard[:, :40].any()
    assert heard[:, 40:].any(), "where nothing lower sounds, it is the loudest"
    assert not (heard[:, :40].any(axis=1) & heard[:, 40:].any(axis=1)).any(), "80 dB quieter than the low ones"


def test_a_clip_has_no_label_for_what_has_no_pitch() -> None:
    clips = dataset(MixConfig(empty=1.0, drums=1.0, other=0.0, noise=1.0))
    assert any(clips[index][0].max() > 0 for index in range(len(clips)))
    assert not any(clips[index][1].any() or clips[index][2].any() for index in range(len(clips)))


def test_onsets_peak_where_a_note_begins() -> None:
    clips = dataset(MixConfig(other=0.0), n_clips=60)
    seen = 0
    for index in range(len(clips)):
        _, piano, onset, _ = clips[index]
        for instrument, row, frame in np.argwhere(onset > 0.9):
            seen += 1
            assert piano[instrument, row, frame]
            if frame > 0:
                assert not piano[instrument, row, frame - 1]
                assert 0 < onset[instrument, row, frame - 1] < 1
    assert seen > 5


def test_a_parabola_through_the_logarithms_of_an_onset_has_its_top_8_ms_before_the_label() -> None:
    note = np.array([(150.3, 150, 188, 40)], dtype=STORE.notes.dtype)
    store = replace(STORE, notes=np.tile(note, len(STORE)), note_ends=np.arange(1, len(STORE) + 1))
    quiet = MixConfig(n_instruments=(1.0,), other=0.0, drums=0.0, noise=0.0, empty=0.0, most_shift=0, n_frames=313)
    clips = MixtureDataset(store, quiet, seed=1, epoch=0, n_clips=1)
    piano, onset, known = (np.zeros(shape, np.float32) for shape in ((11, 88, 313), (11, 88, 313), (11, 313)))
    clips._label(Voice(0, 0, 1.0), np.ones((88, 313), np.bool_), piano, onset, known)  # type: ignore[arg-type]
    before, at, after = np.log(onset[0, 40, 149:152])
    assert 150 + (before - after) / (2 * (before - 2 * at + after)) == pytest.approx(150.05, abs=1e-3)


def test_where_it_is_not_known_what_sounds_nothing_is_learnt() -> None:
    unknown = np.array([(20.0, 20, 40, UNKNOWN)], dtype=STORE.notes.dtype)
    store = replace(STORE, notes=np.tile(unknown, len(STORE)), note_ends=np.arange(1, len(STORE) + 1))
    quiet = MixConfig(n_instruments=(1.0,), other=0.0, drums=0.0, noise=0.0, empty=0.0, n_frames=313)
    batch = collate([MixtureDataset(store, quiet, seed=1, epoch=0, n_clips=1)[0]])
    assert not batch.piano.any()
    assert batch.known.sum(dim=2).tolist()[0].count(313 - 20) == 1
    torch.manual_seed(0)
    logits = UNet(ModelConfig(widths=(4, 8), has_onset_head=True, has_ensemble_head=True)).eval()(batch.log_cqt)
    louder = Logits(*(roll.clone() for roll in logits if roll is not None))
    is_known = batch.known[0].bool()
    louder.piano[0].movedim(1, 2)[~is_known] += 5
    louder.instrument[0][~is_known] += 5
    louder.pitch[0][:, ~is_known.all(dim=0)] += 5
    losses = [torch.stack(multitask_loss(one, batch, LossWeights())) for one in (logits, louder)]
    assert torch.equal(*losses)


def test_every_instrument_is_heard_about_equally_often() -> None:
    clips = dataset(MixConfig(same_song=0.0, n_frames=313, other_share=1.0, other=0.0), n_clips=200)
    heard = np.array([clips[index][1].any(axis=(1, 2)) for index in range(len(clips))]).mean(axis=0)
    assert heard.shape == (N_INSTRUMENTS,)
    assert heard.min() > 0.5 * heard.max()


def test_of_those_who_play_an_instrument_people_are_drawn_as_often_as_asked() -> None:
    store = tone_store()
    played = replace(store, groups=np.where(np.arange(len(store)) < 13, store.groups, -store.groups))
    config = MixConfig(n_frames=312, same_song=0.0, played=1.0, most_shift=0, noise=0.0, drums=0.0, other=0.0)
    clips = MixtureDataset(played, config, seed=0, epoch=0, n_clips=10)
    rows = np.flatnonzero(np.max([clips[index].piano.max(axis=(0, 2)) for index in range(len(clips))], axis=0))
    assert len(rows) > 3
    assert rows.min() >= 50 + 13 - SPEC.lowest_pitch


@pytest.mark.parametrize("shift", [-3, 0, 2])
def test_shifting_moves_rows_and_brings_in_zeros(shift: int) -> None:
    roll = np.arange(1, 11, dtype=np.float32)[:, None] * np.ones((1, 2), np.float32)
    shifted = _shift_rows(roll, shift)
    expected = np.zeros_like(roll)
    for row in range(10):
        if 0 <= row + shift < 10:
            expected[row + shift] = roll[row]
    assert_array_equal(shifted, expected)


def test_parts_that_were_not_all_written_are_not_there(tmp_path: Path) -> None:
    def broken_off() -> None:
        with PartWriter.into(tmp_path / "parts", SPEC) as writer:
            writer.add(RenderedPart(0, np.ones((SPEC.n_bins, 3), np.complex64), STORE.notes_of(0)), 0)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken_off()
    assert not list((tmp_path / "parts").iterdir())


def test_a_folder_without_parts_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds no parts"):
        PartStore.open(tmp_path)

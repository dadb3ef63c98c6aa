"""A part store in memory, made of tones, for tests of training; and the same on disk, as if it had been prepared."""

from functools import cache
from pathlib import Path

import numpy as np

from mtinst.grid import N_INSTRUMENTS, SPEC
from mtinst.hear.cqt import cqt
from train.clips import Clip, save_clips
from train.store import FRAME_NOTE, N_FRAMES, N_SAMPLES, NOISE, PartStore, PartWriter, RenderedPart


@cache
def tone_store(n_parts: int = 26) -> PartStore:
    """Every class twice, what has no pitch too; each part one tone of two seconds, two parts to a group."""
    classes = np.arange(n_parts) % (NOISE + 1)
    cqts, notes = [], []
    time = np.arange(N_SAMPLES) / SPEC.sample_rate
    for part, index in enumerate(classes.tolist()):
        pitch = 50 + part
        sound = np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time) * ((time >= 4) & (time < 6))
        transform = cqt(sound.astype(np.float32))
        cqts.append(np.stack((transform.real, transform.imag), axis=-1).astype(np.float16))
        labels = [(125.0, 125, 188, pitch - SPEC.lowest_pitch)] if index < N_INSTRUMENTS else []
        notes.append(np.array(labels, dtype=FRAME_NOTE))
    assert cqts[0].shape[1] == N_FRAMES
    return PartStore(
        cqts=np.stack(cqts),
        classes=classes.astype(np.int8),
        groups=(np.arange(n_parts) // 2).astype(np.int32),
        note_ends=np.cumsum([len(part) for part in notes]),
        notes=np.concatenate(notes),
        spec=SPEC,
    )


def write_prepared(folder: Path) -> Path:
    """Tones as parts, and two clips in each fixed set; the folder."""
    store = tone_store()
    with PartWriter.into(folder / "parts", store.spec) as writer:
        for part in range(len(store)):
            transform = store.cqts[part].astype(np.float32) @ np.array([1, 1j], dtype=np.complex64)
            rendered = RenderedPart(int(store.classes[part]), transform, store.notes_of(part))
            writer.add(rendered, int(store.groups[part]))
    rng = np.random.default_rng(0)
    for name in ("valid", "same", "unseen"):
        clips = [
            Clip(rng.uniform(-0.1, 0.1, SPEC.sample_rate).astype(np.float32), np.array([note], dtype=np.float64))
            for note in ((0, 0.1, 0.64, 61), (4, 0.16, 0.29, 71))
        ]
        save_clips(folder / f"{name}.npz", clips)
    return folder

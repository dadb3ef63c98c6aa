"""What happens to a part between the player and the listener's loudspeaker, done to its sound.

Loaders mix CQTs, which takes care of much that is linear (:mod:`train.effects.spectrum`); what is here is done when
parts and clips are rendered. All take and give mono float32 at 16 kHz, of one length, and keep the time of everything.
"""

import io

import numpy as np
import soundfile
from scipy.signal import butter, fftconvolve, lfilter, sosfilt

from mtinst.grid import SPEC, FloatArray

RATE = SPEC.sample_rate
# Constant quality from about 17 to 40 kbit/s for a mono part at 16 kHz.
_CODECS = (("MP3", "MPEG_LAYER_III"), ("OGG", "VORBIS"))


def compress(sound: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Gain reduction by 2:1 to 8:1 above a threshold 6 to 26 dB below the loudest, following the level over 30 ms."""
    smooth = np.exp(-1 / (0.03 * RATE))
    power = lfilter([1 - smooth], [1, -smooth], sound.astype(np.float64) ** 2)
    loudest = float(power.max(initial=0.0))
    if loudest == 0.0:
        return sound
    over_db = 10 * np.log10(np.maximum(power / loudest, 1e-10)) + rng.uniform(6, 26)
    gain_db = -np.maximum(0, over_db) * (1 - 1 / rng.uniform(2, 8))
    result: FloatArray = (sound * 10 ** (gain_db / 20)).astype(np.float32)
    return result


def amplify(sound: FloatArray, rng: np.random.Generator) -> FloatArray:
    """An electric guitar's amplifier: some bass cut off, up to 36 dB of drive, a loudspeaker, now and then a pedal.

    The loudspeaker has a resonance and ends between 2.5 and 6 kHz; the pedal is a chorus or a tremolo.
    """
    level = float(np.abs(sound).max(initial=0.0))
    if level == 0.0:
        return sound
    wet = sosfilt(butter(1, rng.uniform(60, 350), "highpass", fs=RATE, output="sos"), sound / level)
    drive = 10 ** (rng.uniform(-6, 36) / 20)
    bias = rng.uniform(0, 0.3)  # valves bend one half of the wave more than the other
    wet = np.tanh(drive * wet + bias) - np.tanh(bias)
    resonance = sosfilt(
        butter(1, rng.uniform(90, 2000) * np.array([0.8, 1.25]), "bandpass", fs=RATE, output="sos"), wet
    )
    wet = wet + rng.uniform(0, 1.5) * resonance
    wet = sosfilt(butter(int(rng.integers(1, 4)), rng.uniform(2500, 6000), "lowpass", fs=RATE, output="sos"), wet)
    seconds = np.arange(len(wet)) / RATE
    pedal = rng.random()
    if pedal < 0.2:
        delay_s = 0.012 + rng.uniform(0.001, 0.006) * (1 + np.sin(2 * np.pi * rng.uniform(0.2, 2.5) * seconds)) / 2
        wet = wet + rng.uniform(0.3, 0.9) * np.interp(seconds - delay_s, seconds, wet, left=0.0)
    elif pedal < 0.3:
        wet = wet * (1 - rng.uniform(0.2, 0.8) * (1 + np.sin(2 * np.pi * rng.uniform(3, 8) * seconds)) / 2)
    result: FloatArray = (wet * level / max(1e-6, float(np.abs(wet).max()))).astype(np.float32)
    return result


def encode(sound: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Through a lossy codec at a low rate and back; the codecs used here delay nothing."""
    level = float(np.abs(sound).max(initial=0.0))
    if level == 0.0:
        return sound
    name, subtype = _CODECS[rng.integers(len(_CODECS))]
    stream = io.BytesIO()
    soundfile.write(
        stream, sound / level * 0.9, RATE, format=name, subtype=subtype, compression_level=rng.uniform(0.5, 0.99)
    )
    stream.seek(0)
    decoded, _ = soundfile.read(stream, dtype="float32")
    result: FloatArray = (np.resize(decoded, len(sound)) * np.float32(level / 0.9)).astype(np.float32)
    return result


def distort(sound: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Overdrive: soft clipping by 6 to 30 dB."""
    level = float(np.abs(sound).max(initial=0.0))
    if level == 0.0:
        return sound
    drive = 10 ** (rng.uniform(6, 30) / 20)
    result: FloatArray = (np.tanh(sound / level * drive) * level).astype(np.float32)
    return result


def add_room(sound: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Reverberation by an impulse response of decaying noise, 0.15 to 1.8 s long (to -60 dB)."""
    decay_s = rng.uniform(0.15, 1.8)
    seconds = np.arange(int(decay_s * RATE)) / RATE
    tail = rng.standard_normal(len(seconds)) * 10 ** (-3 * seconds / decay_s)
    tail[: int(rng.uniform(0.001, 0.02) * RATE)] = 0
    tail /= np.sqrt(np.sum(tail**2))
    wet = fftconvolve(sound, tail.astype(np.float32))[: len(sound)]
    result: FloatArray = (sound + rng.uniform(0.1, 0.7) * wet).astype(np.float32)
    return result


def noise(n_samples: int, rng: np.random.Generator) -> FloatArray:
    """Hiss of a drawn colour, sometimes with mains hum or crackle."""
    spectrum = np.fft.rfft(rng.standard_normal(n_samples))
    hertz = np.maximum(np.fft.rfftfreq(n_samples, 1 / RATE), 20.0)
    sound = np.fft.irfft(spectrum * hertz ** -rng.uniform(0, 1), n_samples)
    sound /= np.abs(sound).max()
    if rng.random() < 0.3:
        seconds = np.arange(n_samples) / RATE
        mains = rng.choice((50.0, 60.0))
        sound += sum(rng.uniform(0, 0.5) * np.sin(2 * np.pi * mains * k * seconds) for k in range(1, 6))
    if rng.random() < 0.3:
        clicks = rng.integers(0, n_samples, rng.integers(5, 80))
        sound[clicks] += rng.uniform(-3, 3, len(clicks))
    return sound.astype(np.float32)

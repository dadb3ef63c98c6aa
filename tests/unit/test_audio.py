"""Reading audio: formats, rates, channels, and everything that is not audio."""

import os
import sys
import tracemalloc
from fractions import Fraction
from pathlib import Path
from subprocess import run
from typing import Any

import av
import numpy as np
import pytest
import soundfile as sf
import soxr
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mtinst.errors import AudioError
from mtinst.grid import FloatArray
from mtinst.hear import audio
from mtinst.hear.audio import iter_audio, load_audio, to_mono
from tests.abuse.hostile import write_film

RATE = 16000
TONE_HZ = 440.0


def tone(duration_s: float, sample_rate: int = RATE, n_channels: int = 1) -> FloatArray:
    """Half-scale sine, the same in each channel, shape (n_samples, n_channels)."""
    samples = 0.5 * np.sin(2 * np.pi * TONE_HZ * np.arange(round(duration_s * sample_rate)) / sample_rate)
    return np.repeat(samples[:, np.newaxis], n_channels, axis=1).astype(np.float32)


def loudest_hz(samples: FloatArray) -> float:
    """Frequency of the strongest bin of the spectrum."""
    return float(np.abs(np.fft.rfft(samples)).argmax() * RATE / len(samples))


def amplitude(samples: FloatArray) -> float:
    """Amplitude of a sine of about a second, of its middle."""
    return float(np.sqrt(2) * np.std(samples[4000:12000]))


def encode(path: Path, samples: FloatArray, sample_rate: int, codec: str) -> None:
    """Write `samples` of shape (n_samples, n_channels) with FFmpeg."""
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[samples.shape[1]]
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout=layout)
    frame.sample_rate = sample_rate
    frame.pts = 0
    frame.time_base = Fraction(1, sample_rate)
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=sample_rate, layout=layout)
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate = 128_000
        stream.codec_context.open()
        resampler = av.AudioResampler(stream.format, layout, sample_rate, stream.frame_size or 1024)
        for converted in [*resampler.resample(frame), *resampler.resample(None), None]:
            container.mux(stream.encode(converted))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("tone.wav", {}),
        ("tone.wav", {"subtype": "PCM_U8"}),
        ("tone.wav", {"subtype": "FLOAT"}),
        ("tone.wav", {"subtype": "ULAW"}),
        ("tone.flac", {}),
        ("tone.mp3", {}),
        ("tone.ogg", {}),
        ("tone.opus", {"format": "OGG", "subtype": "OPUS"}),
        ("tone.aiff", {}),
    ],
)
@pytest.mark.parametrize(("sample_rate", "n_channels"), [(8000, 1), (48000, 2)])
def test_load_audio_reads_what_libsndfile_writes(
    tmp_path: Path, name: str, options: dict[str, str], sample_rate: int, n_channels: int
) -> None:
    sf.write(tmp_path / name, tone(1.0, sample_rate, n_channels), sample_rate, **options)
    samples = load_audio(tmp_path / name)
    assert samples.dtype == np.float32
    if name != "tone.ogg":  # FFmpeg does not cut the last block of Vorbis to the sample
        assert samples.shape == (RATE,)
    assert len(samples) == pytest.approx(RATE, abs=0.025 * RATE)
    assert loudest_hz(samples) == pytest.approx(TONE_HZ, abs=1)
    assert amplitude(samples) == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize(
    ("name", "codec"), [("tone.m4a", "aac"), ("tone.mp4", "aac"), ("tone.aac", "aac"), ("tone.wma", "wmav2")]
)
@pytest.mark.parametrize(("sample_rate", "n_channels"), [(22050, 1), (48000, 2)])
def test_load_audio_reads_what_ffmpeg_writes(
    tmp_path: Path, name: str, codec: str, sample_rate: int, n_channels: int
) -> None:
    encode(tmp_path / name, tone(1.0, sample_rate, n_channels), sample_rate, codec)
    samples = load_audio(tmp_path / name)
    assert samples.dtype == np.float32
    assert len(samples) == pytest.approx(RATE, abs=0.15 * RATE)  # raw AAC and WMA keep the encoder's padding
    assert loudest_hz(samples[1000:15000]) == pytest.approx(TONE_HZ, abs=2)
    assert amplitude(samples) == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("codec", ["aac", "libopus", "pcm_u8", "pcm_s16le", "pcm_f64le"])
def test_load_audio_reads_planar_and_interleaved_codecs_alike(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "tone.mkv"
    samples = tone(1.0, 48000, n_channels=2)
    samples[:, 1] /= 2
    encode(path, samples, 48000, codec)
    loaded = load_audio(path)
    assert loudest_hz(loaded[:RATE]) == pytest.approx(TONE_HZ, abs=1)
    assert amplitude(loaded) == pytest.approx(0.375, rel=0.05)


@pytest.mark.parametrize("suffix", ["mp3", "ogg", "flac"])
def test_load_audio_agrees_with_another_decoder(tmp_path: Path, suffix: str) -> None:
    sf.write(tmp_path / f"tone.{suffix}", tone(2.0), RATE)
    at_once, _ = sf.read(tmp_path / f"tone.{suffix}", dtype="float32")
    loaded = load_audio(tmp_path / f"tone.{suffix}")
    assert len(loaded) >= len(at_once) - 256  # of Vorbis FFmpeg leaves out half of the last block
    np.testing.assert_allclose(loaded[: len(at_once)], at_once[: len(loaded)], atol=1e-5)


def test_load_audio_keeps_time_in_m4a(tmp_path: Path) -> None:
    samples = tone(1.0, 44100)
    samples[:22050] = 0
    encode(tmp_path / "late.m4a", samples, 44100, "aac")
    onset = np.flatnonzero(np.abs(load_audio(tmp_path / "late.m4a")) > 0.1)[0]
    assert onset / RATE == pytest.approx(0.5, abs=0.005)


def test_load_audio_reads_192_khz_in_eight_channels(tmp_path: Path) -> None:
    samples = tone(0.5, 192000, n_channels=8)
    samples[:, 1:] = 0
    sf.write(tmp_path / "surround.wav", samples, 192000, subtype="PCM_24")
    loaded = load_audio(tmp_path / "surround.wav")
    assert loaded.shape == (RATE // 2,)
    assert np.abs(loaded[1000:-1000]).max() == pytest.approx(0.5 / 8, rel=0.01)


def test_load_audio_resamples_to_the_rate_asked_for(tmp_path: Path) -> None:
    sf.write(tmp_path / "tone.wav", tone(1.0, 44100), 44100)
    assert load_audio(tmp_path / "tone.wav", 32000).shape == (32000,)


def test_the_memory_for_decoding_in_blocks_does_not_grow_with_the_song(tmp_path: Path) -> None:
    def peak_bytes(duration_s: float) -> int:
        sf.write(tmp_path / "song.flac", tone(duration_s), RATE)
        tracemalloc.start()
        n_samples = sum(len(block) for block in iter_audio(tmp_path / "song.flac", 2 * RATE))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert n_samples == 2 * RATE * duration_s
        return peak

    peak_bytes(1.0)
    assert peak_bytes(60.0) < peak_bytes(15.0) + 1e5  # a minute is 7.7 MB


def test_load_audio_leaves_samples_at_the_right_rate_alone(tmp_path: Path) -> None:
    sf.write(tmp_path / "tone.wav", tone(1.0), RATE, subtype="FLOAT")
    np.testing.assert_array_equal(load_audio(str(tmp_path / "tone.wav")), tone(1.0)[:, 0])


def test_load_audio_returns_silence_as_it_is(tmp_path: Path) -> None:
    sf.write(tmp_path / "silence.flac", np.zeros(44100), 44100)
    np.testing.assert_array_equal(load_audio(tmp_path / "silence.flac"), np.zeros(RATE, np.float32))


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg"])
def test_load_audio_reads_30_milliseconds(tmp_path: Path, suffix: str) -> None:
    sf.write(tmp_path / f"blip.{suffix}", tone(0.03, 44100), 44100)
    assert len(load_audio(tmp_path / f"blip.{suffix}")) == pytest.approx(480, abs=48)


@pytest.mark.parametrize(
    "name",
    [
        "two words.wav",
        'it\'s "quoted".flac',
        "línea\nnueva.ogg",
        "Дом 雪 שיר.mp3",
        "file:name.wav",
        "http:song.m4a",
        "-.wav",
        "no suffix",
        "lies.txt",
        "headerless.raw",
        os.fsdecode(b"latin-\xe9.wav"),
    ],
)
def test_load_audio_takes_any_name(tmp_path: Path, name: str) -> None:
    encode(tmp_path / "tone.m4a", tone(0.5), RATE, "aac")
    sf.write(tmp_path / "tone.wav", tone(0.5), RATE)
    try:
        path = (tmp_path / ("tone.m4a" if name.endswith(".m4a") else "tone.wav")).rename(tmp_path / name)
    except OSError:
        pytest.skip("this file system does not take the name")
    assert loudest_hz(load_audio(path)[:8000]) == pytest.approx(TONE_HZ, abs=2)


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg", "aiff", "aac"])
def test_load_audio_reads_a_cut_off_file_as_far_as_it_goes(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cut.{suffix}"
    generator = np.random.default_rng(0)
    samples = (tone(4.0, 44100) + 0.1 * generator.standard_normal((4 * 44100, 1))).astype(np.float32)
    if suffix == "aac":
        encode(path, samples, 44100, "aac")
    else:
        with sf.SoundFile(path, "w", 44100, 1) as file:
            for second in range(4):  # libsndfile cannot write much Vorbis at once
                file.write(samples[second * 44100 : (second + 1) * 44100])
    path.write_bytes(path.read_bytes()[: int(0.6 * path.stat().st_size)])
    assert 1.8 <= len(load_audio(path)) / RATE <= 2.6


def test_load_audio_skips_a_damaged_packet(tmp_path: Path) -> None:
    path = tmp_path / "scratched.aac"
    encode(path, tone(4.0, 44100), 44100, "aac")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 50] = bytes(50)
    path.write_bytes(data)
    assert 3.5 <= len(load_audio(path)) / RATE <= 4.2


def write_nothing(path: Path) -> None:
    """An empty file."""
    path.touch()


def write_text(path: Path) -> None:
    """Not audio, whatever its name says."""
    path.write_text("These are the words of the song.\n" * 200)


def write_noise(path: Path) -> None:
    """Bytes without a meaning."""
    path.write_bytes(np.random.default_rng(1).bytes(20_000))


def write_zero_length(path: Path) -> None:
    """A sound header and nothing behind it."""
    sf.write(path, np.zeros((0, 2)), 44100)


def write_header_only(path: Path) -> None:
    """The beginning of an Ogg file."""
    sf.write(path, tone(1.0), RATE)
    path.write_bytes(path.read_bytes()[:200])


def write_nan(path: Path) -> None:
    """One sample that is not a number."""
    sf.write(path, np.where(np.arange(RATE) == 70, np.nan, tone(1.0)[:, 0]), 44100, subtype="FLOAT")


def write_infinity(path: Path) -> None:
    """One infinite sample in each channel, of opposite signs."""
    samples = tone(1.0, n_channels=2)
    samples[70] = np.inf, -np.inf
    sf.write(path, samples, RATE, subtype="FLOAT")


def write_slow_clock(path: Path) -> None:
    """A header that would make an hour out of each 3600 samples."""
    sf.write(path, tone(1.0), 1)


def write_playlist(path: Path) -> None:
    """Names another file, and must not make us open it."""
    sf.write(path.with_name("secret.wav"), tone(1.0), RATE)
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.wav\n#EXT-X-ENDLIST\n")


@pytest.mark.parametrize(
    ("write", "name", "sentence"),
    [
        (write_nothing, "empty.mp3", "empty.mp3 is an empty file"),
        (write_text, "words.mp3", "words.mp3 cannot be read as audio: "),
        (write_text, "words.txt", "words.txt cannot be read as audio: "),
        (write_noise, "noise.bin", "noise.bin cannot be read as audio: "),
        (write_zero_length, "nothing.wav", "nothing.wav holds no audio"),
        (write_header_only, "header.ogg", "header.ogg cannot be read as audio: "),
        (write_nan, "broken.wav", "broken.wav holds samples that are NaN or infinite"),
        (write_infinity, "broken.wav", "broken.wav holds samples that are NaN or infinite"),
        (write_slow_clock, "slow.wav", "slow.wav has a sample rate of 1 Hz, and only 1000 to 1000000 Hz are supported"),
        (write_film, "film.mp4", "film.mp4 has no audio stream"),
        (write_playlist, "list.m3u8", "list.m3u8 cannot be read as audio: "),
        (Path.mkdir, "album.mp3", "album.mp3 is a folder, not an audio file"),
        (os.mkfifo, "pipe.wav", "pipe.wav is a device, not an audio file"),
        (lambda path: None, "missing.wav", "missing.wav does not exist"),
        (write_text, "línea\nnueva.mp3", "línea�nueva.mp3 cannot be read as audio: "),
        (lambda path: None, "n" * 300, "n" * 254 + "… cannot be opened: "),
    ],
)
def test_load_audio_says_in_one_line_what_is_wrong(tmp_path: Path, write: Any, name: str, sentence: str) -> None:
    write(tmp_path / name)
    with pytest.raises(AudioError) as raised:
        load_audio(tmp_path / name)
    message = str(raised.value)
    assert message.startswith(sentence)
    assert message.isprintable()
    assert str(tmp_path) not in message


def test_load_audio_reports_a_file_it_may_not_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, flags: int) -> int:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "locked.wav").write_bytes(b"RIFF")
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(AudioError, match=r"^locked\.wav cannot be opened: Permission denied$"):
        load_audio(tmp_path / "locked.wav")


def test_load_audio_says_that_a_name_no_file_can_have_does_not_exist() -> None:
    with pytest.raises(AudioError, match=r"^a�b\.wav does not exist$"):
        load_audio("a\0b.wav")


def test_load_audio_does_not_wait_for_a_pipe_that_takes_the_place_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sf.write(tmp_path / "song.wav", tone(0.1), RATE)
    os.mkfifo(tmp_path / "pipe")
    opened = os.open

    def swap(path: str, flags: int) -> int:
        (tmp_path / "pipe").replace(tmp_path / "song.wav")
        return opened(path, flags)

    monkeypatch.setattr(os, "open", swap)
    with pytest.raises(AudioError, match=r"^song\.wav is a device, not an audio file$"):
        load_audio(tmp_path / "song.wav")


@pytest.mark.parametrize("suffix", ["wav", "m4a"])
def test_load_audio_refuses_more_than_it_is_asked_for(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"long.{suffix}"
    encode(path, tone(6.0), RATE, "aac" if suffix == "m4a" else "pcm_s16le")
    assert len(load_audio(path, longest_s=7.0)) == pytest.approx(6.0 * RATE, abs=2048)
    with pytest.raises(
        AudioError, match=rf"^long\.{suffix} lasts longer than 0\.05 minutes, the longest that is taken$"
    ):
        load_audio(path, longest_s=3.0)


def test_load_audio_says_nothing_besides_when_a_header_names_places_before_the_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = tone(1.0)
    sf.write(tmp_path / "cut.aiff", content, RATE)
    (tmp_path / "cut.aiff").write_bytes((tmp_path / "cut.aiff").read_bytes()[:38])
    with pytest.raises(AudioError, match=r"^cut\.aiff "):
        load_audio(tmp_path / "cut.aiff")
    assert capfd.readouterr().err == ""


def test_ffmpeg_is_loaded_only_for_a_file() -> None:
    program = "import sys, mtinst.cli; mtinst.cli.main(sys.argv[1:])"
    answer = run(
        [sys.executable, "-X", "importtime", "-c", program, "--help"], capture_output=True, text=True, check=True
    )
    assert not any(line.endswith((" av", " torch", " scipy.fft")) for line in answer.stderr.splitlines())


@pytest.mark.slow
def test_load_audio_needs_little_more_memory_than_its_result(tmp_path: Path) -> None:
    minute = np.random.default_rng(0).uniform(-0.5, 0.5, (60 * 44100, 2)).astype(np.float32)
    with sf.SoundFile(tmp_path / "long.wav", "w", 44100, 2) as file:
        for _ in range(10):
            file.write(minute)
    program = (
        "import resource, sys; import numpy as np; from mtinst.hear.audio import load_audio\n"
        "load_audio(sys.argv[1]); before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "samples = load_audio(sys.argv[2])\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / samples.nbytes)"
    )
    sf.write(tmp_path / "short.wav", minute[:44100], 44100)
    command = [sys.executable, "-c", program, str(tmp_path / "short.wav"), str(tmp_path / "long.wav")]
    answer = run(command, capture_output=True, text=True, check=True)
    assert float(answer.stdout) < 1.3  # the whole file as float32 would be 5.5


@given(
    n_samples=st.integers(2, 3 * audio.BLOCK_SAMPLES),
    n_channels=st.integers(1, 8),
    sample_rate=st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000, 192000]),
    seed=st.integers(0, 2**32 - 1),
)
def test_to_mono_in_blocks_equals_the_resampler_at_once(
    n_samples: int, n_channels: int, sample_rate: int, seed: int
) -> None:
    n_samples, rng = max(n_samples, 100), np.random.default_rng(seed)
    alike, unlike = (rng.uniform(-0.5, 0.5, (n_samples, n)).astype(np.float32) for n in (1, n_channels))
    samples = alike + unlike  # what is unlike alone may cancel by chance, and is then kept from it
    expected = samples.mean(axis=1)
    if sample_rate != RATE:
        expected = soxr.resample(expected, sample_rate, RATE, quality="HQ")
    mono = to_mono(samples, sample_rate, RATE)
    assert mono.dtype == np.float32
    assert len(mono) == pytest.approx(n_samples * RATE / sample_rate, abs=1)
    np.testing.assert_allclose(mono, expected, atol=1e-5)
    np.testing.assert_array_equal(to_mono(samples.T, sample_rate, RATE), mono)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (np.array([-128, 0, 127], dtype=np.int8), [-1, 0, 127 / 128]),
        (np.array([0, 128, 255], dtype=np.uint8), [-1, 0, 127 / 128]),
        (np.array([-32768, 0, 16384], dtype=np.int16), [-1, 0, 0.5]),
        (np.array([0, 32768, 49152], dtype=np.uint16), [-1, 0, 0.5]),
        (np.array([-(2**31), 0, 2**30], dtype=np.int32), [-1, 0, 0.5]),
        (np.array([-1, 0, 0.5], dtype=np.float64), [-1, 0, 0.5]),
        (np.array([-1, 0, 0.5], dtype=np.float16), [-1, 0, 0.5]),
        (np.array([[-1, 0], [0, 0], [1, 0]], dtype=np.float32), [-0.5, 0, 0.5]),
        (np.array([[-1, 0, 1], [0, 0, 0]], dtype=np.float32), [-0.5, 0, 0.5]),
    ],
)
def test_to_mono_scales_by_type_and_averages_channels(samples: NDArray[Any], expected: list[float]) -> None:
    np.testing.assert_array_equal(to_mono(samples, RATE), np.array(expected, dtype=np.float32))


@pytest.mark.parametrize(
    ("samples", "sentence"),
    [
        (np.zeros(0), "holds no audio"),
        (np.zeros((0, 2)), "holds no audio"),
        (np.array([0, np.nan, 0]), "NaN or infinite"),
        (np.array([[0, np.inf], [0, -np.inf], [0, 0]]), "NaN or infinite"),
        (np.array([0, 1e300, 0]), "NaN or infinite"),  # too large for float32
    ],
)
def test_to_mono_refuses_what_is_not_sound(samples: NDArray[Any], sentence: str) -> None:
    with pytest.raises(AudioError, match=f"^the recording .*{sentence}"):
        to_mono(samples, RATE)


@pytest.mark.parametrize(
    ("samples", "sample_rate", "sentence"),
    [
        (np.zeros((2, 2, 2)), RATE, "one or two axes, not 3"),
        (np.zeros(8, dtype=complex), RATE, "floats or integers, not complex128"),
        (np.zeros(8), 0, "sample_rate must be a number of Hz from 1000 to 1000000, not 0"),
    ],
)
def test_to_mono_refuses_a_callers_mistake(samples: NDArray[Any], sample_rate: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        to_mono(samples, sample_rate)

"""Every sentence the page says on its own, in one place."""

import math

from mtinst.hear.tuning import HIGHEST_HZ, LOWEST_HZ

TITLE = "mtinst"
HEADLINE = "Hear what a song is made of"
TAGLINE = (
    "Bring a song. See which instruments play at every moment, who plays each note, "
    "and listen to every part on its own."
)

EXAMPLES_HEADING = "Try an example"
EXAMPLES_HELP = "One click, and the network listens to it."
OWN_HEADING = "Or bring your own"
AUDIO_LABEL = "Your song: drop a file here, or record one"
REFERENCE_LABEL = "The right notes, if you have them (.mid): to compare"
TUNING_LABEL = "Tuning: the A above middle C, in Hz"
TUNING_PLACEHOLDER = "estimated"
TRANSCRIBE = "Transcribe"
STOP = "Stop"

EMPTY_HEADING = "Nothing transcribed yet"
EMPTY = (
    "Pick an example above, and its notes appear here in a few seconds. "
    "Or drop in a song of your own and press Transcribe."
)
NO_SONG = "Choose a song first: pick an example, drop in a file, or record one."
NOT_SENT = "The recording did not get here: the connection was lost, or it is too large. Please record it again."
AWAITED = {
    "recording": "Still recording: press Stop when it is complete, and it goes on by itself",
    "recorded": "Sending the recording",
    "sent": "Sending the song",
}
READING = "Reading the song"
WRITING = "Writing down the notes"
PLAYING = "Playing the parts"
BROKEN = "Something went wrong that should not have; the log of this page says what."
READY = "Ready: press Transcribe."
NO_SUCH_TUNING = f"An A is tuned to {LOWEST_HZ:g} to {HIGHEST_HZ:g} Hz, or to nothing, and then it is estimated."
ASIDE_GONE = "That song is no longer kept here; please bring it again."
LINK_GONE = "The result of this link is no longer kept here; please bring the song again."
DISK_FULL = (
    "There is no room left on the disk of this page's computer. Older results were removed to make some; "
    "please try again."
)
NO_SOUND_KEEPS = "The notes below are complete all the same, only without their sound."
BODY_TOO_LARGE = "That is more than this page takes."
SONG_GONE = "This song is no longer kept here; please transcribe it again."
NO_SUCH_FILE = "There is no such file to take away."
NOT_PLAYED = "Nothing of that is played in this result."
REFERENCE_READY = "Noted: the result will be compared with these notes."
COMPARED = "Compared with your notes."
STOPPED = "Stopped."
STOPPED_PLAYING = (
    "Stopped. The notes below are complete, but their parts were not played; transcribing that song again plays them."
)
STOPPED_KEEPS = "Stopped. What you see below is still the result from before."
FAILED_KEEPS = "What you see below is still the result from before."

OTHER_MEANS = "any sound that has a pitch and is none of the named ones: clarinet, horn, organ, harp, synthesiser …"

ACTIVITY_HEADING = "Who plays when"
NOTES_HEADING = "Who plays which note"
PITCH_HEADING = "Which pitches sound"


ADJUST_HEADING = "Adjust what counts as a note"
ADJUST_HELP = "This reads the notes off again at once; the network does not have to listen a second time."
ONSET_LABEL = "Note beginnings"
ONSET_INFO = "To the right, fainter beginnings count too."
FRAME_LABEL = "Held notes"
FRAME_INFO = "To the right, fainter notes count and last longer."
SHORTEST_LABEL = "Shortest note (ms)"
SHORTEST_INFO = "To the left, shorter notes count too."
ONLY_LABEL = "Only these instruments"
ONLY_INFO = f"Voice is singing, and Other is {OTHER_MEANS}"
MORE_LABEL = "More: each instrument by itself"
MORE_HELP = "To the right, an instrument is heard sooner: fainter notes of it count."
RESET = "Back to the defaults"

DOWNLOADS_HEADING = "Take it with you"

SCORE_HEADING = "The score"
MORE_BEATS = "Notes moved to the beats, and the beats"
LINK = "Link to this result"
LINK_COPIED = "Link copied"
MORE_PICTURE = "The picture, sharp at any size"
MORE_JAMS = "Notes and activations"
MORE_CORRECTIONS = "Your corrections, which training can read"
MORE_PARTS = "All parts, one file each"
MORE_MIX = "All parts together"
MORE_DOWNLOADS = "Other formats, and each instrument by itself"
READ_HEADING = "How to read this"
READ = (
    "<b>A bar is a note</b>: further right is later, longer sounds longer, higher up is higher in pitch. "
    "Its colour says who plays it, the same everywhere on this page.",
    "<b>The rows of colour</b> say how sure the network is that an instrument plays, before notes are made of it.",
    "<b>What you hear</b> is a synthesiser that plays these notes, and the song itself; nothing is cut out of it.",
    "<b>With the right notes at hand</b>, as for the examples, a note is found, missed or too many; it is found when "
    "pitch and instrument are right and its beginning is at most 50 ms off. F1 is 100 % when all are found and none is "
    "too many.",
)

LIMITS_HEADING = "What it cannot do"
LIMITS = (
    "It names nine instruments and <strong>Voice</strong>, which is singing. <strong>Other</strong> is one part for "
    f"{OTHER_MEANS} Now and then one of those is mistaken for a named one.",
    "<strong>Drums and speech</strong> are not transcribed.",
    "Instruments of a kind melt into one: two violins give one violin part, and a viola, which is Other, may pass for "
    "a violin or a cello.",
    "In a dense mix, quiet notes get lost and some notes go to the wrong player. "
    "Loudness is a rough estimate, and so are tempo and bars, which are half or twice as fast now and then.",
)
USE_HEADING = "How to use it"
USE = (
    "<b>Solo</b> plays one instrument alone, and its notes light up as they sound. <b>Mute</b> leaves one out.",
    "<b>The song itself</b> and <b>its notes</b> run in step: slide from one to the other and compare.",
    "Click the notes or the pitches to jump there, and an instrument's row to pick out its notes. "
    "Drag to move along, turn the wheel over the notes or pinch to look closer, and drag along the times above the "
    "notes to mark what is to be played again and again. The keys stand below the pictures.",
    "<b>Edit</b> puts wrong notes right: move, lengthen, add and remove them, or give them to another instrument. "
    "All that you hear and take away follows, and the link keeps it.",
    "<b>The score</b> opens below the notes and follows the sound; a click on it goes there. Beside it tempo and bars "
    "are put right, and so they are in the files.",
    "<b>Ghosts</b> are notes that were half heard, in outline: a click adds one. Hold on any note to see how likely "
    "each instrument plays it, and click one to give the note to it.",
)
MODEL_HEADING = "How it works"
MODEL = (
    "A U-net looks at a log-frequency spectrogram, 31 times a second. It has learnt three tasks at once: who plays "
    "which note, which instruments sound, and which pitches; who plays is then decided for each note as a whole. "
    "To learn three tasks at once is the idea of Yun-Ning Hung, Yi-An Chen and Yi-Hsuan Yang, "
    '<a href="https://arxiv.org/abs/1811.01143" target="_blank" rel="noopener">“Multitask learning for frame-level '
    "instrument recognition”</a>, ICASSP 2019. The network and its weights here were made from scratch."
)
PRIVACY = (
    "Songs are worked on by the computer that serves this page and nowhere else. "
    "It keeps the latest results, with the songs they are of, until it needs the room for others, so that a link or "
    "the same song comes up at once; whoever has a result's link can hear it. The files as they were uploaded are "
    "deleted after about an hour."
)


def bring_back(title: str) -> str:
    """The button for a song of one's own that made room for an example.

    Examples
    --------
    >>> bring_back("Recording")
    'Back to “Recording”'
    """
    return f"Back to “{title}”"


def not_sent(name: str) -> str:
    """What became of a file that could not be sent.

    Examples
    --------
    >>> not_sent("opera.wav")
    'opera.wav did not get here: the connection was lost, or it is too large.'
    """
    return f"{name} did not get here: the connection was lost, or it is too large."


def went_to_right_notes(name: str) -> str:
    """What became of a MIDI file that was brought as a song.

    Examples
    --------
    >>> went_to_right_notes("song.mid")
    'song.mid holds notes, not sound, and went to the right notes, to compare.'
    """
    return f"{name} holds notes, not sound, and went to the right notes, to compare."


def limits_of_size(max_minutes: float, max_mb: float) -> str:
    """What length and size the page takes.

    Examples
    --------
    >>> limits_of_size(15, 100)
    'Audio or video of any usual kind; up to 15 minutes and 100 MB.'
    """
    minutes = f"{max_minutes:g} minute" + ("" if max_minutes == 1 else "s")
    return f"Audio or video of any usual kind; up to {minutes} and {max_mb:g} MB."


def parts_help(synthesiser: str) -> str:
    """What it is that one hears.

    Examples
    --------
    >>> parts_help("FluidSynth")[:85]
    'The parts are not cut out of the recording. They are its transcribed notes, played by'
    """
    return (
        "The parts are not cut out of the recording. They are its transcribed notes, played by a synthesiser "
        f"({synthesiser}), so you hear what was understood and what was not."
    )


def tuned_to(tuning_hz: float) -> str:
    """How a song is tuned.

    Examples
    --------
    >>> tuned_to(441.8)
    'A = 442 Hz'
    """
    return f"A = {tuning_hz:.0f} Hz"


def waiting(n_before: int) -> str:
    """Whose turn it is.

    Examples
    --------
    >>> waiting(1), waiting(3)
    ('Waiting: 1 song before yours', 'Waiting: 3 songs before yours')
    """
    return f"Waiting: {n_before} song{'' if n_before == 1 else 's'} before yours"


def too_many_of_yours(n_songs: int) -> str:
    """Refusal of one more song of the same visitor's.

    Examples
    --------
    >>> too_many_of_yours(5)
    '5 songs of yours are being worked on or waiting already; please bring this one when one of them is done.'
    """
    songs = "1 song of yours is" if n_songs == 1 else f"{n_songs} songs of yours are"
    one = "it" if n_songs == 1 else "one of them"
    return f"{songs} being worked on or waiting already; please bring this one when {one} is done."


def too_many(n_songs: int) -> str:
    """Refusal of one more song of anybody's.

    Examples
    --------
    >>> too_many(30)
    '30 songs are waiting already, more than this page takes on; please try again in some minutes.'
    """
    songs = "1 song is" if n_songs == 1 else f"{n_songs} songs are"
    return f"{songs} waiting already, more than this page takes on; please try again in some minutes."


def too_large(name: str, n_bytes: float, max_mb: float) -> str:
    """Refusal of a file over the limit.

    Examples
    --------
    >>> too_large("opera.wav", 250e6, 100)
    'opera.wav is 250 MB large; this page takes files of up to 100 MB.'
    """
    return f"{name} is {n_bytes / 1e6:.0f} MB large; this page takes files of up to {max_mb:g} MB."


def seconds_left(seconds: float) -> str:
    """How long it may still take, no more exactly than can be known.

    Examples
    --------
    >>> seconds_left(0.4), seconds_left(7.2), seconds_left(34), seconds_left(100)
    ('about 1 s left', 'about 8 s left', 'about 35 s left', 'about 2 min left')
    """
    if seconds > 90:
        return f"about {math.ceil(seconds / 60)} min left"
    step = 5 if seconds > 20 else 1
    return f"about {max(1, step * math.ceil(seconds / step))} s left"


def scores(note_f1: float, note_instrument_f1: float, n_hit: int, n_missed: int, n_extra: int) -> str:
    """How well the notes agree with the right ones.

    Examples
    --------
    >>> scores(0.912, 0.5, 10, 3, 1)
    'Against the right notes: 10 found, 3 missed, 1 too many. F1 91 % of notes, 50 % with the right instrument.'
    """
    return (
        f"Against the right notes: {n_hit} found, {n_missed} missed, {n_extra} too many. "
        f"F1 {note_f1:.0%} of notes, {note_instrument_f1:.0%} with the right instrument."
    ).replace("%", " %")


def done_in(seconds: float) -> str:
    """How long it took.

    Examples
    --------
    >>> done_in(4.234)
    'Done in 4.2 s.'
    """
    return f"Done in {seconds:.1f} s."


def n_notes(count: int) -> str:
    """A number of notes in words.

    Examples
    --------
    >>> n_notes(1), n_notes(12)
    ('1 note', '12 notes')
    """
    return f"{count} note" + ("" if count == 1 else "s")


def players(names: list[str]) -> str:
    """Who plays, by name, or how many when that would be a long list.

    Examples
    --------
    >>> players(["Piano"]), players(["Piano", "Bass", "Flute"]), players(["Piano"] * 7)
    ('piano', 'piano, bass and flute', '7 instruments')
    """
    if len(names) > 5:
        return f"{len(names)} instruments"
    names = [name.lower() for name in names]
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))

"""Write what the shipped weights hear of the first example: ``python -m examples.heard``, once they are others.

The page shows it at once, on a machine that has not heard anything yet. The file's name says by which weights it is;
with others the page listens itself.
"""

from mtinst.files import EXAMPLES
from mtinst.page.examples import find_examples, heard_beside
from mtinst.pipeline import Transcriber


def main() -> None:
    """Replace the file in the examples' folder."""
    transcriber, song = Transcriber.load(), find_examples(EXAMPLES)[0].path
    transcription = transcriber.transcribe(song)
    for earlier in EXAMPLES.glob("*.npz"):
        earlier.unlink()
    transcription.save_npz(heard_beside(song, transcriber.digest))


if __name__ == "__main__":
    main()

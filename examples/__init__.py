"""The example songs: what ships (``*.ogg``, ``*.mid``) and the programs and scores that made it.

``notation`` reads scores written as text, ``piece`` says who plays what, ``perform`` turns beats into seconds as a
player would, ``render`` makes the sound, and ``python -m examples.make`` runs the four in order.
"""

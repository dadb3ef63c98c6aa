"""The ten pieces, a module each, in the order in which the page shows them."""

from examples.piece import Piece
from examples.scores import (
    canon,
    copper_wire,
    fur_elise,
    greensleeves,
    invention,
    kesh,
    lagrima,
    mountain_king,
    saints,
    trumpet_voluntary,
)

PIECES: tuple[Piece, ...] = (
    fur_elise.PIECE,
    lagrima.PIECE,
    invention.PIECE,
    canon.PIECE,
    greensleeves.PIECE,
    trumpet_voluntary.PIECE,
    saints.PIECE,
    copper_wire.PIECE,
    kesh.PIECE,
    mountain_king.PIECE,
)

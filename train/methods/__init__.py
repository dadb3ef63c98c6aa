"""The methods that the paper is compared with in its table 3, one module each, all behind :class:`Method`.

They learn from the same batches as the multitask networks and see the same features; what differs is what each of them
does with those, and which part of the labels it may use.
"""

from train.methods.base import Method, load_method, save_method
from train.methods.gururani import GururaniCrnn
from train.methods.hung import TimbreAndPitch
from train.methods.liu import WeaklySupervised

METHODS: dict[str, type[Method]] = {method.name: method for method in (WeaklySupervised, GururaniCrnn, TimbreAndPitch)}

__all__ = ["METHODS", "GururaniCrnn", "Method", "TimbreAndPitch", "WeaklySupervised", "load_method", "save_method"]

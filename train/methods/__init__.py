"""The methods that the paper is compared with in its table 3, one module each, all behind one interface.

They learn from the same batches as the multitask networks and see the same features; what differs is what each of them
does with those, and which part of the labels it may use.
"""

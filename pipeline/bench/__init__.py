"""The bench: the same networks by several contenders in turn, and the ratios of their times.

A `Contender` is a name and a way to run; a `Comparison` sets some against each other. They run in turn, so that what
else the machine does meets all of them, and each ratio is of two runs that stood side by side.
"""

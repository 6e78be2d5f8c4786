"""What a run will take before it runs: memory, disk and time.

A short run of the same model, the calibration, is measured; what grows with the model time is extrapolated by formulas,
and what does not is taken as it was found.
"""

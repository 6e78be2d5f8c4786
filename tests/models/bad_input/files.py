"""Files of arrays, pairs and spikes that a model names."""

from tests.models.bad_input.small_model import SPIKES, Case

CASES: dict[str, Case] = {
    "file that does not exist": (
        {"pathway.slow.weight": {"file": "gone.npy", "unit": "mV"}},
        "small: pathway.slow.weight: names a file that does not exist (got {folder}/gone.npy).\n"
        "  next: make the file, or correct its name, which is relative to the model file's folder",
    ),
    "file that is no array": (
        {"pathway.slow.weight": {"file": "text.npy"}},
        "small: pathway.slow.weight: names a file that is not a NumPy array (got {folder}/text.npy).\n"
        "  evidence: the magic string is not correct; expected b'\\x93NUMPY', got b'not an'",
    ),
    "file of another kind": (
        {"pathway.slow.weight": {"file": "w.txt"}},
        'small: pathway.slow.weight: is not a NumPy file (expected a file name that ends in ".npy"; got "w.txt").',
    ),
    "file of the wrong shape": (
        {"pathway.slow.weight": {"file": "2x3.npy", "unit": "mV"}},
        "small: pathway.slow.weight: is a matrix of the wrong shape (expected 4 rows (sources, L1E) by 4 "
        "columns (targets, L1E); got 2 by 3 in {folder}/2x3.npy).",
    ),
    "file with a negative weight": (
        {"pathway.slow.weight": {"file": "negative.npy", "unit": "mV"}},
        "small: pathway.slow.weight: has a negative number (expected 0 or more; got -0.0005 in SI units in "
        "{folder}/negative.npy).\n"
        "  next: write magnitudes; `polarity` says which way they act",
    ),
    "file with nan": (
        {"pathway.slow.weight": {"file": "nan.npy", "unit": "mV"}},
        "small: pathway.slow.weight: names an array with numbers that are not finite (got {folder}/nan.npy).",
    ),
    "file with text": (
        {"pathway.slow.weight": {"file": "names.npy"}},
        "small: pathway.slow.weight: names an array that does not hold numbers (got <U1 in {folder}/names.npy).",
    ),
    "file of initial values of the wrong length": (
        {"neuron.lif.v_initial": {"file": "2x3.npy", "unit": "mV"}},
        "small: neuron.lif.v_initial: has the wrong number of values (expected a list of 4, one per neuron "
        "of L1E; got 2 by 3 in {folder}/2x3.npy).",
    ),
    "pairs that do not exist": (
        {"pathway.slow.connect": {"pairs": "sub/pairs.csv"}},
        "small: pathway.slow.connect: names a file that does not exist (got {folder}/sub/pairs.csv).\n"
        "  next: make the file, or correct its name, which is relative to the model file's folder",
    ),
    "pairs beyond the population": (
        {"pathway.slow.connect": {"pairs": "pairs.csv"}},
        "small: pathway.slow.connect: has a target that does not exist (expected 0 to 3 (L1E); got 4 in "
        "{folder}/pairs.csv).",
    ),
    "pairs with a header": (
        {"pathway.slow.connect": {"pairs": "header.csv"}},
        "small: pathway.slow.connect: is not a list of pairs (expected lines such as 0,12 (source, target), "
        "without a header; got {folder}/header.csv).\n"
        "  evidence: could not convert string 'source' to int64 at row 0, column 1.",
    ),
    "a pair twice": (
        {"pathway.slow.connect": {"pairs": "twice.npy"}},
        "small: pathway.slow.connect: has a pair twice (expected each pair once; got 0, 1 in {folder}/twice.npy).",
    ),
    "pairs in three columns": (
        {"pathway.slow.connect": {"pairs": "2x3.npy"}},
        "small: pathway.slow.connect: is not a list of pairs (expected one row per edge: source, target; got "
        "2 by 3 in {folder}/2x3.npy).",
    ),
    "one weight too few for the pairs": (
        {"pathway.slow.connect": {"pairs": "good.csv"}, "pathway.slow.weight": {"values": [1], "unit": "mV"}},
        "small: pathway.slow.weight: has the wrong number of values (expected 2, one per pair; got a list of 1).",
    ),
    "matrix file that does not exist": (
        {"pathway.slow.connect": {"matrix": "gone.npy"}},
        "small: pathway.slow.connect: names a file that does not exist (got {folder}/gone.npy).\n"
        "  next: make the file, or correct its name, which is relative to the model file's folder",
    ),
    "matrix file of the wrong shape": (
        {"pathway.slow.connect": {"matrix": "2x3.npy"}},
        "small: pathway.slow.connect: is a matrix of the wrong shape (expected 4 rows (sources, L1E) by 4 "
        "columns (targets, L1E); got 2 by 3 in {folder}/2x3.npy).",
    ),
    "spike file that does not exist": (
        {"drive.noise": SPIKES},
        "small: drive.noise.file: names a file that does not exist (got {folder}/spikes.csv).\n"
        "  next: make the file, or correct its name, which is relative to the model file's folder",
    ),
}

"""The model-definition layer: networks described in files, expanded, sampled, and assembled as Brian2 objects."""

from models.errors import CurrentsError, Problem, SpecError
from models.files import list_networks, load_network, to_toml
from models.spec import NetworkSpec

__all__ = ["CurrentsError", "NetworkSpec", "Problem", "SpecError", "list_networks", "load_network", "to_toml"]

"""Words of Keras, PyTorch, scikit-learn and papers, and what minidl calls them: data alone.

`keywords.py` answers wrong calls and attributes with these tables, errors.py unknown names, and the
command line unknown options. Tests follow the answers. It imports nothing.
"""

from minidl.words.arguments import ARGUMENTS, NOTES, PLACES, USAGE
from minidl.words.methods import METHODS, MISPLACED, NEVER_SET
from minidl.words.modules import MODULES
from minidl.words.names import COLUMNS, COMMANDS, NAMES, OPTIONS
from minidl.words.objects import OBJECTS

ATTRIBUTES = OBJECTS | MODULES

__all__ = ["ARGUMENTS", "ATTRIBUTES", "COLUMNS", "COMMANDS", "METHODS", "MISPLACED", "NAMES"]
__all__ += ["NEVER_SET", "NOTES", "OBJECTS", "OPTIONS", "PLACES", "USAGE"]

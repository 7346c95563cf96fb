"""minidl: a small, exact deep-learning framework on NumPy."""

__version__ = "0.1.0"

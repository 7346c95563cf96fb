"""A comparison as a figure: its data, its panels, and the drawing.

Imports :class:`minidl.comparison.analysis.Results`, ``report``, and what is below them; only
``panels`` and ``scales`` need matplotlib when imported.
"""

"""A comparison as a figure: its data, its style, and the drawing.

Imports names from ``report``, and what is below it; only ``panels`` needs matplotlib when imported.
"""

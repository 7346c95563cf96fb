"""A comparison as a figure: what is drawn, in which style, and the drawing itself.

The only place of the comparison that imports matplotlib, when a figure is drawn.
"""

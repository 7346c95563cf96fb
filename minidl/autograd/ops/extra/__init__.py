"""More of NumPy: operations that no layer and no loss of minidl uses.

A reader of the framework can skip them.
"""

"""More of NumPy: operations that no layer and no loss of minidl uses.

They are written in the operations of the folder above, and a reader of the framework can skip them.
"""

"""The compiled epoch: one step is recorded, and replayed without Python."""

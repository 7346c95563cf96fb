"""Random examples are the same in every run, and how long one takes is nobody's business."""

from hypothesis import settings

settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")

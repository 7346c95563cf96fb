"""What the tests have imported stays until the end, so garbage collections may leave it out."""

import gc


def pytest_collection_finish() -> None:
    gc.freeze()

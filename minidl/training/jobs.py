"""Blocks of networks in several processes, by way of joblib.

The decision of this file: a block travels as one string of bytes, its trainers as cloudpickle
writes them, there and back. So whatever joblib computes with (its own processes, Dask, Ray) can
send lambdas, and what cannot be sent is named here. Rows of data are arguments of their own,
which joblib maps into the memory of its processes, and Dask sends once to each. The blocks are
the same for any number of jobs, and each has one BLAS thread, here too: products of large matrices
differ in their last bits between one thread and two.
"""

from __future__ import annotations

import contextlib
import pickle
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from dataclasses import dataclass
from typing import Any

from minidl.autograd import Array
from minidl.checks import check_count
from minidl.errors import ArgumentError, WorkerError
from minidl.training.block import train_together
from minidl.training.data import Rows
from minidl.training.trainer import Trainer

__all__ = ["Work", "check_jobs", "train_blocks"]

Trainers = list[Trainer]
Pair = tuple[Rows, Rows | None]  # to train on, and to measure as well
DEATHS = 3  # of blocks that are alone with their process; then the others are not tried
DIED = {"KilledWorker", "WorkerCrashedError", "RayActorError"}  # what Dask and Ray call it


@dataclass(frozen=True)
class Work:
    """A block: trainers, and the rows, or sets of rows, that they need; see `train_together`."""

    trainers: Trainers
    rows: Pair
    sets: Sequence[int] | None = None


def check_jobs(jobs: object) -> int | None:
    """Return a number of processes as joblib takes it, or raise :class:`ArgumentError`.

    Examples
    --------
    >>> check_jobs(-1)
    -1
    """
    if jobs == 0 or isinstance(jobs, (bool, float, str)):
        raise ArgumentError(
            "jobs cannot be used", received=repr(jobs), expected="1, 2, ..., -1 for all, or None"
        )
    return None if jobs is None else check_count("jobs", jobs, -(2**16))


def train_blocks(
    blocks: Sequence[Work],
    epochs: int,
    jobs: int | None,
    done: Callable[[Trainers], object],
) -> None:
    """Train each of these blocks; the trainers hold what came out.

    Parameters
    ----------
    blocks : sequence of Work
        Each is trained together. Those of the same rows should have the same objects as rows.
    epochs : int
        How many.
    jobs : int or None
        1: here, without joblib. Otherwise joblib's ``n_jobs``.
    done : callable
        Is given the trainers of a block that has just been finished.

    Raises
    ------
    WorkerError
        Blocks are unfinished after three tries, since their processes died.
    ArgumentError
        Something cannot be sent to another process, or back.
    """
    if jobs == 1:
        with _one_blas_thread():
            for block in blocks:
                train_together(block.trainers, block.rows, epochs, block.sets)
                done(block.trainers)
        return
    left = dict(enumerate(blocks))

    def died(order: Iterable[int]) -> Exception | None:
        """Train these in other processes; return the error if one of those dies."""
        try:
            with contextlib.closing(_finished(order, left, epochs, jobs)) as finished:
                for k, packed in finished:
                    _take_over(left[k].trainers, packed)
                    done(left.pop(k).trainers)
        except Exception as error:
            if isinstance(error, BrokenExecutor) or DIED & {c.__name__ for c in type(error).mro()}:
                return error
            raise
        return None

    deaths: list[Exception] = []
    # Again, from the end, for what may have been the cause comes last then. And at last each by
    # itself, so that none is the victim of another.
    if died(list(left)) and left and died(list(left)[::-1]):
        for k in list(left):
            if len(deaths) < DEATHS and (death := died([k])):
                deaths.append(death)
    if left:
        raise _missing(block.trainers for block in left.values()) from deaths[-1]


def _finished(
    order: Iterable[int],
    blocks: dict[int, Work],
    epochs: int,
    jobs: int | None,
) -> Generator[tuple[int, bytes], None, None]:
    """Yield the number of each block and what its trainers have become, as they are finished."""
    import joblib

    options: dict[str, Any] = {"n_jobs": jobs, "batch_size": 1}
    starting: contextlib.AbstractContextManager[None] = _deaf_children()
    try:
        parallel = joblib.Parallel(return_as="generator_unordered", **options)
    except ValueError:  # multiprocessing's pools, and Ray's, give results at the end only
        parallel, starting = joblib.Parallel(**options), contextlib.nullcontext()
    work = joblib.delayed(_work)
    with _mended(parallel._backend):
        with starting:
            results = parallel(
                work(k, _pack(blocks[k].trainers), epochs, blocks[k].sets, *_arrays(blocks[k].rows))
                for k in order
            )
        yield from results


@contextlib.contextmanager
def _deaf_children() -> Iterator[None]:
    """Let processes that are started here ignore Ctrl-C, which a terminal sends to all.

    This one ends them. They would print a traceback each if it came while they import NumPy.
    """
    heard = signal.getsignal(signal.SIGINT)
    if heard is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, heard)


def _arrays(rows: Pair) -> list[Array]:
    return [array for one in rows if one is not None for array in (one.X, one.t)]


@contextlib.contextmanager
def _mended(backend: Any) -> Iterator[None]:
    """Mend two things in what joblib, up to 1.6, does with Dask.

    It never hears of an error that is Dask's own, such as a worker's death, and waits for ever.
    And if one worker is there (the other being started again) it computes here, not there.
    """
    if type(backend).__name__ != "DaskDistributedBackend":
        yield
        return
    submit_name = "submit" if hasattr(backend, "submit") else "apply_async"  # before joblib 1.5
    submit, configure = getattr(backend, submit_name), backend.configure

    def telling(func: Any, callback: Any = None) -> Any:
        future = submit(func, callback)
        future.add_done_callback(lambda ended: ended.exception() and callback(ended.exception()))
        return future

    mended = {submit_name: telling, "configure": lambda *a, **k: max(2, configure(*a, **k))}
    vars(backend).update(mended)
    try:
        yield
    finally:
        for name in mended:
            delattr(backend, name)


def _work(
    k: int, packed: bytes, epochs: int, sets: Sequence[int] | None, *arrays: Array
) -> tuple[int, bytes]:
    """Train block `k`, in another process."""
    trainers: Trainers = pickle.loads(packed)
    held_out = Rows(*arrays[2:]) if len(arrays) > 2 else None
    with _one_blas_thread():
        train_together(trainers, (Rows(*arrays[:2]), held_out), epochs, sets)
    return k, _pack(trainers)


def _pack(trainers: Trainers) -> bytes:
    """Return trainers as bytes, or say what cannot be."""
    try:
        return _as_bytes(trainers)
    except Exception as error:
        first = trainers[0]
        for thing in (*first.callbacks, first.model, first.loss, first.optimizer):
            try:
                _as_bytes(thing)
            except Exception as reason:
                raise ArgumentError(
                    f"{type(thing).__name__} cannot be sent to or from another process: {reason}",
                    received=repr(thing),
                    hint="Keep open files, locks and the like out of it, or use jobs=1.",
                ) from error
        raise


def _as_bytes(thing: object) -> bytes:
    from joblib import wrap_non_picklable_objects  # which knows where cloudpickle is

    return pickle.dumps(wrap_non_picklable_objects(thing, keep_wrapper=False))


def _take_over(own: Trainers, packed: bytes) -> None:
    """Give trainers, and the callbacks that their user may hold, what others have become."""
    for mine, its in zip(own, pickle.loads(packed), strict=True):
        for hook, other in zip(mine.callbacks, its.callbacks, strict=True):
            vars(hook).clear()
            vars(hook).update(vars(other))
        vars(mine).update(vars(its))


def _missing(blocks: Iterable[Trainers]) -> WorkerError:
    seeds: dict[str, list[int]] = {}
    for one in (one for block in blocks for one in block):
        seeds.setdefault(repr(one.optimizer), []).append(one.seed)
    names = "; ".join(f"seeds {found} of {name}" for name, found in seeds.items())
    return WorkerError(
        f"processes died again and again while they trained {names}",
        hint="A process dies when memory runs out, or when code that it runs ends it.",
    )


def _one_blas_thread() -> Any:
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, user_api="blas")

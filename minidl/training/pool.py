"""Run tasks in worker processes, with joblib or on a Dask cluster.

Payloads and results travel as bytes written by cloudpickle, so lambdas can be sent. Arrays are
separate arguments: joblib maps large ones into memory, and Dask sends each to the cluster once.
Every task has one BLAS thread, since two would change the last bits of large products.
"""

import contextlib
import operator
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from functools import partial
from inspect import signature
from typing import Any

from threadpoolctl import threadpool_limits

from minidl.autograd import Array
from minidl.errors import ArgumentError, WorkerError, invalid
from minidl.training.orphans import end_with

Parts = Callable[[Any], Iterable[object]]
Work = Callable[..., Any]
Results = Generator[tuple[int, bytes], None, None]

MESSAGE = "worker processes died repeatedly while they trained "
HINT = "A process dies when it runs out of memory, or when its code ends it."
OF_THIS_PROCESS = ("LokyBackend", "MultiprocessingBackend")  # whose workers nobody else needs
MOST_JOBS = 10_000  # processes
DEATHS = 3  # of tasks that run alone; after these the remaining ones are not tried
# Dask's and Ray's errors for the death of a worker, or of the only one that held an array
DIED = {"KilledWorker", "FutureCancelledError", "WorkerCrashedError", "RayActorError"}


def check_jobs(jobs: object) -> int | None:
    """Return a number of processes as joblib takes it, or raise :class:`ArgumentError`."""
    if isinstance(jobs, bool) or jobs == 0 or not (jobs is None or hasattr(jobs, "__index__")):
        raise invalid("jobs", jobs, "1, 2, ..., -1 for all, or None")
    if jobs is not None and abs(operator.index(jobs)) > MOST_JOBS:
        raise invalid("jobs", jobs, f"from -{MOST_JOBS} to {MOST_JOBS}")
    return None if jobs is None else operator.index(jobs)


def threads_for(jobs: int | None) -> int:
    """Return how many threads of this process may take the place of `jobs` processes of it."""
    if jobs in (None, 1):
        return 1
    from joblib.parallel import get_active_backend

    if type(get_active_backend()[0]).__name__ not in OF_THIS_PROCESS:  # a cluster
        return 1
    assert jobs is not None
    return jobs if jobs > 0 else max(1, (os.cpu_count() or 1) + 1 + jobs)


def run_all(
    tasks: Sequence[tuple[Any, tuple[Array, ...]]],
    work: Work,
    jobs: int | None,
    done: Callable[[int, Any], object],
    *,
    describe: Callable[[list[Any]], str],
    parts: Parts,
) -> None:
    """Compute ``work(payload, *arrays)`` for each task, up to three times if its worker dies.

    An array that several tasks need should be the same object in each. With ``jobs=1``, tasks run
    in this process, in order. ``done(index, result)`` is called here as each task finishes. A
    :class:`WorkerError` says ``describe(payloads)`` of unfinished tasks; of ``parts(payload)``, an
    error names the one that cannot be pickled.
    """
    if jobs == 1:
        with threadpool_limits(1, user_api="blas"):
            for k, (payload, arrays) in enumerate(tasks):
                done(k, work(payload, *arrays))
        return
    unfinished, jobs = dict(enumerate(tasks)), _with_work(jobs, len(tasks))

    def attempt(order: list[int]) -> Exception | None:
        """Run these tasks; return the error if a worker dies."""
        inputs = ((k, _pack(p, p, parts), *arrays) for k in order for p, arrays in [unfinished[k]])
        try:
            with contextlib.closing(_results((work, parts, sys.path), inputs, jobs)) as results:
                for k, packed in results:
                    del unfinished[k]
                    done(k, pickle.loads(packed))
        except Exception as error:
            if not _is_death(error):
                raise
            return error
        return None

    deaths: list[Exception] = []
    # In reverse order a task that kills its worker comes late; alone, it kills no other task.
    if attempt(list(unfinished)) and attempt(list(unfinished)[::-1]):
        for k in list(unfinished):
            if len(deaths) < DEATHS and (death := attempt([k])):
                deaths.append(death)
    if unfinished:
        networks = describe([payload for payload, _ in unfinished.values()])
        raise WorkerError(MESSAGE + networks, hint=HINT) from deaths[-1]


def _with_work(jobs: int | None, tasks: int) -> int | None:
    """Return how many processes to start: none without a task, but a whole pool is kept."""
    return jobs if jobs is None or jobs < 0 else min(jobs, max(tasks, os.cpu_count() or 1))


def _is_death(error: BaseException) -> bool:
    """Return True if an error says that a worker died."""
    return isinstance(error, BrokenExecutor) or any(c.__name__ in DIED for c in type(error).mro())


def _results(
    context: tuple[Work, Parts, Sequence[str]], inputs: Iterable[Any], jobs: int | None
) -> Results:
    """Yield the index and the packed result of each call as it finishes."""
    import joblib
    from joblib.parallel import get_active_backend

    backend, _ = get_active_backend()
    if hasattr(backend, "client"):  # of a Dask cluster
        yield from _on_dask(partial(_call, (*context, None)), inputs, backend)
        return
    parent = os.getpid() if type(backend).__name__ in OF_THIS_PROCESS else None
    call = partial(_call, (*context, parent))
    starting: contextlib.AbstractContextManager[None] = _ignoring_ctrl_c()
    settings = {"batch_size": 1, **_watching(joblib.Parallel, backend, parent)}
    try:
        parallel = joblib.Parallel(jobs, return_as="generator_unordered", **settings)
    except ValueError:  # the multiprocessing and Ray backends return all results at the end
        parallel, starting = joblib.Parallel(jobs, **settings), contextlib.nullcontext()
    with starting:
        results = parallel(joblib.delayed(call)(*arguments) for arguments in inputs)
    yield from results


def _watching(parallel: type, backend: Any, parent: int | None) -> dict[str, Any]:
    """Return the arguments with which a worker watches its parent before it has a task.

    Without these, one that never gets a task would wait for 300 s after a parent that is killed.
    joblib before 1.5 does not have them, and a program may have set its own.
    """
    initialized = "initializer" in getattr(backend, "backend_kwargs", {})
    if parent is None or initialized or "backend_kwargs" not in signature(parallel).parameters:
        return {}
    return {"initializer": end_with, "initargs": (parent,)}


def _on_dask(call: Work, inputs: Iterable[Any], backend: Any) -> Results:
    """Use Dask's own client: joblib, up to 1.6, never reports the death of a worker."""
    import joblib
    from distributed import as_completed

    with contextlib.suppress(Exception):  # its task may die with a worker, too
        joblib.effective_n_jobs()  # makes an adaptive cluster start workers; scatter waits for them
    client, remote = backend.client, dict[int, Any]()  # id of an array -> its future
    futures = []
    for k, packed, *arrays in inputs:
        for array in arrays:
            if id(array) not in remote:
                remote[id(array)] = client.scatter(array, broadcast=True, hash=False)
        sent = [remote[id(array)] for array in arrays]
        futures.append(client.submit(call, k, packed, *sent, pure=False, **backend.submit_kwargs))
    death: Exception | None = None
    try:
        for future in as_completed(futures, loop=client.loop):  # type: ignore[no-untyped-call]
            try:
                yield future.result()
            except Exception as error:
                if not _is_death(error):
                    raise
                death = error  # of this task; the others continue
        if death:
            raise death
    finally:
        client.cancel(futures)


@contextlib.contextmanager
def _ignoring_ctrl_c() -> Iterator[None]:
    """Let processes that are started here ignore Ctrl-C, which a terminal sends to all of them."""
    with contextlib.ExitStack() as after:
        if (
            signal.getsignal(signal.SIGINT)
            and threading.current_thread() is threading.main_thread()
        ):
            handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
            after.callback(signal.signal, signal.SIGINT, handler)
        yield


def _call(
    context: tuple[Work, Parts, Sequence[str], int | None], k: int, packed: bytes, *arrays: Array
) -> tuple[int, bytes]:
    """Run one task, in a worker process, which imports from the same folders.

    The worker ends with the process `parent`, if there is one.
    """
    work, parts, path, parent = context
    if parent is not None:
        end_with(parent)
    sys.path += [folder for folder in path if folder not in sys.path]
    payload = pickle.loads(packed)
    with threadpool_limits(1, user_api="blas"):
        result = work(payload, *arrays)
    return k, _pack(result, payload, parts)


def _pack(value: object, payload: Any, parts: Parts) -> bytes:
    """Return a pickled value, or raise an error that names a part of the payload."""
    try:
        return _as_bytes(value)
    except Exception as error:
        for part in parts(payload):
            try:
                _as_bytes(part)
            except Exception as reason:
                name = type(part).__name__
                problem = f"{name} cannot be sent to or from another process: {reason}"
                hint = "Keep open files, locks and the like out of it, or use jobs=1."
                raise ArgumentError(problem, received=repr(part), hint=hint) from error
        raise


def _as_bytes(value: object) -> bytes:
    from joblib import wrap_non_picklable_objects  # with joblib's cloudpickle

    return pickle.dumps(wrap_non_picklable_objects(value, keep_wrapper=False))

"""Worker processes end with the process that started them, also if that is killed."""

import multiprocessing
import os
import signal
import threading
import time

SECONDS = 0.5  # between two looks at the parent
_watched: set[int] = set()


def end_with(parent: int) -> None:
    """End this process soon after its parent, and leave signals to that one.

    A worker of the multiprocessing backend still ends by SIGTERM, with which its pool stops it.

    A thread looks whether the parent is still there. Linux could send a signal instead
    (PR_SET_PDEATHSIG), but does so when the thread ends that started this process. Nothing happens
    in the parent itself, for a second time, and where processes cannot be asked for (Windows).
    """
    if os.name != "posix" or os.getpid() == parent or parent in _watched:
        return
    _watched.add(parent)
    child = os.getppid() == parent  # or of a server that forks, or already an orphan
    pooled = not multiprocessing.current_process().name.startswith("LokyProcess")
    if not pooled and threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):  # which a terminal or system sends to all
            signal.signal(number, signal.SIG_IGN)

    def watch() -> None:
        while is_there(parent) and (not child or os.getppid() == parent):
            time.sleep(SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def is_there(process: int) -> bool:
    """Return whether there is a process of this number.

    >>> is_there(os.getpid())
    True
    """
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True

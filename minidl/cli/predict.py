"""``minidl predict``: apply a saved network to the rows of a file."""

import csv
import io
import shlex
from argparse import Namespace

from minidl.cli.output import say
from minidl.cli.result_files import printed, write_all, write_text
from minidl.cli.values import check_files
from minidl.datasets.new_rows import rows_in_file
from minidl.datasets.reading import Table
from minidl.errors import DataError, MinidlError
from minidl.plots.figures import save
from minidl.plots.predictions import draw_predictions
from minidl.text import listed
from minidl.training import Predictor, load


def predict(options: Namespace) -> int:
    """Write one prediction for each row to a file, or print them; return the exit code."""
    check_files(options, "out", "plot")
    predictor = _load(options)
    header = True if options.header else False if options.no_header else None
    form = {"header": header, "separator": options.separator}
    table = rows_in_file(options.rows, predictor.preparation, **form)
    target = predictor.preparation.target or "prediction"
    if options.probabilities:
        columns = [f"{target}={name}" for name in predictor.classes]
        rows = predictor.predict_proba(table).tolist()
    if options.plot or not options.probabilities:
        predicted = predictor.predict(table)
    if not options.probabilities:
        columns, rows = [target], [[value] for value in predicted.tolist()]
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([columns, *rows])
    text = buffer.getvalue()

    def draw() -> None:
        save(draw_predictions(predicted, predictor.classes, target), options.plot)

    written = write_all(options, {"out": lambda: write_text(options.out, text), "plot": draw})
    for remark in _remarks(predictor, table):
        say(f"minidl predict: note: {remark}")
    if options.out not in (None, "-"):
        return written.code
    failed = printed(lambda: print(text, end=""))
    return written.code or failed


def _remarks(predictor: Predictor, table: Table) -> list[str]:
    """Return what is not used as it is written, and the columns that are not used."""
    known = predictor.preparation
    if not (unused := known.unused(table)):
        return known.remarks(table)
    names = listed([repr(name) for name in unused])
    words = f"column {names} is" if len(unused) == 1 else f"columns {names} are"
    return [*known.remarks(table), f"{words} not used: the model was trained without"]


def _load(options: Namespace) -> Predictor:
    """Return the saved network; the error says if the two files were exchanged."""
    try:
        return load(options.model)
    except DataError as error:
        if not _is_saved(options.rows):
            raise
        words = shlex.join(["minidl", "predict", options.rows, options.model])
        raise DataError(str(error), hint=f"The model comes first: {words}") from None


def _is_saved(file: str) -> bool:
    try:
        load(file)
    except (MinidlError, OSError):
        return False
    return True

"""``minidl predict``: apply a saved network to the rows of a file."""

import csv
import io
import sys
from argparse import Namespace

from minidl.cli.values import check_files
from minidl.files import atomic_write
from minidl.plots.figures import check_plot, save
from minidl.plots.predictions import draw_predictions
from minidl.training import load


def predict(options: Namespace) -> int:
    """Print one prediction for each row, or write them to a file; return the exit code."""
    check_files(options, "out", "plot")
    if options.plot:
        check_plot(options.plot)
    predictor = load(options.model)
    header = True if options.header else False if options.no_header else None
    form = {"header": header, "separator": options.separator}
    target = predictor.preparation.target or "prediction"
    if options.probabilities:
        columns = [f"{target}={name}" for name in predictor.classes]
        rows = predictor.predict_proba(options.rows, **form).tolist()
    if options.plot or not options.probabilities:
        predicted = predictor.predict(options.rows, **form)
    if not options.probabilities:
        columns, rows = [target], [[value] for value in predicted.tolist()]
    if options.plot:
        save(draw_predictions(predicted, predictor.classes, target), options.plot)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    if options.out in (None, "-"):
        sys.stdout.write(text.getvalue())
    else:
        with atomic_write(options.out, "w") as file:
            file.write(text.getvalue())
    return 0

"""Files that are not tables of text: what they are, and what to do with them."""

import re
from pathlib import Path

from minidl.errors import DataError

PANDAS = "Write it as CSV with pandas: {}({!r}).to_csv({!r}, index=False)."
# The first bytes -> what the file is, and the function of pandas that reads it or another hint.
SIGNATURES = (
    (rb"PAR1", "a Parquet file", "read_parquet"),
    (rb"ARROW1|FEA1", "an Arrow file", "read_feather"),
    (rb"\xd0\xcf\x11\xe0", "an old Excel file", "read_excel"),
    (rb"\x89HDF", "an HDF5 file", "read_hdf"),
    (rb"\x80[\x02-\x05]", "a pickle, which may run any code when it is read", "read_pickle"),
    (rb"<stata_dta>|[\x71-\x75][\x01\x02]\x01\x00", "a Stata file", "read_stata"),
    (rb"\$FL2", "an SPSS file", "read_spss"),
    (rb"\x00{12}\xc2\xea\x81\x60", "a SAS file", "read_sas"),
    (rb"RDX|X\n\x00\x00\x00|A\n2\n", "an R file", "Write it as CSV in R, with write.csv."),
    (rb"\x93NUMPY", "an array of NumPy", "Save X and y by numpy.savez."),
    (rb"SQLite format 3", "an SQLite database", "Write a table as CSV: .mode csv, .output."),
    (rb"%PDF", "a PDF document", "Copy the table into a CSV file."),
    (rb"\x28\xb5\x2f\xfd", "data compressed by Zstandard", "Unpack it with zstd -d."),
    (rb"Rar!|7z\xbc\xaf", "an archive", "Unpack it and give one of its files."),
    (rb"[\s\S]{257}ustar", "a tar archive", "Unpack it and give one of its files."),
    (rb"\s*(<!DOCTYPE|<html|<\?xml)(?i:)", "a web page or an XML document", "Save it as CSV."),
    (rb"\s*(\{\s*\"|\[\s*[\{\[])", "JSON", "read_json"),
    (rb"\s*(%.*\n\s*)*@(?i:relation)", "an ARFF file", "Read it with scipy.io.arff.loadarff."),
    (
        rb"\s*[-+.\d]+( +\d+:[-+.\deE]+){2,} *\r?\n",
        "a file in the format of SVMlight",
        "Read it with sklearn.datasets.load_svmlight_file.",
    ),
)  # fmt: skip
EXCEL = {"xl/": ("an Excel file", "read_excel"), "content.xml": ("a spreadsheet", "read_excel")}


def refuse_format(path: Path, head: bytes) -> None:
    """Raise if the first bytes of a file, unpacked, are those of a format that is not text.

    >>> refuse_format(Path("a.csv"), b"PAR1")
    Traceback (most recent call last):
    ...
    minidl.errors.DataError: file a.csv is a Parquet file. Write it as CSV with pandas:
    pandas.read_parquet('a.csv').to_csv('a_rows.csv', index=False).
    """
    for pattern, format_name, hint in SIGNATURES:
        if re.match(pattern, head):
            raise foreign(path, format_name, hint)


def foreign(path: Path, format_name: str, hint: str) -> DataError:
    """Return the error for a file that pandas or another program can read."""
    if hint.startswith("read_"):
        new = path.with_name(f"{path.stem}_rows.csv") if path.suffix == ".csv" else path
        hint = PANDAS.format(f"pandas.{hint}", str(path), str(new.with_suffix(".csv")))
    return DataError(f"file {path} is {format_name}", hint=hint)


def refuse_archive(path: Path, names: list[str]) -> None:
    """Raise if the members of a zip archive are those of a spreadsheet, or several files."""
    for start, (format_name, function) in EXCEL.items():
        if any(name.startswith(start) for name in names):
            raise foreign(path, format_name, function)
    if len(names) != 1:
        listed = ", ".join(map(repr, names[:5])) or "nothing"
        hint = "Unpack it and give one of its files."
        raise DataError(f"file {path} is an archive of {listed}", expected="one file", hint=hint)

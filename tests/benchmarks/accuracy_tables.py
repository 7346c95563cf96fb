"""What ``minidl train`` learns from tables of R, which were chosen before a run.

    python tests/benchmarks/accuracy_tables.py FOLDER [--only MASS/] [--repeats 12] [--control]

It prints what `accuracy.py` prints. FOLDER holds CSV files of R's packages, such as those of
`resources.tar.gz` in the package pydataset. Rule: every table of Ecdat, MASS, car and datasets that
has 35 to 3,000 complete rows, two features or more, and a response that its help page names or
that its usual example explains. Left out are censored responses, copies of another table here or of
a data set of minidl, and columns that number or name the rows or from which the response is
computed (after "less"). Every class has two rows, and counts are regressions.

Ecdat and the seven tables that an earlier measurement had missed are for trying (TUNING); the
others are looked at only when a choice is made (VERIFICATION).
"""

from __future__ import annotations

import csv
import sys
from functools import partial
from pathlib import Path
from typing import Any

import accuracy
import command

TUNING = """
    Ecdat/Airline cost
    Ecdat/Bids numbids:regression less docno
    Ecdat/BudgetItaly wfood less whouse wmisc
    Ecdat/BudgetUK wfood less wfuel wcloth walc wtrans wother
    Ecdat/Caschool testscr less distcod county district readscr mathscr
    Ecdat/Catsup choice less id
    Ecdat/Cigar sales
    Ecdat/Clothing tsales less sales
    Ecdat/Crime crmrte less county
    Ecdat/Diamond price
    Ecdat/Doctor doctor:regression
    Ecdat/Electricity cost
    Ecdat/Fair nbaffairs:regression
    Ecdat/Fatality mrall
    Ecdat/Fishing mode less price catch
    Ecdat/Gasoline lgaspcar
    Ecdat/Griliches lw less rns80 mrt80 smsa80 age80 school80 expr80 tenure80 lw80
    Ecdat/Grunfeld inv
    Ecdat/Hdma deny
    Ecdat/Heating depvar less idcase
    Ecdat/Housing price
    Ecdat/Journals oclc less title pub
    Ecdat/Labour labour
    Ecdat/MCAS totsc4 less code municipa district totsc8
    Ecdat/Mathlevel mathlevel
    Ecdat/Mode choice
    Ecdat/Mroz work less hoursw hearnw wagew
    Ecdat/MunExp expend less id
    Ecdat/Nerlove cost
    Ecdat/Participation lfp
    Ecdat/PatentsRD patent less fi
    Ecdat/Produc gsp less state
    Ecdat/Tobacco stobacco
    Ecdat/Train choice less id choiceid
    Ecdat/Treatment treat
    Ecdat/Yogurt choice less id
    Ecdat/Wages lwage
    MASS/cpus perf less name estperf
    car/Salaries salary
    datasets/LifeCycleSavings sr
    datasets/rock perm
    datasets/swiss Fertility
    datasets/warpbreaks breaks
"""

VERIFICATION = """
    MASS/Boston medv
    MASS/Insurance Claims
    MASS/Pima.te type
    MASS/Rabbit BPchange
    MASS/Sitka size less tree
    MASS/Traffic y
    MASS/UScereal calories
    MASS/UScrime y
    MASS/anorexia Postwt
    MASS/bacteria y less ID
    MASS/biopsy class less ID
    MASS/birthwt low less bwt
    MASS/cabbages HeadWt
    MASS/cats Hwt
    MASS/coop Conc
    MASS/crabs sp less index
    MASS/epil y less subject
    MASS/fgl type
    MASS/genotype Wt
    MASS/hills time
    MASS/nlschools lang less class
    MASS/oats Y
    MASS/painters School
    MASS/quine Days
    MASS/shuttle use
    MASS/synth.tr yc
    MASS/topo z
    MASS/whiteside Gas
    car/Adler rating
    car/Angell moral
    car/Anscombe education
    car/Baumann post.test.1 less post.test.2 post.test.3
    car/Blackmoor exercise less subject
    car/Chile vote
    car/Cowles volunteer
    car/Depredations number:regression less early late
    car/Duncan prestige
    car/Ericksen undercount
    car/Freedman crime
    car/Ginzberg depression less adjsimp adjfatal adjdep
    car/Greene decision
    car/Highway1 rate
    car/Leinhardt infant
    car/Migration migrants
    car/Moore conformity
    car/Ornstein interlocks
    car/Prestige prestige
    car/Robey tfr
    car/States SATM less SATV
    car/Transact time
    car/Womenlf partic
    datasets/OrchardSprays decrease
    datasets/ToothGrowth len
    datasets/USArrests Murder
    datasets/USJudgeRatings RTEN
    datasets/airquality Ozone less Month Day
    datasets/attenu accel less event station
    datasets/esoph ncases:regression
    datasets/freeny y
    datasets/infert case less stratum pooled.stratum
    datasets/quakes mag
"""


def options_of(folder: Path, line: str) -> tuple[Path, dict[str, Any]]:
    """Return the file that a line names, and the options of its columns."""
    name, target, *rest = line.split()
    target, _, task = target.partition(":")
    path, left_out = folder / f"{name}.csv", {"", target, *rest[1:]}
    with path.open(newline="", encoding="utf-8") as file:
        names = next(csv.reader(file))
    if unknown := {target, *rest[1:]} - set(names):
        raise ValueError(f"{path} has no column {unknown}")
    features = [column for column in names if column not in left_out]
    options = {"target": target, "features": features, "missing": "drop"}
    return path, options | ({"task": task} if task else {})


def cases_of(folder: Path) -> dict[str, command.Case]:
    """Return a case for each table; those for trying come first."""
    cases: dict[str, command.Case] = {}
    for line in filter(None, map(str.strip, (TUNING + VERIFICATION).split("\n"))):
        path, options = options_of(folder, line)
        cases[line.split()[0]] = partial(accuracy.measure, str(path), options)
    return cases


if __name__ == "__main__":
    if len(sys.argv) < 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: accuracy_tables.py FOLDER, with files such as MASS/cpus.csv")
    cases = cases_of(Path(sys.argv[1]))
    title = "The accuracy of minidl's defaults on tables of R."
    sys.exit(accuracy.run(title, cases, 12, sys.argv[2:]))

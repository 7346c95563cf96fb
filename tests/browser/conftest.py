"""Pages of small commands, opened from disk in Chromium with the network off."""

import json
import os
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from minidl.cli import main

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
# The process may be root, as in containers, and must not look for updates.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update"]  # fmt: skip
SMALL = ["--hidden", "8", "--epochs", "15", "--jobs", "1", "--quiet"]
RACE = ["compare", "--optimizers", "gd,momentum,nag", "--lr", "0.05,0.2", "--seeds", "8",
        "--tuning-seeds", "2", "--sustained", "1", *SMALL]  # fmt: skip


@dataclass
class Made:
    """A page, the JSON that its command wrote, and what it printed."""

    path: Path
    record: dict
    printed: str

    def curve(self, optimizer: str, column: str = "train_loss") -> list[float]:
        """Return a curve of the run that the page shows, from the JSON."""
        if "history" in self.record:
            return self.record["history"]["columns"][column]
        part = self.data["parts"][0]
        (one,) = [run for run in part["runs"] if run["name"] == optimizer]
        seed = int(part["seed"].rpartition("seed ")[2].rstrip(")"))
        runs = [run for run in self.record["comparisons"][0]["runs"] if not run.get("twin")]
        mine = [run for run in runs if (run["optimizer"], run["seed"]) == (optimizer, seed)]
        rate = one["setting"].removeprefix("lr ").split(",")[0]
        (run,) = [run for run in mine if f"{run['setting'][0]:.3g}" == rate]
        return run["curves"][column]

    @property
    def data(self) -> dict:
        """The data of the page."""
        text = self.path.read_text(encoding="utf-8")
        return json.loads(text.split('id="data">')[1].split("</script>")[0])


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pages")


def made(folder, name, words, record):
    page, file = folder / f"{name}.html", folder / f"{name}.json"
    with redirect_stdout(StringIO()) as printed:
        assert main([*words, record, str(file), "--report", str(page)]) == 0
    return Made(page, json.loads(file.read_text()), printed.getvalue())


@pytest.fixture(scope="session")
def race(folder):
    return made(folder, "race", RACE, "--out")


@pytest.fixture(scope="session")
def study(folder):
    words = ["compare", "--problems", "iris,sine", *RACE[1:], "--seeds", "2", "--tuning-seeds", "1"]
    return made(folder, "study", words, "--out")


@pytest.fixture(scope="session")
def run(folder):
    words = ["train", "--dataset", "diabetes", "--lr", "0.01", "--epochs", "12", "--quiet"]
    return made(folder, "run", words, "--json")


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def show(browser):
    """Open a page; when the test ends, it has said nothing and asked for nothing but itself."""
    contexts, told, asked, files = [], [], [], []

    def show(path: Path, *, width: int = 1280, clock: bool = False, **options) -> Page:
        size = {"width": width, "height": 900}
        context = browser.new_context(viewport=size, offline=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        if clock:
            page.clock.install(time=0)
        files.append(path.as_uri())
        page.goto(path.as_uri())
        expect(page.locator("#now")).to_contain_text("epoch")
        if clock:
            page.clock.pause_at(3600)  # from now on time passes only in run_for
        return page

    show.told = told
    yield show
    for context in contexts:
        context.close()
    assert told == []
    assert asked == files

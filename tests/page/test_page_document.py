"""The file: one document that fetches nothing and in which no text becomes markup."""

import base64
import hashlib
import json
import re

import pytest
from page_reading import data_of

from minidl.errors import ArgumentError, DataError
from minidl.page.document import SCRIPTS, check_report, document, part, write

EVIL = "</script><script>alert(1)</script><!-- <img src=x onerror=alert(1)> & \u2028 @script@"
MADE = {"command": EVIL, "versions": "minidl"}


def test_texts_of_users_stay_text():
    page = document(EVIL, [{"headline": EVIL}], MADE)
    assert data_of(page) == {"parts": [{"headline": EVIL}], "made": MADE}
    assert page.count("<script") == page.count("</script>") == 2
    assert "<img" not in page
    assert "alert(1)</title>" not in page
    assert page.count("<!--") == 0


def test_names_that_are_not_unicode_can_be_written(tmp_path):
    write(tmp_path / "a.html", document("\udcff", [{"headline": "\udcff"}], MADE))
    assert data_of((tmp_path / "a.html").read_text("utf-8"))["parts"] == [{"headline": "\udcff"}]


def test_the_policy_allows_this_style_and_this_script_alone():
    page = document("x", [], MADE)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'; base-uri 'none'; form-action 'none';")
    assert "unsafe" not in policy
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.S)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy


def test_nothing_in_it_names_another_place():
    sources = "".join(map(part, [*SCRIPTS, "page.css", "page.html"]))
    addresses = re.findall(r"https?://[^\"'\s]*", sources)
    assert addresses == ["http://www.w3.org/2000/svg"]  # a namespace
    for word in ("@import", "url(http", "src=", "fetch(", "XMLHttpRequest", "import("):
        assert word not in sources, word


@pytest.mark.parametrize("word", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write",
                                  "eval(", "new Function", "DOMParser", "srcdoc"])  # fmt: skip
def test_scripts_never_parse_markup_or_code(word):
    assert not [name for name in SCRIPTS if word in part(name)]


def test_scripts_are_short_and_end_no_tag():
    for name in [*SCRIPTS, "page.html"]:
        assert part(name).count("\n") <= 350, name
    assert "</" not in "".join(map(part, [*SCRIPTS, "page.css"]))


def test_numbers_that_are_not_finite_are_refused_rather_than_written():
    with pytest.raises(ValueError, match="Out of range"):
        document("x", [{"value": float("nan")}], MADE)
    assert json.dumps(None) in document("x", [{"value": None}], MADE)


def test_a_file_that_cannot_be_written_is_known_before(tmp_path):
    with pytest.raises(ArgumentError, match=r"cannot write 'a.pdf': expected .* ends in .html"):
        check_report("a.pdf")
    with pytest.raises(DataError, match="there is no folder"):
        check_report(tmp_path / "none" / "a.html")
    (tmp_path / "a.html").mkdir()
    with pytest.raises(DataError, match="it is a folder"):
        check_report(tmp_path / "a.html")

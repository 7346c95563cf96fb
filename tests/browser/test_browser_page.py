"""What the page says and shows, to everyone: words, hover, tables, themes, sizes, readers."""

import json

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from minidl import compare, optim
from minidl.comparison import replay
from minidl.page.document import document, write
from minidl.page.race import race as race_data

EVIL = "<img src=x onerror=alert(1)></script><script>document.title='x'</script>"


def test_the_headline_is_the_verdict_that_was_printed(race, show):
    page = show(race.path)
    printed = " ".join(race.printed.split())
    assert page.locator("h1").text_content() in printed
    for row in page.locator("#numbers table").first.locator("tbody tr").all():
        for cell in row.locator("th, td").all_text_contents():
            assert cell in printed
    assert "minidl compare --optimizers gd,momentum,nag" in page.locator("#made").text_content()


def test_hover_tells_the_probability_that_the_network_predicts(race, show):
    page = show(race.path)
    page.locator("#epoch").fill("6")
    canvas = page.locator("#pictures canvas").nth(2)
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.4 * box["height"])
    place, value = page.locator("#tip").text_content().split("\n")
    words = place.replace(",", "").split()
    x = np.array([float(words[1]), float(words[3])])
    seed = int(race.data["parts"][0]["seed"].rpartition("seed ")[2].rstrip(")"))
    one = replay(_comparison(race), seed=seed)["nag"]
    one.model.parameters.set(one.weights[6])
    output = one.model.predict([(x - one.data.x_mean) / one.data.x_scale])[0, 0]
    spot = page.evaluate("([x, y]) => [SHOW.surfaces[2].px(x), SHOW.surfaces[2].py(y)]", list(x))
    assert spot == pytest.approx([0.6 * box["width"], 0.4 * box["height"]], abs=4)
    assert value.startswith("nag: ")
    assert float(value.removeprefix("nag: ")) == pytest.approx(1 / (1 + np.exp(-output)), abs=0.02)
    page.mouse.move(2, 2)
    assert page.locator("#tip").is_hidden()


def test_the_picture_has_the_right_side_up(race, show):
    page = show(race.path)
    page.keyboard.press("End")
    colors = page.evaluate(
        """() => {
          const { canvas, context, box } = SHOW.surfaces[2];
          const ratio = canvas.width / canvas.clientWidth;
          const image = context.getImageData(0, 0, canvas.width, canvas.height);
          const at = (x, y) => {
            const place = 4 * (Math.round(ratio * y) * image.width + Math.round(ratio * x));
            return [...image.data.subarray(place, place + 3)];
          };
          return [at(40, 26), at(34 + box.w - 6, 20 + box.h - 6)];
        }"""
    )
    # Of the moons, class 0 is above and class 1 below; no row is in these two corners.
    looks = race.data["parts"][0]["picture"]["shades"]["classes"]
    tints = [[int(look["color"][k : k + 2], 16) for k in (1, 3, 5)] for look in looks]
    for color, tint in zip(colors, tints, strict=True):
        assert color == pytest.approx([(255 + part) / 2 for part in tint], abs=16)


def _comparison(race):
    from minidl.comparison import Comparison

    return Comparison.from_json(race.path.with_suffix(".json"))


def test_behind_each_chart_is_a_table_with_its_numbers(race, show):
    page = show(race.path)
    page.locator("summary", has_text="Table: the curves").click()
    page.locator("#curves tbody tr").nth(15).wait_for()
    rows = page.locator("#curves tbody tr").all()
    names = ("gd", "momentum", "nag")
    for epoch, row in enumerate(rows):
        cells = row.locator("th, td").all_text_contents()
        assert cells == [str(epoch), *(f"{race.curve(name)[epoch]:.4f}" for name in names)]
    page.locator("#column").select_option("validation_accuracy")
    cells = page.locator("#curves tbody tr").last.locator("td").all_text_contents()
    assert cells == [f"{race.curve(name, 'validation_accuracy')[-1]:.4f}" for name in names]
    page.locator("summary", has_text="Table: the paths").click()
    page.locator("#paths tbody tr").nth(15).wait_for()
    assert page.locator("#paths tbody tr").count() == 16
    page.locator("summary", has_text="what the networks predict").click()
    page.locator("#picture table").last.wait_for()
    page.locator("#epoch").fill("2")
    assert "nag, epoch 2" in page.locator("#picture table").last.text_content()


def test_the_lines_are_drawn_where_the_numbers_are(race, show):
    page = show(race.path)
    points = page.evaluate("SHOW.charts[0].points(SHOW.part.runs[2].values.train_loss)")
    ends = page.evaluate("SHOW.charts[0].ends.y")
    inner = page.evaluate("SHOW.charts[0].inner")
    log = page.evaluate("SHOW.charts[0].log")
    scale = np.log if log else np.asarray
    low, high = scale(ends)
    shares = (scale(race.curve("nag")) - low) / (high - low)
    assert np.array(points)[:, 1] == pytest.approx(10 + (1 - shares) * inner["h"], abs=0.01)


def test_every_part_of_a_study_can_be_chosen(study, show):
    page = show(study.path)
    assert page.locator("#picture-title").text_content() == "Decision boundaries"
    rows = ["training rows", "held-out rows"]
    classes = ["setosa", "versicolor", "virginica"]
    assert page.locator("#rows li").all_text_contents() == [*classes, *rows]
    page.locator("nav button", has_text="sine").click()
    expect(page.locator("#picture-title")).to_have_text("Fitted curves")
    assert page.locator("#rows li").all_text_contents() == rows
    assert page.locator("nav button[aria-current=true]").text_content() == "minidl compare: sine"


def test_a_run_has_its_validation_loss_as_a_thin_line_that_the_legend_and_the_axis_name(run, show):
    page = show(run.path)
    entries = page.locator("#curves .legend li")
    assert entries.all_text_contents() == ["training loss", "validation loss"]
    color = entries.nth(0).locator("line").get_attribute("stroke")
    assert entries.nth(1).locator("line").get_attribute("stroke") == color
    assert page.locator("#curves svg.chart text").last.text_content() in (
        "loss",
        "loss (log scale)",
    )
    best = int(np.argmin(run.curve("nag", "validation_loss")))
    words = f"the slider starts at epoch {best}, which has the lowest validation loss"
    last = len(run.curve("nag")) - 1
    assert (words in page.locator("#picture-caption").text_content()) == (best < last)
    page.locator("#column").select_option("validation_loss")
    assert entries.all_text_contents() == ["nag"]


def test_classes_have_borders_and_planes_of_components_a_caution(study, show):
    page = show(study.path)
    dark = page.evaluate(
        """() => {
          const { canvas, context, box } = SHOW.surfaces[2];
          const ratio = canvas.width / canvas.clientWidth;
          const sizes = [34, 20, box.w, box.h].map((length) => Math.round(ratio * length));
          const { data } = context.getImageData(...sizes);
          let found = 0;
          for (let k = 0; k < data.length; k += 4) {
            found += Math.max(...data.subarray(k, k + 3)) < 60;
          }
          return found;
        }"""
    )
    assert dark > 100
    caution = "A row on the wrong side of a line can be predicted correctly."
    caption = page.locator("#picture-caption")
    assert caution in caption.text_content()
    page.locator("nav button", has_text="sine").click()
    expect(caption).not_to_contain_text(caution)


def test_held_out_rows_are_diamonds_where_colour_is_the_target(run, show):
    page = show(run.path)
    path = page.locator("#rows li").nth(1).locator("path").get_attribute("d")
    assert path == page.evaluate("markerPath('D', 8, 8, 5)")
    drawn = page.evaluate(
        """() => {
          const [own, found] = [window.markerPath, []];
          window.markerPath = (marker, ...place) => found.push(marker) && own(marker, ...place);
          SHOW.surfaces[0].draw(0);
          return found;
        }"""
    )
    points = run.data["parts"][0]["picture"]["points"]
    held = len(points["target"]) - points["training"]
    assert drawn == ["o"] * points["training"] + ["D"] * held


@pytest.mark.parametrize("which", ["race", "study", "run"])
@pytest.mark.parametrize("width", [320, 375])
def test_no_label_of_a_chart_is_cut_on_a_telephone(which, width, request, show):
    page = show(request.getfixturevalue(which).path, width=width)
    cut = page.evaluate(
        """() => [...document.querySelectorAll("svg.chart")].flatMap((svg) => {
          const frame = svg.getBoundingClientRect();
          return [...svg.querySelectorAll("text")].filter((text) => {
            const { left, right } = text.getBoundingClientRect();
            return left < frame.left - 1 || right > frame.right + 1;
          }).map((text) => text.textContent);
        })"""
    )
    assert cut == []


@pytest.mark.parametrize("which", ["race", "study", "run"])
@pytest.mark.parametrize("width", [375, 760, 1280])
def test_nothing_is_wider_than_the_window(which, width, request, show):
    page = show(request.getfixturevalue(which).path, width=width)
    for fold in page.locator("summary").all():
        fold.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_controls_are_large_enough_for_a_thumb(race, show):
    page = show(race.path, width=375)
    for control in page.locator("#play, #epoch, #column").all():
        assert control.bounding_box()["height"] >= 40


@pytest.mark.parametrize("which", ["race", "study", "run"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(which, scheme, request, show):
    page = show(request.getfixturevalue(which).path, color_scheme=scheme)
    for fold in page.locator("summary").all():
        fold.click()
    found = Axe().run(page).response["violations"]
    bad = [v for v in found if v["impact"] in ("serious", "critical")]
    assert not bad, json.dumps(bad, indent=1)


def test_the_theme_follows_the_system_and_the_button(race, show):
    page = show(race.path, color_scheme="dark")
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(paper) == "rgb(20, 23, 26)"
    page.locator("#theme").click()
    assert page.evaluate(paper) == "rgb(255, 255, 255)"
    page.emulate_media(color_scheme="light")
    # Browsers tell pages of a change as they draw; of two before that, they tell neither.
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_paper_is_white_whatever_the_screen_is(race, show):
    page = show(race.path, color_scheme="dark")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "light"
    page.emulate_media(media="print")
    assert page.locator("#now").is_visible()
    assert not page.locator("#play, #epoch, summary").filter(visible=True).count()
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate(theme) == "dark"


def test_names_of_users_are_text(folder, show):
    optimizers = {EVIL: optim.NAG(0.1), "b": optim.Momentum(0.1)}
    small = {"hidden": [3], "epochs": 3, "seeds": 2, "tuning_seeds": 1, "sustained": 1}
    found = compare("moons", optimizers=optimizers, tune="none", **small)
    part = race_data(found, replay(found), 0)
    path = folder / "evil.html"
    write(path, document("fine", [part], {"command": EVIL, "versions": ""}))
    page = show(path)
    for fold in page.locator("summary").all():
        fold.click()
    page.locator("#pictures canvas").first.hover()
    assert page.title() == "fine"
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 2
    assert page.locator("#pictures .name").first.text_content() == EVIL
    assert EVIL in page.locator("#made").text_content()
    assert EVIL in page.locator("#tip").text_content()


def test_the_policy_refuses_other_scripts_and_every_address(race, show):
    page = show(race.path)
    refused = page.evaluate(
        """async () => {
          const found = [];
          document.addEventListener("securitypolicyviolation", (e) => {
            found.push(e.effectiveDirective);
          });
          const script = document.createElement("script");
          script.textContent = "document.title = 'x'";
          document.body.append(script);
          await new Promise((resume) => setTimeout(resume));
          return found;
        }"""
    )
    assert refused == ["script-src-elem"]
    assert len(show.told) == 1  # the console names the policy
    show.told.clear()
    assert page.title() != "x"

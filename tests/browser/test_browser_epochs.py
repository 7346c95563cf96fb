"""The slider moves everything to one epoch, by mouse, keyboard and play."""

import pytest

from minidl.cli import main

LAST = 15


def now(page):
    return page.locator("#now").text_content()


def at(epoch):
    return f"epoch {epoch} of {LAST}"


def losses(page):
    return page.locator("#pictures .live b").all_text_contents()


def test_the_loss_shown_at_every_epoch_is_that_of_the_json(race, show):
    page = show(race.path)
    names = page.locator("#pictures .name").all_text_contents()
    assert names == ["gd", "momentum", "nag"]
    page.locator("#epoch").focus()
    page.keyboard.press("Home")
    for epoch in range(LAST + 1):
        assert now(page) == at(epoch)
        assert losses(page) == [f"{race.curve(name)[epoch]:.4f}" for name in names]
        accuracy = [f"{race.curve(name, 'validation_accuracy')[epoch]:.4f}" for name in names]
        texts = page.locator("#pictures .live:not(.soft)").all_inner_texts()
        assert [text.split("accuracy ")[1] for text in texts] == accuracy
        page.keyboard.press("ArrowRight")
    assert now(page) == at(LAST)


def test_the_loss_of_a_run_is_that_of_its_json(run, show):
    page = show(run.path)
    page.locator("#epoch").fill("3")
    assert losses(page) == [f"{run.curve('nag')[3]:.4f}"]


def test_pictures_are_of_the_epoch(race, show):
    page = show(race.path)
    shown = "SHOW.surfaces.map((surface) => surface.canvas.toDataURL())"
    page.keyboard.press("Home")
    start = page.evaluate(shown)
    page.keyboard.press("End")
    end = page.evaluate(shown)
    assert all(a != b for a, b in zip(start, end, strict=True))
    page.keyboard.press("Home")
    assert page.evaluate(shown) == start


@pytest.mark.parametrize("focus", ["#epoch", None])
def test_keys_move_wherever_the_focus_is(focus, race, show):
    page = show(race.path)
    if focus:
        page.locator(focus).focus()
    steps = [("Home", 0), ("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1)]
    steps += [("PageUp", 11)] if focus else []  # elsewhere it scrolls
    for key, epoch in [*steps, ("End", LAST), ("ArrowRight", LAST)]:
        page.keyboard.press(key)
        assert now(page) == at(epoch), key
    assert page.evaluate("window.scrollY") == 0


def test_the_slider_is_dragged_with_the_mouse(race, show):
    page = show(race.path)
    box = page.locator("#epoch").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    first = now(page)
    page.mouse.move(box["x"] + box["width"] - 2, middle)
    page.mouse.up()
    assert first in (at(7), at(8))
    assert now(page) == at(LAST)


def test_space_and_the_button_play_and_pause(race, show):
    page = show(race.path, clock=True)
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    assert page.locator("#play").text_content() == "Pause"
    page.clock.run_for(700)  # 300 ms for each of few epochs
    assert now(page) == at(2)
    page.keyboard.press(" ")
    page.clock.run_for(5_000)
    assert now(page) == at(2)
    page.locator("#play").click()
    page.clock.run_for(60_000)
    assert now(page) == at(LAST)
    assert page.locator("#play").text_content() == "Play"
    page.locator("#play").focus()
    page.keyboard.press(" ")  # the button's own key: once, and from the start again
    page.clock.run_for(310)
    assert now(page) == at(1)


def test_reduced_motion_plays_in_slow_steps_and_nothing_moves_by_itself(race, show):
    page = show(race.path, clock=True, reduced_motion="reduce")
    opened = now(page)
    page.clock.run_for(10_000)
    assert now(page) == opened
    page.keyboard.press("Home")
    page.locator("#play").click()
    page.clock.run_for(1_100)
    assert now(page) == at(0)
    page.clock.run_for(200)
    assert now(page) == at(1)


def test_the_slider_tells_epoch_and_losses_to_a_screen_reader(race, show):
    page = show(race.path)
    page.locator("#epoch").fill("4")
    told = page.locator("#epoch").get_attribute("aria-valuetext")
    values = ", ".join(f"{n} {race.curve(n)[4]:.4f}" for n in ("gd", "momentum", "nag"))
    assert told == f"epoch 4, training loss: {values}"


def test_a_click_on_the_curves_goes_to_that_epoch(race, show):
    page = show(race.path)
    page.locator("#curves svg.chart").scroll_into_view_if_needed()
    place = page.evaluate(
        "(() => { const c = SHOW.charts[0]; const r = c.svg.getBoundingClientRect();"
        " return [r.left + c.px(9), r.top + c.py(0.5)]; })()"
    )
    page.mouse.click(*place)
    assert now(page) == at(9)
    assert "epoch 9, training loss" in page.locator("#tip").text_content()


def test_the_goal_is_reached_when_the_table_says_so(race, show):
    page = show(race.path)
    part = race.data["parts"][0]
    for one, status in zip(
        part["runs"], page.locator("#pictures .live.soft:last-child").all(), strict=True
    ):
        column = race.curve(one["name"])
        hit = next((k for k, loss in enumerate(column) if loss <= part["goal"]["value"]), None)
        assert one["arrived"] == hit
        for epoch in range(LAST + 1):
            page.locator("#epoch").fill(str(epoch))
            reached = hit is not None and epoch >= hit
            assert ("at the goal since" in status.text_content()) == reached


def test_a_divergence_is_told_even_if_nothing_was_measured_after_it(folder, show):
    path = folder / "diverged.html"
    words = ["train", "--dataset", "diabetes", "--hidden", "none", "--lr", "0.3", "--quiet"]
    assert main([*words, "--optimizer", "momentum", "--report", str(path)]) == 0
    page = show(path)
    page.keyboard.press("End")
    assert "diverged in epoch" in page.locator("#pictures .live.soft:last-child").text_content()
    page.keyboard.press("Home")
    assert "diverged" not in page.locator("#pictures .live.soft:last-child").text_content()

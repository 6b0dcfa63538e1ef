"""The report in a browser: everything in it opens by a reader's clicks, and nothing of it comes from a network."""

import shutil
from dataclasses import dataclass, field
from typing import Any

import pytest

from checkout import copy_of_the_checkout

pytestmark = pytest.mark.browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
#: Addresses that lead to no network.
LOCAL = ("file:", "data:", "blob:")
FIGURES = {
    "Figure 1: effects": "figure1",
    "Figure 2: effects": "figure2",
    "Figure 3: changes of logits": "figure3",
    "Figure 4: leading-order effects": "figure4",
    "Planted samples found": "detection",
}
#: What the columns of a result's row lead to.
VIEW, ABOUT = 0, 1


@dataclass
class Visit:
    """A page, and what it asked for and complained of while it was looked at."""

    page: Any
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def categories(self):
        """Names of the categories in the menu."""
        return self.page.evaluate("Object.keys(categories)")

    def open(self, category):
        """Click home, then a category; return its results' rows."""
        self.page.locator("nav ol a").first.click()
        self.page.get_by_text(category, exact=True).click()
        rows = self.page.locator("tbody tr")
        rows.first.wait_for()
        return rows

    def results(self):
        """Yield the row of every result, each in its opened category, with its name."""
        for category in self.categories():
            for i in range(self.open(category).count()):
                row = self.open(category).nth(i)
                yield row.locator("td").first.inner_text(), row


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a small study and its report, made as ``make report`` makes it."""
    checkout = copy_of_the_checkout(tmp_path_factory.mktemp("reported"))
    checkout.run("tiny")
    made = checkout.snakemake("tiny", options=["--report", "results/tiny/report.html"])
    assert made.returncode == 0, made.stdout
    return checkout.folder / "results" / "tiny"


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert found, f"none of {', '.join(BROWSERS)} is installed: install one, for example by apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, finished):
    """The report, opened in a window of a laptop's size; nothing may have gone wrong when it is closed."""
    page = browser.new_page(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    visit = Visit(page)
    page.on("request", lambda request: visit.asked.append(request.url))
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    page.on("console", lambda said: visit.complaints.append(said.text) if said.type == "error" else None)
    page.goto((finished / "report.html").as_uri())
    page.get_by_text("Workflow", exact=True).wait_for()
    yield visit
    page.close()
    assert visit.complaints == []
    assert [address[:80] for address in visit.asked if not address.startswith(LOCAL)] == []


def test_every_figure_and_every_table_opens_in_the_page(visit):
    opened = []
    for name, row in visit.results():
        link = row.locator("a").nth(VIEW)
        if link.get_attribute("download"):
            continue
        link.click()
        shown = visit.page.locator("img[src^='data:image'], iframe").last
        shown.wait_for()
        box = shown.bounding_box()
        assert min(box["width"], box["height"]) > 200, name
        if shown.evaluate("element => element.tagName") == "IMG":
            visit.page.wait_for_function("element => element.complete", arg=shown.element_handle())
            assert shown.evaluate("element => element.naturalWidth") > 200, name
        else:
            frame = shown.element_handle().content_frame()
            frame.locator("table tr").nth(1).wait_for()
        opened.append(name)
    assert set(FIGURES) <= set(opened)
    assert {"calibration", "certificates", "data sets", "licences of data", "licences of models"} <= set(opened)


def test_every_figure_has_its_numbers_beside_it(visit, finished):
    saved = {}
    for name, row in visit.results():
        link = row.locator("a").nth(VIEW)
        if link.get_attribute("download"):
            with visit.page.expect_download() as waiting:
                link.click()
            saved[name] = waiting.value.path().read_bytes()
    for name, file in FIGURES.items():
        label = f"{name.split(':')[0]}: numbers (csv)"
        assert saved[label] == (finished / "figures" / f"{file}.csv").read_bytes()


def test_every_result_is_explained(visit):
    for name, row in visit.results():
        row.locator("a").nth(ABOUT).click()
        text = visit.page.locator("nav .prose").first.inner_text()
        assert "tiny" in text, name
        assert not {"{{", "{%", "undefined", "None"} & set(text.split()), name
        assert "System Message" not in text, name  # of docutils, where a caption is no reStructuredText

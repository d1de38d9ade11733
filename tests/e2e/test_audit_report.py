"""`cellveil audit report`: one file, no script, nothing fetched, well formed, right numbers; judged by axe-core in
Chromium (./run test installs both)."""
import html.parser
import json
import os
import re
import shutil

from harness import SOURCE, Deployment, environment, run
from test_client_read import CONFIG, COUNTS, release

VOID = {"meta", "rect", "br"}


class Page(html.parser.HTMLParser):
    """Holds the page against what a browser, a screen reader and a printer need."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.ids, self.labels = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        self.tags.append((tag, a))
        assert tag not in ("script", "link", "img", "iframe", "object"), tag
        assert not {k for k in a if k.startswith("on") or k in ("href", "src", "style")}, a
        if "id" in a:
            self.ids.append(a["id"])
        self.labels += a.get("aria-labelledby", "").split()
        if tag == "th":
            assert a.get("scope") in ("col", "row"), a
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open)
        self.open.pop()

    def count(self, tag):
        return sum(t == tag for t, _ in self.tags)


def check(path, language, charts=2):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    page = Page(text)
    assert text.startswith("<!DOCTYPE html>\n") and dict(page.tags[0][1])["lang"] == language
    assert page.count("h1") == 1 and page.count("main") == 1 and page.count("title") >= 1
    assert page.count("caption") == page.count("table") and page.count("svg") == charts, page.count("svg")
    assert len(set(page.ids)) == len(page.ids) and set(page.labels) <= set(page.ids)
    assert not re.search(r"https?://|url\(|@import", text), "nothing from the network"
    return text


def contrast(a, b):
    def light(c):
        v = [int(c[i:i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = [x / 12.92 if x <= 0.03928 else ((x + 0.055) / 1.055) ** 2.4 for x in v]
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
    x, y = sorted((light(a), light(b)))
    return (y + 0.05) / (x + 0.05)


def axe(path, folder):
    """axe-core's verdict, in Chromium without a network."""
    program = shutil.which("chromium")
    source = os.path.join(SOURCE, "tests/js/node_modules/axe-core/axe.min.js")
    assert program is not None and os.path.exists(source), "Chromium and axe-core are wanted: ./run test installs them"
    with open(path, encoding="utf-8") as f, open(source, encoding="utf-8") as s:
        page, script = f.read(), s.read()
    page = page.replace("</body>", "<script>%s</script><script>axe.run().then(r => { document.body.innerHTML = ''; "
                        "document.title = 'axe ' + r.passes.length + ' ' + JSON.stringify(r.violations.map("
                        "v => [v.id, v.nodes.map(n => n.html.slice(0, 80))])) + ' end'; });</script></body>" % script)
    tested = os.path.join(folder, "axe.html")
    with open(tested, "w", encoding="utf-8") as f:
        f.write(page)
    p = run([program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom",
             "--user-data-dir=" + os.path.join(folder, "chromium"), "--virtual-time-budget=20000",
             "--host-resolver-rules=MAP * ~NOTFOUND", "file://" + tested], want=None, timeout=180)
    found = re.search(r"<title>axe (\d+) (.*) end</title>", p.stdout, re.S)
    assert found, p.stdout[-500:] + p.stderr[-2000:]
    assert int(found.group(1)) > 10 and json.loads(html.unescape(found.group(2))) == [], found.group(0)


def with_figures(d, auditor, path):
    """With the figures of 2024: a chart and a table for each office too, with the numbers of `audit attack`."""
    table = os.path.join(d.folder, "tables", "2024")
    os.mkdir(os.path.dirname(table))
    d.ctl("release", "table", "2024", "--output", table)
    auditor.run("audit", "report", "--figures", os.path.dirname(table), "--output", path)
    text = check(path, "en", charts=3 + len(COUNTS) - 1)
    assert text.count("not in this report") == 1 and "Confidential" in text, "2023 is without"
    asked = json.loads(auditor.run("audit", "attack", "2024", "--figures", table, "--coalition", "1", "--json").stdout)
    for office in COUNTS:
        own = {(c["cell"], c["least"], c["most"]) for c in asked["cells"] if c["attacker"] == "office:" + office}
        part = re.split(r"<h4>[^<]*2024[^<]*office:%s</h4>" % office, text)[1].split("<h4>")[0].split("<h3>")[0]
        rows = re.findall(r'<th scope="row">([^<]*)</th><td class="n">(\d+)</td><td class="n">(\d+|no end)</td>', part)
        assert {(c, int(lo), None if hi == "no end" else int(hi)) for c, lo, hi in rows} == own, (office, rows, own)
    axe(path, d.folder)


def main():
    with Deployment(config=CONFIG, offices=list(COUNTS)) as d:
        auditor = d.reader("revisor", "auditor")
        release(d, "2023")
        release(d, "2024", more=7)
        path = os.path.join(d.folder, "report.html")
        auditor.run("audit", "report", "--output", path)
        text = check(path, "en")
        hidden = sum(x["suppressed"] for x in json.loads(auditor.run("audit", "log", "-k", "release", "-j").stdout))
        assert text.count('class="bar"') + text.count('class="open"') == hidden, "a bar for each hidden cell"
        assert "R1" not in text and "Confidential" not in text, "public facts only"
        assert 'class="fails"' not in text and 'class="unchecked"' not in text
        axe(path, d.folder)
        auditor.run("audit", "report", "--reasons", "--output", path)
        text = check(path, "en")
        assert "R1" in text and "Confidential" in text
        with_figures(d, auditor, path)
        auditor.run("audit", "report", "--output", path, env=dict(environment(), LC_ALL="sv_SE.UTF-8"))
        text = check(path, "sv")
        assert "Granskningsrapport" in text
        axe(path, d.folder)
        for pair in re.findall(r"background:(#[0-9a-f]{6});color:(#[0-9a-f]{6})", text):
            assert contrast(*pair) >= 4.5, pair
        with open(os.path.join(d.public, "log/checkpoint"), "r+b") as f:  # one that does not hold says so
            good = f.read()
            f.seek(0)
            f.write(good.replace(b"\n", b"\n1", 1))
        auditor.run("audit", "report", "--output", path + "2", want=1)
        assert not os.path.exists(path + "2")


if __name__ == "__main__":
    main()

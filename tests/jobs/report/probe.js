// Uses the page as a reader would, within a frame as wide as a phone; what it found is this page's title, as JSON.
document.querySelector("iframe").onload = ({ target }) => {
  const page = target.contentDocument;
  const all = (query) => [...page.querySelectorAll(query)];
  const found = {};

  const table = page.querySelector("#models table");
  const names = () => [...table.tBodies[0].rows].map((row) => row.cells[0].dataset.value);
  const sort = () => (table.querySelectorAll("th button")[4].click(), names());
  found.sorted = [sort(), sort()];

  const fill = () => target.contentWindow.getComputedStyle(page.querySelector(".map circle")).fill;
  const byClicks = fill();
  page.querySelector("#map-by-latent").click();
  found.colours = [byClicks, fill()];

  found.hints = all(".readout").map((readout) => readout.textContent);
  found.said = Object.fromEntries(
    all(".reacts").map((figure) => [figure.querySelector("h3").textContent, tap(target, figure.querySelector(".mark:last-of-type"))]),
  );
  const sizes = all(".reacts").find((figure) => figure.querySelector("h3").textContent === "Size by format");
  const svg = sizes.querySelector("svg");
  svg.dispatchEvent(new target.contentWindow.PointerEvent("pointermove", { clientX: -500, clientY: -500 }));
  svg.dispatchEvent(new target.contentWindow.KeyboardEvent("keydown", { key: "ArrowLeft" }));
  found.byKey = sizes.querySelector(".readout").textContent;

  const first = page.querySelector('#models .mark[data-series="1"]');
  const told = () => first.closest("figure").querySelector(".readout").textContent;
  tap(target, first);
  found.told = [told()];
  const drawn = () => all("#models svg .mark").filter((mark) => mark.getBoundingClientRect().width > 0).length;
  const button = page.querySelector('#models .legend button[data-series="1"]');
  found.drawn = [drawn()];
  for (const turn of ["off", "on"]) {
    button.click();
    found.drawn.push(drawn());
    found.told.push(told());
  }

  found.width = page.documentElement.scrollWidth;
  found.paper = target.contentWindow.getComputedStyle(page.body).backgroundColor;
  found.ink = target.contentWindow.getComputedStyle(page.body).color;
  found.loaded = target.contentWindow.performance.getEntriesByType("resource").map((one) => one.name);
  document.title = JSON.stringify(found);
};

// A picture tells the values of the mark nearest to a finger, the mouse or the arrow keys; a legend hides its series.
for (const figure of document.querySelectorAll(".reacts")) {
  const svg = figure.querySelector("svg");
  const readout = figure.querySelector(".readout");
  const REACH = 40;
  const tips = new Map();
  for (const mark of svg.querySelectorAll(".mark")) {
    const title = mark.querySelector("title");
    tips.set(mark, title.textContent);
    title.remove(); // the readout takes the place of the browser's own bubble
  }
  const show = (mark) => {
    svg.querySelector(".on")?.classList.remove("on");
    mark?.classList.add("on");
    readout.classList.toggle("hint", !mark);
    readout.textContent = mark ? tips.get(mark) : "Tap or point at a mark for its values.";
  };
  const middle = (mark) => {
    const box = mark.getBoundingClientRect();
    return [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
  };
  const distances = (mark, event) => {
    const box = mark.getBoundingClientRect();
    const [x, y] = middle(mark);
    const beside = Math.max(box.left - event.clientX, 0, event.clientX - box.right);
    const beyond = Math.max(box.top - event.clientY, 0, event.clientY - box.bottom);
    return [Math.hypot(beside, beyond), Math.hypot(x - event.clientX, y - event.clientY)];
  };
  const visible = () => [...tips.keys()].filter((mark) => !mark.classList.contains("off"));
  const nearest = (event) => {
    const all = visible().map((mark) => [mark, ...distances(mark, event)]);
    const [found] = all.filter((one) => one[1] < REACH).sort((a, b) => a[1] - b[1] || a[2] - b[2]);
    return found?.[0];
  };
  svg.addEventListener("pointermove", (event) => show(nearest(event)));
  svg.addEventListener("click", (event) => show(nearest(event)));
  figure.addEventListener("turned", () => svg.querySelector(".on.off") && show());
  svg.tabIndex = 0;
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const order = visible().sort((a, b) => middle(a)[0] - middle(b)[0] || middle(a)[1] - middle(b)[1]);
    const at = order.indexOf(svg.querySelector(".on"));
    show(order[at < 0 ? (step > 0 ? 0 : order.length - 1) : (at + step + order.length) % order.length]);
  });
  show();
}
for (const button of document.querySelectorAll(".legend button")) {
  button.addEventListener("click", () => {
    const shown = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", shown);
    const section = button.closest("section");
    const parts = section.querySelectorAll(`svg [data-series="${button.dataset.series}"]`);
    for (const part of parts) part.classList.toggle("off", !shown);
    for (const figure of section.querySelectorAll(".reacts")) figure.dispatchEvent(new Event("turned"));
  });
}

// Step through a graph: values forward, node by node, then gradients back. Everything it shows was
// recorded when the page was made; without this script the finished picture stands there.
{
  const WORDS = {
    en: { group: "Step through the graph", first: "Start over", back: "Back", next: "Next", play: "Play", pause: "Pause", done: "The finished picture. “Next” begins at the first step." },
    zh: { group: "逐步查看计算图", first: "从头开始", back: "上一步", next: "下一步", play: "播放", pause: "暂停", done: "这是全部走完后的图。按“下一步”从第一步看起。" },
  };
  const PACE = 2500; // milliseconds a step, long enough to read its sentence

  const start = (svg) => {
    const words = WORDS[document.documentElement.lang.startsWith("zh") ? "zh" : "en"];
    const steps = JSON.parse(svg.dataset.steps);
    const nodes = [...svg.querySelectorAll(".node")];
    const edges = [...svg.querySelectorAll(".edge")];
    const scroll = svg.parentElement;
    const make = (tag, properties = {}) => Object.assign(document.createElement(tag), properties);
    const control = make("div", { className: "autograd-control" });
    const bar = make("div", { className: "autograd-steps" });
    bar.setAttribute("role", "group");
    bar.setAttribute("aria-label", words.group);
    const count = make("span");
    const told = make("p", { className: "autograd-told" });
    told.setAttribute("role", "status");
    let at = steps.length;
    let timer = 0;

    const show = (place) => {
      at = Math.min(Math.max(place, 0), steps.length);
      const before = steps.slice(0, at);
      const finished = at === steps.length;
      const [now, , text] = finished || !at ? [] : steps[at - 1];
      const reached = new Set(before.filter((step) => step[1] === "forward").map((step) => step[0]));
      const returned = new Set(before.filter((step) => step[1] === "backward").map((step) => step[0]));
      svg.classList.toggle("stepping", !finished);
      for (const node of nodes) {
        const name = node.dataset.node;
        node.classList.toggle("later", !reached.has(name));
        node.classList.toggle("waiting", !returned.has(name));
        node.classList.toggle("now", name === now);
      }
      for (const edge of edges) {
        const { source, target } = edge.dataset;
        edge.classList.toggle("later", !reached.has(target));
        edge.classList.toggle("returned", returned.has(target));
        edge.classList.toggle("now", target === now);
      }
      count.textContent = `${at} / ${steps.length}`;
      told.textContent = finished ? words.done : text || "";
      const node = nodes.find((node) => node.dataset.node === now);
      if (!node) return;
      const box = node.getBoundingClientRect();
      const frame = scroll.getBoundingClientRect();
      if (box.left < frame.left) scroll.scrollLeft += box.left - frame.left - 8;
      else if (box.right > frame.right) scroll.scrollLeft += box.right - frame.right + 8;
      const top = control.getBoundingClientRect().bottom;
      const hidden = box.top < top ? box.top - top - 8 : Math.max(box.bottom - innerHeight + 8, 0);
      const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
      if (hidden) window.scrollBy({ top: hidden, behavior });
    };
    const stop = () => {
      clearInterval(timer);
      timer = 0;
      play.textContent = words.play;
    };
    const next = () => show(at === steps.length ? 1 : at + 1);
    const go = (move) => () => { stop(); move(); };
    const button = (text, act) => {
      const made = make("button", { type: "button", textContent: text });
      made.addEventListener("click", act);
      bar.append(made);
      return made;
    };
    const moves = { ArrowLeft: go(() => show(at - 1)), ArrowRight: go(next), Home: go(() => show(0)), End: go(() => show(steps.length)) };
    button(words.first, moves.Home);
    button(words.back, moves.ArrowLeft);
    button(words.next, moves.ArrowRight);
    const play = button(words.play, () => {
      if (timer) return stop();
      play.textContent = words.pause;
      next();
      timer = setInterval(() => {
        show(at + 1);
        if (at === steps.length) stop();
      }, PACE);
    });
    bar.addEventListener("keydown", (event) => {
      const move = moves[event.key];
      if (!move || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      move();
    });
    bar.append(count);
    control.append(bar, told);
    scroll.before(control);
    count.textContent = `${at} / ${at}`;
    told.textContent = words.done;
  };
  for (const svg of document.querySelectorAll("svg[data-steps]")) start(svg);
}

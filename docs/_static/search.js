// The search, loaded when a reader asks for it: finds sections with MiniSearch, shows them by page.
(() => {
  const root = document.documentElement.dataset.content_root;
  const chinese = document.documentElement.lang.startsWith("zh");
  const say = chinese ? {
    search: "搜索", close: "关闭", placeholder: "问题、术语、API 或报错信息",
    found: (n, query) => `找到 ${n} 页：“${query}”`, none: (query) => `没有找到“${query}”。`,
    suggest: "试试只留下关键的词、API 的名字或报错的第一句；也可以看看：",
    course: "全部教程", glossary: "术语表", other: "在英文页面中搜索",
    empty: "输入问题、术语、API 或报错信息。", loading: "正在载入……", failed: "搜索没能载入，请重新载入本页。",
    all: "在单独的页面上显示结果", keys: "↑ ↓ 选择，Enter 打开，Esc 关闭",
  } : {
    search: "Search", close: "Close", placeholder: "A question, a term, an API or an error",
    found: (n, query) => `${n} ${n === 1 ? "page" : "pages"} found for “${query}”`, none: (query) => `Nothing found for “${query}”.`,
    suggest: "Try the words that matter alone, the name of an API or the first sentence of the error; or see:",
    course: "All tutorials", glossary: "Glossary", other: "Search the Chinese pages",
    empty: "Type a question, a term, an API or an error.", loading: "Loading…", failed: "The search could not be loaded. Please reload this page.",
    all: "Show the results on a page of their own", keys: "↑ ↓ to move, Enter to open, Esc to close",
  };

  // Words, cut the same way in pages and in queries.

  const HAN = /\p{Script=Han}/u;
  const PIECE = /\p{Script=Han}+|(?:(?!\p{Script=Han})[\p{L}\p{N}_])+(?:(?:[.\-]|::)(?:(?!\p{Script=Han})[\p{L}\p{N}_])+)*/gu;
  const NUMBER = /^[\d.]*\d(?:e-?\d+)?$|^0x[0-9a-f]+$/;
  const remember = (cut) => {
    const known = new Map();
    return Object.assign((word) => (known.has(word) ? known : known.set(word, cut(word))).get(word), { known });
  };
  const stem = remember((word) => (/^[a-z]{3,}$/.test(word) ? porter.stemmer(word) : word));

  // The terms of one piece: pairs of Chinese characters; a name whole and in its parts.
  const termsOf = remember((piece) => {
    if (HAN.test(piece)) {
      const characters = [...piece];
      return characters.length === 1 ? characters : characters.slice(1).map((next, i) => characters[i] + next);
    }
    const whole = piece.toLowerCase();
    if (NUMBER.test(whole)) return [whole];
    const words = [whole];
    for (const name of piece.split(/[.\-]|::/)) {
      words.push(name.toLowerCase());
      for (const part of name.split(/_|(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/)) {
        words.push(part.toLowerCase().replace(/(?<=[a-z]{3})\d+$/, ""));
      }
    }
    if (piece.includes("-")) words.push(whole.replaceAll("-", "")); // in-place is inplace
    return [...new Set(words.map(stem))].filter(Boolean);
  });
  const pieces = (text) => [...text.matchAll(PIECE)];
  const terms = (text) => pieces(text.normalize("NFKC")).flatMap(([piece]) => termsOf(piece));

  // The index, built from the pages' text.

  const load = (name) => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = `${root}_static/${name}`;
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => reject(new Error(`${name} cannot be loaded`)));
    document.head.append(script);
  });

  const FIELDS = { title: 2.5, heading: 2, tags: 3, text: 1, code: 0.6 };
  let loading;
  const prepare = () => (loading ||= Promise.all(["vendor/minisearch.js", "vendor/stemmer.js", "search-index.js"].map(load)).then(build));

  const build = async () => {
    const sections = [];
    for (const [address, tags, found] of searchIndex.pages) {
      for (const [anchor, heading, text, code] of found) {
        const first = !anchor;
        sections.push({
          id: sections.length, address, anchor, title: found[0][1], heading: first ? "" : heading,
          tags: first ? tags.join(" ") : "", text, code,
        });
      }
    }
    const counts = new Map(); // in how many sections a term stands
    let seen, current;
    const engine = new MiniSearch({
      fields: Object.keys(FIELDS), tokenize: terms,
      extractField: (section, field) => {
        if (field === "id" && section !== current) [seen, current] = [new Set(), section];
        return section[field];
      },
      processTerm: (term) => {
        if (!seen.has(term)) counts.set(term, (counts.get(term) || 0) + 1);
        seen.add(term);
        return term;
      },
    });
    await engine.addAllAsync(sections, { chunkSize: 40 }); // the page answers meanwhile
    const known = [...new Set([...termsOf.known.keys()].map((piece) => piece.toLowerCase()))].filter((word) => /^[a-z_]{4,}$/.test(word));
    let speller;
    const spelling = () => {
      if (!speller) {
        speller = new MiniSearch({ fields: ["id"], tokenize: (word) => [word] });
        speller.addAll(known.map((id) => ({ id })));
      }
      return speller;
    };
    return { engine, sections, counts, spelling };
  };

  // The query: what carries meaning, and what the glossary knows by other names.

  const QUIET = new Set(("a an and are as at be been but by can could did do does doing for from get gets give had has have how i if in into is it its "
    + "just me my need of on or please should so some that the their them then there these they this to use used using want was we were what "
    + "when where which while who why will with would you your vs t s m re ll "
    + "error runtimeerror valueerror typeerror exception pytorch torch python").split(" "));
  const QUIET_CHINESE = /为什么|为啥|怎么办|怎么样|怎么|怎样|如何|什么是|是什么意思|什么意思|是什么|什么|请问|有没有|能不能|可不可以|可以|是否|一个|哪些|哪个|哪里|的时候|区别|用法|作用|有什么用|出现|[吗呢啊吧的了么]/g;

  // Whether ``text`` names ``word``: letter by letter in Chinese, by the stems of its words else.
  const stems = (text) => ` ${pieces(text).map(([piece]) => stem(piece.toLowerCase().replaceAll("-", ""))).join(" ")} `;
  const names = (text, word) => (HAN.test(word) ? text.toLowerCase().includes(word) : stems(text).includes(stems(word)));

  // A Latin word that no page holds is cut into two that they do, or gives way to the nearest one.
  const corrected = (text, { counts, spelling }) => text.replace(PIECE, (piece) => {
    const word = piece.toLowerCase();
    if (!/^[a-z_]{4,}$/.test(word) || termsOf(piece).some((term) => counts.has(term))) return piece;
    for (let at = 3; at <= word.length - 3; at++) { // chainrule
      const halves = [word.slice(0, at), word.slice(at)];
      if (halves.every((half) => counts.has(stem(half)))) return halves.join(" ");
    }
    return spelling().search(word, { fuzzy: 0.3, prefix: true })[0]?.id || piece;
  });

  const read = (query, index) => {
    const { counts } = index;
    const text = corrected(query.normalize("NFKC").replace(/0x[0-9a-f]+/gi, " "), index);
    const cut = (text) => pieces(text).flatMap(([piece]) => termsOf(piece).map((term, i) => ({ term, weight: i ? 0.6 : 1 })));
    let wanted = cut(text.replace(QUIET_CHINESE, " ")).filter(({ term }) => !QUIET.has(term) && !NUMBER.test(term));
    if (!wanted.length) wanted = cut(text);
    const own = new Map();
    for (const { term, weight } of wanted) own.set(term, Math.max(weight, own.get(term) || 0));

    const added = new Map();
    const add = (word, weight) => {
      for (const term of terms(word)) {
        if (!own.has(term) && !QUIET.has(term) && counts.has(term)) added.set(term, Math.max(weight, added.get(term) || 0));
      }
    };
    // A pair of characters that no page has may hold a wrong one: take the pairs that share the other.
    for (const { term, weight } of wanted) {
      if (!HAN.test(term) || term.length !== 2 || counts.has(term)) continue;
      const near = [...counts.keys()].filter((pair) => pair.length === 2 && HAN.test(pair) && (pair[0] === term[0] || pair[1] === term[1]));
      if (near.length <= 12) near.forEach((pair) => add(pair, 0.3 * weight));
    }
    for (const row of searchIndex.terms) { // Chinese, English, what is avoided
      const fixed = row[chinese ? 0 : 1];
      const named = row.filter((word) => names(text, word));
      if (!named.length) continue;
      for (const word of row) add(word, word === fixed ? 0.6 : 0.3);
      // A term of four characters is one word, not three pairs.
      for (const word of named) {
        if (HAN.test(word) && word.length > 2) for (const term of terms(word)) if (own.has(term)) own.set(term, 2 / word.length);
      }
    }
    for (const row of searchIndex.related) {
      if (row.some((word) => names(text, word))) row.forEach((word) => add(word, 0.4));
    }
    return { own, added, text };
  };

  // Tutorials answer; the list of calls names everything and explains nothing.
  const weight = (address) => (/^tutorials\/.*\/(?!index)/.test(address) ? 1 : address === "calls.html" ? 0.3 : 0.7);
  const PAGES = 10, SECTIONS = 3, LEAST = 0.12;

  const searchSite = async (query) => {
    const index = await prepare();
    const { engine, sections, counts } = index;
    const { own, added, text } = read(query, index);
    const list = [...own.keys(), ...added.keys()];
    if (!list.length) return [];
    const weigh = (term) => own.get(term) || added.get(term);
    const last = [...own.keys()].pop();
    const rarity = (term) => Math.log(1 + sections.length / (counts.get(term) || 1));
    const total = [...own].reduce((sum, [term, weight]) => sum + (counts.has(term) ? weight * rarity(term) : 0), 0) || 1;
    const phrase = text.trim().toLowerCase();

    const hits = engine.search(query, {
      tokenize: () => list, processTerm: (term) => term, boost: FIELDS,
      boostTerm: (term) => weigh(term),
      prefix: (term) => term === last && (HAN.test(term) ? term.length === 1 : term.length > 1),
    });
    const shareOf = (terms) => [...new Set(terms)].reduce((sum, term) => sum + (own.get(term) || 0) * rarity(term), 0) / total;
    const pages = new Map();
    for (const { id, score, queryTerms, terms: found } of hits) {
      const section = sections[id];
      const whole = phrase.length > 3 && `${section.heading}\n${section.text}\n${section.code}`.toLowerCase().includes(phrase);
      const worth = score * (0.4 + shareOf(queryTerms)) * (whole ? 1.5 : 1) * weight(section.address) * (section.anchor === "where-next" ? 0.5 : 1);
      if (!pages.has(section.address)) pages.set(section.address, []);
      pages.get(section.address).push({ section, worth, found: new Set(found) });
    }
    const ranked = [...pages.values()].map((found) => {
      found.sort((a, b) => b.worth - a.worth);
      const sum = found.reduce((sum, { worth }, i) => sum + worth * (i < 4 ? 0.3 ** i : 0), 0);
      const worth = sum * (1 + shareOf(terms(found[0].section.title)));
      return { worth, found };
    }).sort((a, b) => b.worth - a.worth);
    return ranked.filter(({ worth }) => worth >= LEAST * ranked[0].worth).slice(0, PAGES).map(({ worth, found }) => ({
      title: found[0].section.title, address: found[0].section.address, worth,
      terms: new Set(found.flatMap(({ found }) => [...found])),
      sections: found.filter((entry) => entry.worth >= 0.3 * found[0].worth).slice(0, SECTIONS).map(({ section, worth, found }) => ({
        ...section, worth, parts: snippet(section, found, (term) => rarity(term) * (weigh(term) || 0.6)),
      })),
    }));
  };

  // The snippet: the paragraph or line that holds most of the query, cut to size.

  const marks = (text, found) => {
    const spans = [];
    for (const { 0: piece, index } of pieces(text)) {
      if (HAN.test(piece)) {
        const pairs = termsOf(piece);
        pairs.forEach((pair, i) => found.has(pair) && spans.push([index + i, index + i + pair.length, pair]));
      } else {
        const term = termsOf(piece).find((term) => found.has(term));
        if (term) spans.push([index, index + piece.length, term]);
      }
    }
    return spans;
  };

  // Text in parts, ``[words, whether marked]``.
  const parted = (text, found, from = 0, to = text.length) => {
    const parts = [];
    let at = from;
    for (const [start, end] of marks(text, found)) {
      if (end <= at || start >= to) continue;
      if (start > at) parts.push([text.slice(at, start), false]);
      const begin = Math.max(at, start), stop = Math.min(to, end);
      if (parts.at(-1)?.[1] && begin === at) parts.at(-1)[0] += text.slice(begin, stop);
      else parts.push([text.slice(begin, stop), true]);
      at = stop;
    }
    if (at < to) parts.push([text.slice(at, to), false]);
    return parts;
  };

  const snippet = ({ text, code }, found, value) => {
    const blocks = [...text.split("\n").map((line) => [line, 1]), ...code.split("\n").map((line) => [line, 0.7])];
    let best = { worth: -1 };
    for (const [block, factor] of blocks) {
      if (!block) continue;
      const spans = marks(block, found), width = HAN.test(block) ? 90 : 180;
      for (const [start] of spans.length ? spans : [[0]]) {
        const inside = new Set(spans.filter(([from, to]) => from >= start && to <= start + width).map(([, , term]) => term));
        const worth = factor * [...inside].reduce((sum, term) => sum + value(term), 0);
        if (worth > best.worth) best = { worth, block, start, width };
      }
    }
    if (!best.block) return [];
    const { block, start, width } = best;
    let from = Math.max(0, Math.min(start - width / 4, block.length - width));
    let to = Math.min(block.length, from + width);
    if (from) from += block.slice(from, from + 20).search(/[\s，。；：、]|\p{Script=Han}/u) + 1;
    const rest = block.slice(to - 20, to).search(/\s\S*$/);
    if (to < block.length && rest >= 0) to += rest - 20;
    const parts = parted(block, found, from, to);
    return [...(from ? [["… ", false]] : []), ...parts, ...(to < block.length ? [[" …", false]] : [])];
  };

  // What the reader sees.

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const shown = (parts) => parts.map(([text, marked]) => (marked ? make("mark", {}, text) : text));

  const result = ({ title, address, terms, sections }) => {
    const link = (anchor, words) => make("a", { href: root + address + (anchor && `#${anchor}`) }, ...shown(parted(words, terms)));
    const item = make("li", {}, link("", title));
    const inner = make("ul");
    for (const { anchor, heading, parts } of sections) {
      const context = make("p", { class: "context" }, ...shown(parts));
      if (anchor) inner.append(make("li", {}, link(anchor, heading), context));
      else item.append(context);
    }
    if (inner.children.length) item.append(inner);
    return item;
  };

  const elsewhere = (query) => {
    const link = document.querySelector("a[data-language]");
    const other = chinese ? "en" : "zh";
    const href = `${root}../${other}/search.html?q=${encodeURIComponent(query)}`;
    const code = chinese ? "en" : "zh-CN";
    return link && make("p", { class: "search-other" }, make("a", { href, hreflang: code }, say.other));
  };

  // Join a form and a place for results; return a function that searches for what is typed. On the
  // page of the search ``changed`` is told of each query; in the dialog Enter opens the first result.
  const connect = (form, place, changed) => {
    const input = form.elements.q;
    const summary = make("p", { class: "search-summary", role: "status", "aria-live": "polite" });
    const list = make("ul", { class: "search" });
    const after = make("div");
    place.replaceChildren(summary, list, after);
    let latest = 0, timer, waiting = false, composing = false;

    const run = async () => {
      clearTimeout(timer);
      waiting = false;
      const query = input.value.trim(), turn = ++latest;
      changed?.(query);
      if (!query) {
        summary.textContent = say.empty;
        list.replaceChildren();
        after.replaceChildren();
        return;
      }
      const slow = setTimeout(() => { if (turn === latest && !list.children.length) summary.textContent = say.loading; }, 200);
      let pages;
      try {
        pages = await searchSite(query);
      } catch {
        pages = null;
        loading = undefined;
      }
      clearTimeout(slow);
      if (turn !== latest) return;
      if (place.contains(document.activeElement)) input.focus();
      list.replaceChildren(...(pages || []).map(result));
      summary.textContent = !pages ? say.failed : pages.length ? say.found(pages.length, query) : say.none(query);
      const foreign = HAN.test(query) !== chinese;
      const help = pages?.length ? [] : [
        make("p", {}, say.suggest),
        make("ul", {}, ...[["tutorials/index.html", say.course], ["glossary.html", say.glossary]]
          .map(([address, words]) => make("li", {}, make("a", { href: root + address }, words)))),
      ];
      after.replaceChildren(...help, ...(foreign || !pages?.length ? [elsewhere(query)].filter(Boolean) : []));
    };
    const later = () => {
      clearTimeout(timer);
      waiting = !composing;
      if (waiting) timer = setTimeout(run, 120);
    };
    input.addEventListener("compositionstart", () => { composing = true; clearTimeout(timer); });
    input.addEventListener("compositionend", () => { composing = false; later(); });
    input.addEventListener("input", (event) => { if (!event.isComposing) later(); });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (composing) return;
      await run();
      if (!changed) list.querySelector("a")?.click();
    });
    // In Safari the Enter that ends a composition would submit.
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.isComposing || event.keyCode === 229)) event.preventDefault();
    });

    // From the field down through the results and back.
    const move = async (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step || event.isComposing) return;
      event.preventDefault();
      if (waiting) await run();
      const stops = [input, ...place.querySelectorAll("a")];
      const next = stops[stops.indexOf(document.activeElement) + step];
      next?.focus();
      next?.scrollIntoView({ block: "nearest" });
    };
    form.addEventListener("keydown", move);
    place.addEventListener("keydown", move);
    return run;
  };

  // On the page of its own the address holds the query; elsewhere a dialog opens.

  const page = document.querySelector("form.search-form");
  if (page) {
    const input = page.elements.q;
    input.value = new URLSearchParams(location.search).get("q") || "";
    const keep = (query) => {
      try {
        history.replaceState(history.state, "", query ? `?q=${encodeURIComponent(query)}` : location.pathname);
      } catch { /* some browsers refuse this to files */ }
    };
    const run = connect(page, document.getElementById("search-results"), keep);
    run();
    if (!input.value) input.focus();
    window.openSearch = () => { input.focus(); input.select(); };
  } else {
    let dialog;
    const open = () => {
      const input = make("input", { type: "search", name: "q", id: "search-query", autocomplete: "off", spellcheck: "false", placeholder: say.placeholder });
      const close = make("button", { type: "button", class: "search-close", "aria-label": say.close }, "✕");
      const form = make("form", { role: "search", action: `${root}search.html` }, make("label", { for: "search-query" }, say.search), input, close);
      const place = make("div", { id: "search-results" });
      const all = make("a", { href: `${root}search.html` }, say.all);
      dialog = make("dialog", { class: "search-dialog", "aria-label": say.search }, form, place, make("p", { class: "search-foot" }, make("span", {}, say.keys), all));
      document.body.append(dialog);
      const run = connect(form, place);
      input.addEventListener("input", () => { all.href = `${root}search.html?q=${encodeURIComponent(input.value)}`; });
      close.addEventListener("click", () => dialog.close());
      input.addEventListener("keydown", (event) => { // the first Escape would only empty the field
        if (event.key !== "Escape" || event.isComposing) return;
        event.preventDefault();
        dialog.close();
      });
      dialog.addEventListener("click", (event) => { // beside the dialog, or on a link into this page
        if (event.target === dialog || event.target.closest("a")?.pathname === location.pathname) dialog.close();
      });
      run();
    };
    window.openSearch = () => {
      if (!dialog) {
        const style = make("link", { rel: "stylesheet", href: `${root}_static/search.css` });
        style.addEventListener("load", () => window.openSearch(), { once: true });
        style.addEventListener("error", () => window.openSearch(), { once: true });
        document.head.append(style);
        open();
        return;
      }
      if (!dialog.open) dialog.showModal();
      dialog.querySelector("input").select();
      dialog.querySelector("input").focus();
      prepare().catch(() => {});
    };
  }
  window.searchSite = searchSite;
})();
